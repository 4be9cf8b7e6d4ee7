"""What the Compare screen says."""

from typing import Any

BASE = "Base model"
BLIND = "Guessing without the picture"
BLIND_HELP = "The most frequent answer to each question among your labels."
FEWEST_FOR_A_RATE = 30

# ---- ask -------------------------------------------------------------------------------------------------------

WORDS = {
    "place": "Picture",
    "of": "of",
    "before": "Previous",
    "after": "Next",
    "random": "Random",
    "pool": "Pictures",
    "question": "Ask anything about this picture",
    "ask": "Ask",
    "stop": "Stop",
    "adapter": "Who answers beside the base model",
    "known": "Labelled answer",
    "look": "Where does it look?",
}
POOLS = {"test": "test", "calibration": "calibration", "train": "to learn from"}
NOT_ADAPTED = "Nothing is adapted yet: only the base model answers."
PROBABILITY = "{share} sure"
PROBABILITY_HELP = "How sure the model sounds, not how often it is right."
DOUBT = "Ask a person: less than {least} sure"
LEARNED = "It has learned from this picture: what it says here proves nothing."
RIGHT, WRONG = "✓ right", "✕ wrong"
EARLIER = "From the comparison on the test set."
WAITS, NONE = "…", "–"
NO_ANSWER = "Not every model could answer."
NO_QUESTION = ("There is no question.", "Write one, or choose one of the list.")
HINT = "Ask, and the base model and the adapted model answer side by side."
NOT_MEDICAL = "What a model answers is no diagnosis."

NO_PROJECT = {
    "title": "No project is open",
    "text": "A project holds your pictures, answers and models. Open or make one first.",
    "button": "Go to Project",
    "tab": "project",
}
NO_PICTURES = {
    "title": "No pictures yet",
    "text": "Import pictures first; then ask the model anything about them.",
    "button": "Import pictures",
    "tab": "project",
}

# ---- the table -------------------------------------------------------------------------------------------------

START = "Compare on the test set"
START_HELP = "{models} answer the {questions} labelled questions on {pictures} pictures that no model learned from."
START_BASE = "Only the base model answers: nothing is adapted yet."
START_NO_TEST = "There are no labelled test pictures. Label some of them on the Label screen, or import a test set."
ADAPTERS = "Adapted models"
ADAPTERS_HELP = "Who is compared with the base model, side by side; none: the newest."
ONE_ADAPTED = "The base model and “{name}”"
OPTIONS = "Options"

TABLE = {
    "model": "Model",
    "right": "Right",
    "base": "Against the base model",
    "blind": "Against guessing",
}
PARTS = {
    "by_type": {"title": "By kind of question", "head": "Kind of question"},
    "by_question": {"title": "By question", "head": "Question"},
    "by_group": {"title": "By patient or video", "head": "Patient or video"},
}
"""What the table is broken down by, as the job that compares calls it."""
NEAR, OVERLAP = "within one: {rate}", "overlap: {rate}"
SET = "{name}: {questions} questions on {pictures} independent pictures or patients"
SET_NAMES = {"test": "Test set", "calibration": "Calibration set"}
MORE = "About {n} more labelled questions, on new pictures, would narrow each range to 10 points either way."
INTERVALS = (
    "In brackets: the range in which the true value lies with 95 % confidence. Below {fewest} questions there are "
    "counts only."
)
NEWER = "This is from before the newest adapted model. Compare again to include it."
DONE = "{questions} questions asked of {models} models."

# ---- the views -------------------------------------------------------------------------------------------------

VIEWS = {
    "overview": "Overview",
    "differ": "Differ",
    "fixed": "Fixed",
    "broken": "Broken",
    "all": "All",
    "blind": "Blind A/B",
    "trust": "Trust",
    "report": "Report",
}
"""Views of a comparison, in their order; what stands behind some of them is the gallery, filtered."""

# ---- the items -------------------------------------------------------------------------------------------------

