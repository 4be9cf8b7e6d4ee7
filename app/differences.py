"""Where two answers differ, word by word.

    parts("a small polyp", "a large polyp")      # [("a", False), ("large", True), ("polyp", False)]
"""

from difflib import SequenceMatcher

Part = tuple[str, bool]
"""Words that stand together, and whether they are other words than in the answer beside."""


def parts(before: str, after: str) -> list[Part]:
    """The words of `after`, in order, with those marked that `before` does not have there. Case does not count."""
    left, right = before.split(), after.split()
    matcher = SequenceMatcher(None, [word.casefold() for word in left], [word.casefold() for word in right], False)
    found: list[Part] = []
    for tag, _, _, start, end in matcher.get_opcodes():
        if start < end:
            found.append((" ".join(right[start:end]), tag != "equal"))
    return found
