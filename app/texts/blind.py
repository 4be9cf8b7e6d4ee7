"""What the blind comparison says."""

WORDS = {
    "left": "A is better",
    "right": "B is better",
    "equal": "Equally good",
    "neither": "Neither is good",
    "undo": "Undo",
    "correct": "correct",
    "complete": "complete",
    "harmful": "could do harm",
    "answer": "Answer",
    "label": "labelled answer",
    "before": "The one before",
    "adapter": "Against the base model",
    "hint": "Tick what holds, then choose. Which model wrote which is said after the choice.",
}
SIDES = ("A", "B")
CHOSEN = {
    "left": "you found A better",
    "right": "you found B better",
    "equal": "you found both equally good",
    "neither": "you found neither good",
}
NO_CHOICE = ("Nothing is chosen.", "Press A, B, E or N.")

NOTHING = {
    "title": "Nothing to judge yet",
    "text": "First have base and adapted model answer the test set: press “Compare on the test set” in Overview.",
}
FINISHED = "You have judged every question that the two models answer differently."

TABLE = {
    "title": "What everybody found so far",
    "who": "Who",
    "base": "Base model better",
    "equal": "Equally good",
    "neither": "Neither good",
    "rate": "Adapted model better, of those decided",
}
BETTER = "“{name}” better"
EVERYONE = "Everyone"
WIN_RATE = (
    "The last column leaves ties out; they stand beside it. In brackets: the range in which the true share lies with "
    "95 % confidence. At 50 % neither model is better."
)
TICKED = "{name}: {correct} of {n} ticked as correct, {complete} as complete, {harmful} as able to do harm."
BASE = "Base model"


def standing(mine: int, left: int, same: int) -> str:
    """How far one person is: "12 judged by you · 49 left · 351 with the same words left out"."""
    words = [f"{mine:,} judged by you", f"{left:,} left"]
    return " · ".join([*words, f"{same:,} with the same answer left out"] if same else words)


def ticked(found: dict[str, dict[str, int]], n: int, name: str) -> list[str]:
    """What was ticked of either model, where anything was."""
    names = {"adapted": name, "base": BASE}
    return [
        TICKED.format(name=names[model], n=n, **counts) for model, counts in found.items() if any(counts.values())
    ]
