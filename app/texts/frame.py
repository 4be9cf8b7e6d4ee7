"""What the frame says: header, rail, messages that can come from any screen."""

NAME = "LEAML Studio"
NO_PROJECT = "No project yet"
PROJECT = "Project"
PERSON = "Who works here"

TABS = {
    "label": "1 Label",
    "distil": "2 Distil",
    "review": "3 Review",
    "adapt": "4 Adapt",
    "compare": "5 Compare",
    "project": "Project",
    "help": "Help",
}
"""Key of a screen -> what stands on the rail, in its order."""

STEPS = {
    "import": "project",
    "label": "label",
    "caption": "distil",
    "distil": "distil",
    "generate": "distil",
    "review": "review",
    "adapt": "adapt",
    "compare": "compare",
}
"""The next step of a project -> the screen where it is done."""

JOBS = {
    "download": "project",
    "import": "project",
    "blank": "label",
    "order": "label",
    "caption": "distil",
    "distil": "distil",
    "generate": "distil",
    "adapt": "adapt",
    "compare": "compare",
    "answer": "compare",
    "report": "compare",
    "export": "compare",
}
"""Kind of a job -> the screen that shows it."""

DOING = {
    "download": "Downloading the model",
    "import": "Importing",
    "blank": "Blacking out",
    "order": "Looking for typical pictures",
    "caption": "Writing captions",
    "distil": "Distilling",
    "generate": "Writing questions",
    "adapt": "Adapting",
    "compare": "Comparing",
    "answer": "Answering",
    "report": "Writing the report",
    "export": "Exporting",
}

OTHER_PROJECT = (
    "Another project was opened in another window.",
    "This window shows it in a moment; do that again if you still want to.",
)
MISTAKE = (
    "The program made a mistake; nothing that you typed is lost.",
    "Try again. If it stays, send what the terminal says to the people who make LEAML Studio.",
)
CLOSE = "Close this message"

HELP = """
### The way through
1. **Label**: answer a few questions on some pictures.
2. **Distil**: the model learns from your answers, and from captions, to write questions and answers itself.
3. **Review**: accept, correct or reject what it wrote.
4. **Adapt**: the model learns from your answers and from what you accepted.
5. **Compare**: see what it answers before and after, on pictures that it never saw.

The step to take next is filled in the row above. Long work goes on when you close this window.

### Keys
| where | key | what |
|---|---|---|
| Label | 1 to 9 | choose an answer |
| | Ctrl+Enter | save and next |
| | S | skip |
| Review | A · E · X | accept, edit, reject (then a digit for the reason) |
| | S · U | skip, undo |
| Compare, Blind A/B | A · B · E · N | A is better, B is better, equally good, neither |
| | U | undo |
| Pictures | Z · + · − · = | zoom, in, out, whole picture |
| | I · R | invert, rotate |
| everywhere | ← → | previous, next |

Keys do nothing while you type.

### What this is not
LEAML Studio is not a medical device. What a model answers is no diagnosis.
"""


def rail(key: str, figures: dict[str, int]) -> str:
    """The words of a tab, with what there is to see in it: "1 Label ✓ 36"."""
    count = figures.get(key, 0)
    if not count:
        return TABS[key]
    return f"{TABS[key]} ✓ {count:,}" if key == "label" else f"{TABS[key]} {count:,}"


def left(seconds: float | None) -> str:
    """Time that is left: "0:48 left", "about 12 min left"."""
    if seconds is None:
        return ""
    if seconds < 600:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} left"
    return f"about {round(seconds / 60)} min left"


def chip(kind: str, state: str, share: float, seconds: float | None, waiting: int) -> str:
    """The running job in a few words: "Distilling 62 % · 0:48 left"."""
    if state == "queued":
        return f"{DOING[kind]}: waits for its turn"
    words = [f"{DOING[kind]} {share:.0%}".replace("%", " %")]
    if state == "stopping":
        words.append("stopping")
    elif left(seconds):
        words.append(left(seconds))
    if waiting:
        words.append(f"{waiting} waiting")
    return "● " + " · ".join(words)
