"""What the panel of a running job says, and what is said of memory before one starts."""

from typing import Any

STOP = "Stop"
SAVE = "Stop and save"
RESUME = "Resume"
LOG = "Log"
CURVE = "Distance from what it learns: lower is better"
NO_LOG = "Nothing yet."
IDLE = "Nothing has run yet. Once you press Start, you see here how far it is; you may close this window meanwhile."

STATES = {
    "queued": "Waits for its turn",
    "running": "Runs",
    "stopping": "Stopping",
    "done": "Done",
    "stopped": "Stopped",
    "failed": "Did not work",
    "interrupted": "Interrupted",
}
"""State of a job -> the word for it."""

MARKS = {
    "queued": "○", "running": "●", "stopping": "◐", "done": "✓", "stopped": "■", "failed": "✕", "interrupted": "✕",
}  # fmt: skip
"""States are told by a sign and a word, never by colour alone."""

MESSAGES = {"scoring neurons": "Finding the neurons that matter"}
"""What a stage says -> the same in the words of the clinic."""

STOPPED = {
    True: "What was learned until then is saved. Resume goes on from there.",
    False: "Resume goes on from what was saved last.",
}


def counted(step: int, total: int) -> str:
    """How far a job is: "93 of 150"."""
    return f"{step:,} of {total:,}" if total else ""


def took(seconds: float) -> str:
    """How long something took: "48 s", "2:05 min", "1:10 h"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def about(seconds: float | None) -> str:
    """How long a job will take that was not started yet; None: nothing like it was measured here."""
    if seconds is None:
        return "How long it takes on this computer is known once it runs."
    if seconds < 60:
        return "Less than a minute here."
    return f"About {round(seconds / 60):,} min here."


RUNS_ALREADY = ("This runs already.", "Wait until it is done, or stop it.")

FINDING_OUT = "Finding out how much memory this needs …"
TOO_MUCH = "Choose one of these, or start all the same: each step is then computed in parts, which takes longer."
PARTS = {
    "weights": "The model",
    "vision_tower": "Its eye (vision tower)",
    "adapter": "What is trained",
    "gradients": "Gradients",
    "optimiser": "Optimiser",
    "activations": "Work on questions and answers (activations)",
    "image_tokens": "Work on pictures (image tokens)",
    "kv_cache": "What was read before (KV cache)",
}
ADVICE = {
    "pictures_per_step": "{value} pictures at once",
    "picture_size": "Smaller pictures ({value} pixels)",
    "precision": "Hold the model in 4 bits",
    "checkpointing": "Compute layers twice",
}
"""Option -> what a button says that sets it."""


def gigabytes(count: float) -> str:
    """Bytes: "58 MB", "0.60 GB", "2.4 GB", "31 GB"."""
    size = count / 2**30
    if size < 0.1:
        return f"{count / 2**20:.0f} MB"
    return f"{size:.0f} GB" if size >= 10 else f"{size:.1f} GB" if size >= 1 else f"{size:.2f} GB"


def needs(total: int, free: int, measured: bool) -> str:
    """What a job takes of what is free."""
    about = "Needs" if measured else "Needs about"
    return f"{about} {gigabytes(total)} of {gigabytes(free)} free."


def advised(advice: Any) -> str:
    """What a button says: what it changes, and what is needed then."""
    return f"{ADVICE[advice.option].format(value=advice.value)}: {gigabytes(advice.total)}"


def pace(pictures: float) -> str:
    """Pictures that are learned from in a second."""
    return f"{pictures:.1f} pictures a second" if pictures < 10 else f"{pictures:.0f} pictures a second"


def in_use(memory: float, percent: float | None) -> str:
    """Memory that is held, and how busy the GPU is, where that is known."""
    return gigabytes(memory) + (f" · GPU {percent:.0f} %" if percent is not None else "")
