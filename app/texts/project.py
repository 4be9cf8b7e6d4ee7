"""What the Project screen says."""

from leaml.store.overview import Overview

PROJECTS = "Projects"
NEW = "New project"
NEW_HINT = "Such as: Polyps 2026"
MAKE = "Make it"
OPEN = "Open"
IS_OPEN = "is open"

IMPORT = "Import pictures"
FOLDER = "Folder on this computer"
FOLDER_HINT = (
    "A folder of pictures, with tables of questions and captions beside them where you have them: of this program,"
    " Label Studio, LLaVA, VQA-RAD, Kvasir-VQA, parquet or Hugging Face datasets. Or one of the hub: hub:owner/name."
)
FOLDER_START = "Import this folder"
UPLOAD = "Or drop files here: pictures, tables of questions and captions (.jsonl, .csv, .json, .parquet)"
UPLOAD_START = "Import these files"
OPTIONS = "Options"
NO_FOLDER = ("No folder is named.", "Write where the pictures are, such as /home/me/pictures.")
NO_FILES = ("No files are here yet.", "Drop pictures into the field first.")
NO_PROJECT = ("There is no project yet.", "Give a new one a name first.")
BUSY = ("A job of this project still runs.", "Stop it first, then delete the project.")

FINDINGS = "The last import"
REFUSED = "Not taken, and why"
MORE = "… and {:,} more."

PRIVACY = "Privacy"
DELETE = "Delete this project"
DELETE_HINT = "All its pictures, answers and models are deleted from this computer. Type its name to do so."
DELETE_NAME = "Name of the project"
DELETE_START = "Delete it for ever"
DELETED = "The project is deleted."

STEPS = {
    "import": ("Import a folder of pictures.", IMPORT),
    "label": ("Label a few pictures: answer questions on them.", "Label"),
    "caption": ("Get captions, which tell the model what is in the other pictures.", "Captions"),
    "distil": ("Let the model learn from your labels to write questions itself.", "Distil"),
    "generate": ("Let the model write questions and answers for the other pictures.", "Write questions"),
    "review": ("Review what the model wrote: accept, correct or reject it.", "Review"),
    "adapt": ("Let the model learn to answer from all that you labelled and accepted.", "Adapt"),
    "compare": ("Compare the adapted model with the one that you began with.", "Compare"),
    "done": ("Everything is done once. Label or review more, and adapt again, to get further.", "Compare"),
}
"""Next step of a project -> what to do, and the button that leads there."""

SPLITS = {"train": "to learn from", "calibration": "to check with", "test": "to compare on", "arriving": "coming in"}
"""A split -> what its pictures are for."""

NO_PROJECTS = "Make a project: a name, then its pictures."
ARRIVING = "The pictures are coming in. You can look around meanwhile."


def walk(overview: Overview, questions: int, model: str) -> list[tuple[bool, str]]:
    """What a new project needs, one after the other: whether it is there, and what to do or what there is."""
    pictures, labels, captions = overview.pictures, overview.labels, overview.captions
    asked = f"Questions asked on every picture: {questions}."
    return [
        (pictures > 0, f"Pictures: {pictures:,} are in." if pictures else "Pictures: import a folder, or drop files."),
        (questions > 0, asked if questions else "Questions to ask on every picture: on the Label screen."),
        (labels > 0, f"Answers given: {labels:,}." if labels else "Answers to them on a few pictures: there, too."),
        (True, f"The model is {model}; another one can be chosen below."),
        (captions > 0, "Captions are there." if captions else "Captions: the Distil screen asks who writes them."),
    ]


def numbers(overview: Overview) -> list[tuple[str, str]]:
    """What there is, each with its count."""
    rows = [("pictures", overview.pictures)]
    others = [name for name in overview.by_split if name not in SPLITS]
    rows += [(SPLITS.get(name, name), overview.by_split.get(name, 0)) for name in (*SPLITS, *others)]
    rows += [
        ("labels", overview.labels),
        ("labels held out", overview.held_out),
        ("captions", overview.captions),
        ("suggestions waiting", overview.suggestions),
        ("accepted", overview.accepted),
        ("rejected", overview.rejected),
        ("adapted models", overview.answer_adapters),
    ]
    return [(name, f"{count:,}") for name, count in rows if count or name in ("pictures", "labels")]


def card(overview: Overview) -> str:
    """A project in a few words."""
    words = [f"{overview.pictures:,} pictures", f"{overview.labels:,} labels"]
    if overview.suggestions:
        words.append(f"{overview.suggestions:,} to review")
    return " · ".join(words)


def privacy(address: str, folder: str, dropped: int, places: int) -> list[tuple[str, str]]:
    """What leaves this computer, and what does not."""
    hidden = "Nothing: no picture of the last import carried any."
    if dropped:
        hidden = f"Left behind for {dropped:,} pictures of the last import" + (
            f", for {places:,} of them the place where they were taken." if places else "."
        )
    return [
        ("Who can open this app", f"Only this computer ({address})."),
        ("What is sent away", "Nothing. No use is counted, and no page loads anything from elsewhere."),
        ("Where the files are", folder),
        ("Hidden data of pictures", hidden),
        ("Text burned into pictures", "Stays in them, names too. Look for it before you show pictures to others."),
    ]
