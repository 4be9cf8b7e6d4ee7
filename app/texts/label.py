"""What the Label screen says."""

POOLS = {"train": "to learn from", "calibration": "calibration", "test": "test"}
"""Split -> what its pictures are for; other splits go by their own name."""

BLIND = "These pictures measure the model: it never learns from them, and no suggestion is shown."
STANDING = "{labelled} labelled · {left} left"
PACE = "{seconds} s each"
PLACE = "Picture {place} of {of}"
BY = "Answered by {name}. A different answer of yours is kept beside it."
SOMEBODY = "somebody else"
SAVED = {0: "Saved: nothing to answer here.", 1: "1 answer saved.", None: "{n} answers saved."}
ALL_DONE = "Every picture here has answers. The arrows lead through them."

TYPES = {
    "yes/no": "yes or no",
    "single choice": "one of a list",
    "multiple choice": "several of a list",
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
    "leave": "Back",
    "answer": "Answer",
    "number": "Another number",
    "several": "Several may be chosen; ↓ goes on.",
    "nothing": "Nothing is answered. Save once more if there is nothing to answer on this picture.",
    "unanswered": "{n} questions have no answer. Save once more to leave them open.",
    "unanswered_one": "One question has no answer. Save once more to leave it open.",
    "mark_alone": "A mark belongs to an answer: answer “{question}” as well.",
    "cannot_tell": "Cannot tell",
    "mark": "Mark",
    "point": "Point",
    "box": "Box",
    "region": "Region",
    "unmark": "Remove mark",
    "marking": "Draw on the picture. Esc ends it.",
    "marks": "{n} marks",
    "marks_one": "1 mark",
    "flag": "Flag",
    "flagged": "Flagged",
    "comment": "Comment",
    "comment_keep": "Keep comment",
    "skip_why": "Why? A digit, or S again without a reason.",
    "skip_plain": "Without a reason",
    "again": "Ask it on the next pictures, too",
    "questions": "Questions",
    "blank": "Black out…",
    "blank_draw": "Draw a box around what names somebody. Esc ends it.",
    "blank_title": "Black out this region",
    "blank_warning": "This cannot be undone: the files are written anew, black there, and those from before are "
    "deleted. Copies made earlier, such as back-ups and exports, are not reached.",
    "blank_do": "Black out for good",
    "no_names": "No names here",
    "none_asked": "Nothing is asked on these pictures yet. First choose what you want a model to answer.",
    "choose": "Choose the questions",
    "questions_title": "Asked on every picture",
    "questions_none": "No question yet. Begin with a kind:",
    "questions_add": "Add a question",
    "questions_keep": "Keep these questions",
    "up": "Up",
    "down": "Down",
    "remove": "Remove",
    "not_added": "Your own question is not added yet. Add it, or leave it out.",
    "no_question": "Write your question first.",
    "asked_already": "This question is there already.",
}
"""Words of the form, by what they stand on."""

REASONS = ("poor picture", "not my field", "not a picture of this kind", "identity visible", "later")
"""Why a picture is passed over, by digit."""

PRESETS = (
    {"type": "yes/no", "question": "Is anything abnormal seen?", "choices": ["yes", "no"]},
    {"type": "single choice", "question": "What is seen?", "choices": ["nothing", "a polyp", "an ulcer", "other"]},
    {"type": "multiple choice", "question": "Which instruments are seen?", "choices": ["forceps", "snare", "none"]},
    {"type": "colour", "question": "What colour is it?", "choices": ["red", "pink", "white", "yellow", "brown"]},
    {"type": "location", "question": "Where is it?", "choices": []},
    {"type": "count", "question": "How many are there?", "choices": []},
    {"type": "open", "question": "What is seen in this picture?", "choices": []},
)
"""Questions to begin with, one of each kind; they are there to be rewritten."""

SAID = {
    "flag": "Flagged for somebody to look at.",
    "unflag": "The flag is gone.",
    "comment": "Comment kept.",
    "questions": "These questions are asked on every picture from now on.",
    "again": "It is asked on every picture from now on.",
    "blank": "Blacking out: the picture shows it when that is done.",
    "no_names": "Kept as it is: nothing in it names anybody.",
    "typical": "Looking for typical pictures. They come first when that is done; one in five is drawn at random.",
    "random": "All pictures are drawn at random from now on.",
}
TOP_FOLDER = "the one you gave"
SCOPES = {
    "picture": "this picture",
    "folder": "all {n} pictures of the folder {of}",
    "device": "all {n} pictures of {of}",
}
OF_ANOTHER_SIZE = "{n} of another size stay as they are"
TYPICAL = "Why this one: typical of {n} others"
RANDOM = "Why this one: drawn at random"
TO_TYPICAL = "Typical pictures first"
TO_RANDOM = "All at random"
SKIPPED = "Passed over{reason}."
VERSION = "version {n}"
FROZEN = "has answers: a change makes a new version"

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


def standing(labelled: int, left: int, seconds: float | None) -> str:
    """ "36 labelled · 364 left · 21 s each"."""
    words = STANDING.format(labelled=f"{labelled:,}", left=f"{left:,}")
    return words if seconds is None else f"{words} · {PACE.format(seconds=round(seconds))}"


def saved(answers: int) -> str:
    """What was just kept."""
    return SAVED.get(answers, SAVED[None]).format(n=answers)


def skipped(reason: str) -> str:
    """What was just passed over."""
    return SKIPPED.format(reason=f": {reason}" if reason else "")


def scope(key: str, of: str, pictures: int, others: int) -> str:
    """ "all 37 pictures of the folder ward 3 (2 of another size stay as they are)"."""
    words = SCOPES[key].format(n=f"{pictures:,}", of=of)
    return f"{words} ({OF_ANOTHER_SIZE.format(n=f'{others:,}')})" if others else words


def version(number: int, frozen: bool) -> str:
    """ "version 2 · has answers: a change makes a new version"."""
    parts = [VERSION.format(n=number)] * (number > 1) + [FROZEN] * frozen
    return " · ".join(parts)


def place(position: int, of: int, group: str) -> str:
    """ "Picture 13 of 400 · patient 7"."""
    words = PLACE.format(place=f"{position:,}", of=f"{of:,}")
    return f"{words} · {group}" if group else words
