"""What the panel of a running job says."""

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
