"""What the Distil screen says."""

START = "Start"
AGAIN = "Start again"
ONLY_WRITE = "Only write questions"
OPTIONS = "Options"
LEARNING = "Learning"
WRITING = "Writing questions"
REVIEW = "Review them"
LABEL = "Label pictures"
PROJECT = "Import pictures"
CURVES = {"loss pair": "questions", "loss caption": "captions"}
MAP = "Which neurons learn"
MAP_TITLE = "Share of the neurons of each layer that is trained"

STATIONS = {"caption": "Captions", "score": "Scores", "distil": "Distil", "generate": "Write"}
EXPLAINED = {
    "caption": "what a teacher sees in each picture",
    "score": "which neurons matter for your answers",
    "distil": "these neurons learn from answers and captions",
    "generate": "questions and answers for every other picture",
}
STATES = {"done": "done", "now": "runs now", "todo": "to come"}
MARKS = {"done": "✓", "now": "●", "todo": "○"}

NO_PROJECT = "There is no project yet. Make one on the Project screen."
NO_PICTURES = "There are no pictures yet. Import some on the Project screen."
NO_LABELS = "Label some pictures first: the model learns from your answers which questions matter."

NO_CAPTIONS = "There are no captions yet"
NO_CAPTIONS_WHY = (
    "Captions tell the model what is in the pictures that you have not labelled. Take them from a file, or have a "
    "model on this computer write them. It works without captions, too, but learns less."
)
CAPTION_FILE = "Take a caption file (.jsonl)"
CAPTION_MODEL = "Have a model on this computer write them"
CAPTION_OPTIONS = "Options for writing captions"


def plan(labels: int, captions: int, share: str) -> str:
    """What a press on Start will do."""
    sources = f"{labels:,} labels" + (f" and {captions:,} captions" if captions else ", without captions")
    return f"Learn to write questions from {sources}, changing {share} of the neurons."


def wrote(pictures: int, suggestions: int) -> str:
    """What came of it."""
    return f"{pictures:,} pictures got {suggestions:,} suggestions."


def learned(neurons: float, weights: float) -> str:
    """What a generator is, once it is distilled."""
    return f"{neurons:,.0f} neurons were trained ({weights:,.0f} weights)."


def took_captions(taken: int, refused: int) -> str:
    """What came of a caption file."""
    return f"{taken:,} captions taken" + (f", {refused:,} refused." if refused else ".")
