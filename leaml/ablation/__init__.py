"""`leaml ablate PLAN`: many small runs that differ in one thing, and the table of what that thing is worth."""
