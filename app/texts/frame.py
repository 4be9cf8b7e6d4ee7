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
OTHER_PERSON = (
    "{name} decided this, and somebody else works here now.",
    "Choose {name} above, then do that again.",
)
MISTAKE = (
    "The program made a mistake; nothing that you typed is lost.",
    "Try again. If it stays, send what the terminal says to the people who make LEAML Studio.",
)
CLOSE = "Close this message"
ALONE = {
    "close": CLOSE,
    "away": {"what": "LEAML Studio does not answer.", "fix": "Look whether it still runs, then do that again."},
    "entered": {"what": "You are not logged in any more.", "fix": "Log in again in another window; this one waits."},
    "unsaved_one": "One decision is not saved yet. It is kept here, and sent again by itself.",
    "unsaved": "{n} decisions are not saved yet. They are kept here, and sent again by themselves.",
    "again": "Try now",
    "saving": "Saving …",
    "refused": "“{about}” was not saved.",
    "look": "Look at it",
    "forget": "Leave it",
}
"""What a page says by itself, where no answer comes."""

KEYS = (
    ("Label", ("label",), (
        ("1 to 9", "choose an answer; 0 to 9 where it is a number"),
        ("↑ ↓", "the question before, the next one"),
        ("T", "this cannot be told"),
        ("P · B · G", "mark a point, a box, a region"),
        ("D", "take the last mark away"),
        ("Ctrl+Enter", "save and next"),
        ("S", "skip, then a digit for the reason"),
        ("F · C", "flag, comment"),
    )),
    ("Review", ("review",), (
        ("A · E", "accept, edit"),
        ("X", "reject, then a digit for the reason"),
        ("Q · T", "question, answer is wrong"),
        ("Ctrl+Enter", "save what you corrected, and next"),
        ("S · F · C", "skip, flag, comment"),
        ("B", "accept many"),
        ("L", "history of a suggestion"),
    )),
    ("Blind A/B", ("compare",), (
        ("A · B", "A is better, B is better"),
        ("E · N", "equally good, neither"),
    )),
    ("Picture", ("label", "review", "compare"), (
        ("Z · =", "real size and back, whole picture"),
        ("+ · −", "larger, smaller; the wheel does it where you point"),
        ("Shift+arrow", "move the picture; or drag it"),
        ("R · H · V", "rotate, mirror across, mirror upside down"),
        ("I", "exchange light and dark"),
        ("W", "drag changes the window; the right button always does"),
        ("Shift+1 to 5", "windows"),
        ("M", "magnifier"),
    )),
    ("Everywhere", (), (
        ("← →", "previous, next"),
        ("U · Ctrl+Z", "undo"),
        ("?", "these keys"),
    )),
)  # fmt: skip
"""Where keys act, the tabs on which that is (none: on all), and what each does."""
KEYS_TITLE = "Keys"
KEYS_NOTE = "Keys do nothing while you type."
ALONE["keys"] = {
    "title": KEYS_TITLE,
    "close": "Close",
    "note": KEYS_NOTE,
    "parts": [{"name": name, "tabs": tabs, "keys": keys} for name, tabs, keys in KEYS],
}
_KEY_ROWS = "\n".join(
    f"| {name if place == 0 else ''} | {key} | {what} |"
    for name, _, keys in KEYS
    for place, (key, what) in enumerate(keys)
)

HELP = f"""
### The way through
1. **Label**: answer a few questions on some pictures.
2. **Distil**: the model learns from your answers, and from captions, to write questions and answers itself.
3. **Review**: accept, correct or reject what it wrote.
4. **Adapt**: the model learns from your answers and from what you accepted.
5. **Compare**: see what it answers before and after, on pictures that it never saw.

The step to take next is filled in the row above. Long work goes on when you close this window.

### {KEYS_TITLE}
| where | key | what |
|---|---|---|
{_KEY_ROWS}

{KEYS_NOTE}

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
