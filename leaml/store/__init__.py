"""What people and jobs left behind: the only room that writes SQL. Imports no torch."""
