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
TEACHER = "Who writes the captions?"
TEACHERS = {"file": "A file that is there", "here": "A model on this computer", "server": "A server"}
CAPTION_FILE = "Take a caption file (.jsonl, .csv)"
SERVER = "Address of the server (vLLM, Ollama, LM Studio)"
MODEL_OF = {"file": "Model", "here": "Model", "server": "Model, as the server calls it"}
CAPTION_MODEL = "Have it write them"
CAPTION_OPTIONS = "Options for writing captions"

CHANGING = {
    "neurons": "changing {share} of the neurons",
    "lora": "with a small addition to the model (a LoRA of rank {rank})",
    "all": "changing every weight of the model",
}


def plan(labels: int, captions: int, changing: str) -> str:
    """What a press on Start will do."""
    sources = f"{labels:,} labels" + (f" and {captions:,} captions" if captions else ", without captions")
    return f"Learn to write questions from {sources}, {changing}."


def wrote(pictures: int, suggestions: int) -> str:
    """What came of it."""
    return f"{pictures:,} pictures got {suggestions:,} suggestions."


def learned(neurons: float | None, weights: float) -> str:
    """What a generator is, once it is distilled; `neurons` is None where it was not neurons that learned."""
    if neurons is None:
        return f"{weights:,.0f} weights were trained."
    return f"{neurons:,.0f} neurons were trained ({weights:,.0f} weights)."


def took_captions(taken: int, refused: int) -> str:
    """What came of a caption file."""
    return f"{taken:,} captions taken" + (f", {refused:,} refused." if refused else ".")
