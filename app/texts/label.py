"""What the Label screen says."""

POOLS = {"train": "to learn from", "calibration": "calibration", "test": "test"}
"""Split -> what its pictures are for; other splits go by their own name."""

BLIND = "These pictures measure the model: it never learns from them, and no suggestion is shown."
STANDING = "{labelled} labelled · {left} left"
PACE = "{seconds} s each"
PLACE = "Picture {place} of {of}"
GROUP = "{group}"
BY = "Answered by {name}. A different answer of yours is kept beside it."
SOMEBODY = "somebody else"
SAVED = {1: "1 answer saved.", None: "{n} answers saved."}
ALL_DONE = "Every picture here has answers. The arrows lead through them."

TYPES = {
    "yes/no": "yes or no",
    "single choice": "one of several",
    "multiple choice": "several of several",
    "colour": "a colour",
    "location": "a place in the picture",
    "count": "a number",
    "open": "free text",
}

WORDS = {
    "save": "Save and next",
    "skip": "Skip",
    "before": "Previous",
    "after": "Next",
    "undo": "Undo",
    "pool": "Pictures",
    "own": "+ Own question",
    "own_question": "Your question",
    "own_type": "Its answer is",
    "own_choices": "What can be answered, with ; between",
    "add": "Add",
    "leave": "Leave out",
    "answer": "Answer",
    "number": "Another number",
    "several": "Several may be chosen; ↓ goes on.",
    "nothing": "Nothing is answered yet. Answer a question, or skip this picture.",
    "not_added": "Your own question is not added yet. Add it, or leave it out.",
    "no_question": "Write your question first.",
    "asked_already": "This question is there already.",
}
"""Words of the form, by what they stand on."""

NO_PROJECT = {
    "title": "No project is open",
    "text": "A project holds your pictures, answers and models. Open or make one first.",
    "button": "Go to Project",
    "tab": "project",
}
NO_PICTURES = {
    "title": "No pictures yet",
    "text": "Import a folder of pictures; then they come here one after the other, and you answer questions on them.",
    "button": "Import pictures",
    "tab": "project",
}
NONE_OF_THESE = {
    "title": "No pictures of this kind",
    "text": "No picture was set aside for this when the pictures were imported. Choose other pictures.",
}

NOT_OFFERED = ("“{answer}” cannot be answered to “{question}”.", "Choose one of: {choices}.")
NOT_A_NUMBER = ("“{answer}” is not a whole number.", "Write 0 or a number above, such as 3.")
NO_CHOICES = ("“{question}” has nothing to choose from.", "Add what can be answered, with ; between.")
UNKNOWN_TYPE = ("“{question}” is of a kind that is not known here.", "Choose another kind.")
MOST_PICTURES = ("This picture is no longer there.", "Reload the page.")


def standing(labelled: int, left: int, seconds: float | None) -> str:
    """ "36 labelled · 364 left · 21 s each"."""
    words = STANDING.format(labelled=f"{labelled:,}", left=f"{left:,}")
    return words if seconds is None else f"{words} · {PACE.format(seconds=round(seconds))}"


def saved(answers: int) -> str:
    """What was just kept."""
    return SAVED.get(answers, SAVED[None]).format(n=answers)


def place(position: int, of: int, group: str) -> str:
    """ "Picture 13 of 400 · patient 7"."""
    words = PLACE.format(place=f"{position:,}", of=f"{of:,}")
    return f"{words} · {group}" if group else words
