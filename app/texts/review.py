"""What the Review screen says."""

REASONS = (
    "wrong finding",
    "wrong answer",
    "unanswerable",
    "wrong place",
    "duplicate",
    "poor image",
    "identity visible",
)
"""Why a suggestion is rejected, by digit from 1."""

MARK = "✦ Suggestion"
PLACE = "{place} of {of}"
ON_PICTURE = "{place} of {of} on this picture"
AGREEMENT = "When asked again, it answers the same with {share}."
BLIND = "Without the picture, it would answer this with {share}."
BLIND_TOO = "So it may be guessing from the words alone."
UNKNOWN = "How sure the model is was not measured."
GUESSING = 0.8
"""Share of the agreement from which on the answer without the picture counts as guessing."""

DECIDED = {"accepted": "Accepted by {name}", "rejected": "Rejected by {name}"}
EDITED = "{decided}, corrected"
SAID = {"accept": "Accepted.", "edit": "Corrected and accepted.", "reject": "Rejected: {reason}."}
FASTER = ("Somebody has judged this suggestion in the meantime.", "Look at it again, then decide.")
NOT_A_REASON = ("“{reason}” is no reason that is known here.", "Choose one of the seven.")

STANDING = "{mine} by you · {everyone} of {of} done · {left} left"
PACE = "{seconds} s each"
REST = "about {time} for the rest"

WORDS = {
    "mark": MARK,
    "accept": "Accept",
    "edit": "Edit",
    "reject": "Reject",
    "skip": "Skip",
    "undo": "Undo",
    "before": "Previous",
    "after": "Next",
    "question": "Question",
    "answer": "Answer",
    "save": "Save and accept",
    "cancel": "Back",
    "why": "Why is it rejected?",
    "also": "On this picture",
    "look": "Look through them again",
}
"""Words of the card, by what they stand on."""
STATES = {"suggested": "waits", "accepted": "accepted", "rejected": "rejected"}

NOTHING = {
    "title": "No suggestions to review yet",
    "text": "First the model learns from your answers to write questions and answers of its own. They come here.",
    "button": "Go to Distil",
    "tab": "distil",
}
FINISHED = {
    "title": "All suggestions are reviewed",
    "text": "The model can now learn from your answers and from the suggestions that you accepted.",
    "button": "Go to Adapt",
    "tab": "adapt",
}

MANY = "Accept many…"
MANY_SLIDER = "When asked again, the model answers the same with at least"
MANY_NONE = "No waiting suggestion is that sure. Lower the bar, or review one by one."
MANY_SOME = (
    "{n} of {of} waiting suggestions are that sure. All of them would be accepted at once. Nobody has looked at "
    "them, and some will be wrong; the model learns from those too. One press of Undo takes the whole step back."
)
MANY_BUTTON = "Accept {n} that nobody has looked at"
MANY_BUTTON_NONE = "Nothing to accept"
MANY_SAID = "{n} suggestions accepted that nobody has looked at. Undo takes them all back."


def why(agreement: float | None, blind: float | None) -> list[str]:
    """Sentences on how far to trust a suggestion; shares in [0, 1]."""
    sentences = [UNKNOWN] if agreement is None else [AGREEMENT.format(share=percent(agreement))]
    if blind is not None:
        sentences.append(BLIND.format(share=percent(blind)))
        if agreement is not None and blind >= GUESSING * agreement:
            sentences.append(BLIND_TOO)
    return sentences


def decided(status: str, name: str | None, edited: bool) -> str:
    """ "Accepted by Dr A, corrected", or nothing while it waits."""
    if status not in DECIDED:
        return ""
    words = DECIDED[status].format(name=name)
    return EDITED.format(decided=words) if edited and status == "accepted" else words


def percent(share: float) -> str:
    """ "82 %"; never 100 % or 0 % of what is not quite so."""
    shown = min(max(round(100 * share), 1 if share > 0 else 0), 99 if share < 1 else 100)
    return f"{shown} %"


def time(seconds: float) -> str:
    """ "40 s", "12 min", "3 h"."""
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"
