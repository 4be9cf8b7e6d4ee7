"""What the Adapt screen says."""

START = "Start"
AGAIN = "Start again"
OPTIONS = "Options"
COMPARE = "Compare it"
REVIEW = "Review suggestions"
LABEL = "Label pictures"
PROJECT = "Import pictures"
CURVES = {"loss": "answers"}
MAP = "Which neurons learn"
MAP_TITLE = "Share of the neurons of each layer that is trained"

NO_PROJECT = "There is no project yet. Make one on the Project screen."
NO_PICTURES = "There are no pictures yet. Import some on the Project screen."
NOTHING = "Label some pictures first, or accept some suggestions: the model learns from both."
WAITING = "{:,} suggestions wait for your review. What you accept helps the model to answer."

MODELS = "Adapted models"
NAME, SIZE, LEARNED, MADE = "Name", "Size", "Trained weights", "Made"


def plan(labels: int, accepted: int) -> str:
    """What a press on Start will do."""
    sources = f"{labels:,} labels"
    if accepted:
        sources += f" and {accepted:,} accepted suggestion{'s' * (accepted != 1)}"
    return f"Learn to answer questions from {sources}."


def learned(name: str, weights: float) -> str:
    """What came of it."""
    return f"The model “{name}” is ready ({weights:,.0f} weights were trained)."


def size(count: int) -> str:
    """Bytes in words."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.0f} kB"