FILTERS = ("differ", "fixed", "broken", "all")
FILTER_HELP = {
    "all": "Every question of the comparison.",
    "differ": "The two models answered differently.",
    "fixed": "The base model was wrong, the adapted model is right.",
    "broken": "The base model was right, the adapted model is wrong.",
}
ITEMS = {
    "label": "label",
    "adapter": "Against the base model",
    "type": "Kind",
    "question": "Question",
    "split": "Pictures",
    "every": "all",
    "page": "Page",
    "of": "of",
    "before": "Previous page",
    "after": "Next page",
    "none": "No question of this kind.",
    "open": "Look at it",
}

# ---- a folder --------------------------------------------------------------------------------------------------

FOLDER_TITLE = "Answer a folder of new pictures"
FOLDER_HELP = "Every question is asked of every picture in the folder; the answers come as a table for a spreadsheet."
FOLDER = "Folder of the pictures"
FOLDER_HINT = "/home/me/new-pictures"
QUESTIONS = "Questions, one per line (empty: the questions of the project)"
MODEL = "Answered by"
NEWEST = "the newest adapted model"
FOLDER_START = "Answer them"
DOWNLOAD = "Save the table (CSV)"
FOLDER_DONE = "{answers} answers on {pictures} pictures."
FOLDER_LEFT_OUT = "{n} pictures could not be read and are left out:"
NO_FOLDER = ("No folder is named.", "Write the folder that holds the pictures, such as /home/me/new-pictures.")
GONE_FOLDER = ("There is no folder {folder}.", "Check the name, and write it in full.")
NO_TABLE = ("There is no finished table.", "Have a folder answered first.")


def percent(value: float) -> str:
    """ "79 %"."""
    return f"{100 * value:.0f} %"


def rate(figures: dict[str, float]) -> str:
    """ "79 % [75, 83]"; below 30 questions "12 of 18"."""
    if figures["n"] < FEWEST_FOR_A_RATE:
        return f"{round(figures['value'] * figures['n'])} of {figures['n']}"
    return f"{percent(figures['value'])} [{100 * figures['low']:.0f}, {100 * figures['high']:.0f}]"


def cell(figures: dict[str, Any]) -> list[str]:
    """A rate of a break-down; then counts that are off by one at most, or how much sets and texts have in common."""
    near, overlap = figures.get("near"), figures.get("f1")
    more = [NEAR.format(rate=rate(near))] if near else []
    more += [OVERLAP.format(rate=rate(overlap))] if overlap and overlap["n"] >= FEWEST_FOR_A_RATE else []
    return [rate(figures), *more]


def difference(figures: dict[str, float] | None) -> str:
    """ "+38 points [+33, +43]", "−3 points [−7, +1]"; below 30 questions "+3 of 18"; of a model to itself nothing."""
    if figures is None:
        return ""
    if figures["n"] < FEWEST_FOR_A_RATE:
        text = f"{round(figures['value'] * figures['n']):+d} of {figures['n']}"
    else:
        text = f"{100 * figures['value']:+.0f} points [{100 * figures['low']:+.0f}, {100 * figures['high']:+.0f}]"
    return text.replace("-", "\N{MINUS SIGN}")


def sure(probability: float) -> str:
    """ "93 % sure"."""
    return PROBABILITY.format(share=share(probability))


def share(probability: float) -> str:
    """ "93 %"; never 100 % of what is not quite so, nor 0 %."""
    shown = min(max(round(100 * probability), 1 if probability > 0 else 0), 99 if probability < 1 else 100)
    return f"{shown} %"


def start(adapted: str | None, questions: int, pictures: int) -> str:
    """What a press on Compare will do; `adapted`: name of the newest adapted model."""
    if not questions:
        return START_NO_TEST
    if adapted is None:
        return START_BASE
    models = ONE_ADAPTED.format(name=adapted)
    return START_HELP.format(models=models, questions=f"{questions:,}", pictures=f"{pictures:,}")
