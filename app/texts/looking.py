"""What is said of where a model looks. Never that this explains how it reasons."""

WORDS = {
    "title": "What the answer depends on",
    "stop": "Stop",
    "scale": "darker: the answer gets less probable when this part is hidden",
}
STARTS = "Loading the model"
TOGETHER = "With the {n} framed parts hidden, “{answer}” goes from {before} to {after}."
CHANCE = "That is {together}. Hiding as many parts by chance: {mean} on average, {most} at most, in {draws} draws."
BEATS = "The framed parts take more than every chance choice did: the answer depends on what stands there."
NO_BETTER = "Chance took as much: it cannot be said where this answer comes from."
NOTE = (
    "This is what the answer depends on in this one picture. It is no explanation of how the model reasons, and a "
    "model may be right for a wrong reason."
)


def percent(share: float) -> str:
    """ "93 %"."""
    return f"{100 * min(max(share, 0), 1):.0f} %"


def points(drop: float) -> str:
    """ "52 points less", "1 point more"."""
    size = f"{abs(100 * drop):.0f}"
    return f"{size} point{'' if size == '1' else 's'} {'less' if drop >= 0 else 'more'}"
