"""What the Review screen says."""

from collections.abc import Mapping, Sequence
from typing import Any

from leaml.review.deciding import REASONS

__all__ = ["REASONS"]

MARK = "Suggestion"
SCORE = "{score}"
SAMPLE_MARK = "Sample for accepting many"
ON_PICTURE = "{place} of {of} on this picture"

REANSWERS = "{agreeing} of {reanswers} re-answers agree"
AGREEMENT = "When asked again, it answers the same with {share}"
BLIND_ANSWER = "without the picture it would say “{answer}”"
BLIND_SAME = "without the picture it would say the same, so it may be guessing from the words alone"
BLIND = "without the picture, it would answer this with {share}"
BLIND_TOO = "so it may be guessing from the words alone"
UNKNOWN = "How sure the model is was not measured"
UNSEEN = "…"
"""In place of an answer that is not to be seen yet."""
ODD = "The answer does not fit the question’s type"
TWICE = "It says much the same as another suggestion on this picture"
GUESSING = 0.8
"""Share of the agreement from which on the answer without the picture counts as guessing."""
ALIKE = 0.8
"""Likeness to another suggestion on the picture from which on that is said."""

DECIDED = {"accepted": "Accepted by {name}", "rejected": "Rejected by {name}"}
REJECTED_FOR = "{decided}: {reason}"
EDITED = "{decided}, corrected"
IN_BULK = "Accepted with many others by {name}; nobody has looked at it"
SAID = {
    "accept": "Accepted.",
    "edit": "Corrected and accepted.",
    "reject": "Rejected: {reason}.",
    "same": "Your answer is the suggested one: accepted.",
    "comment": "Comment kept.",
    "flag": "Flagged for somebody to look at.",
    "unflag": "The flag is gone.",
    "begin": "The sample is drawn. Answer each question before you see the suggestion.",
    "end": "Given up. What you judged stays judged.",
    "rest": "{n} suggestions accepted. Undo takes them all back in one step.",
    "back": "{n} suggestions wait again.",
}
DIFFERS = "You answered “{said}”. Decide with A or X."

STANDING = "{mine} by you · {everyone} of {of} done · {left} left"
PACE = "{seconds} s each"
REST = "about {time} for the rest"
PERSON = "{name} {n} · {seconds} s each"
PERSON_SHORT = "{name} {n}"

WORDS = {
    "mark": MARK,
    "accept": "Accept",
    "edit": "Edit",
    "reject": "Reject",
    "skip": "Skip",
    "flag": "Flag",
    "flagged": "Flagged",
    "comment": "Comment",
    "undo": "Undo",
    "history": "History",
    "before": "Previous",
    "after": "Next",
    "question": "Question",
    "answer": "Answer",
    "right": "right",
    "wrong": "wrong",
    "was": "As it was suggested",
    "change": "What you change",
    "save": "Save and accept",
    "saveComment": "Keep the comment",
    "cancel": "Back",
    "why": "Why is it rejected?",
    "also": "On this picture",
    "look": "Look through your decisions again",
    "first": "What is your answer?",
    "firstHelp": "The suggestion is shown after you have answered.",
    "answerIt": "Answer",
    "blind": "Answer first",
    "many": "Accept many…",
    "people": "Everyone",
    "queue": "Queue",
    "type": "Question type",
    "job": "Written by",
    "trust": "Trust",
    "status": "State",
    "reviewer": "Judged by",
}
"""Words of the card, by what they stand on."""
STATES = {"suggested": "waits", "accepted": "accepted", "rejected": "rejected"}
DISPUTED = {"disputed": "people disagree"}
OPINION = "{name}: {what}"
COST = "{minutes} per correct one"

QUEUES = {"fix": "Doubtful first", "audit": "At random"}
QUEUE_HELP = {
    "fix": "The most doubtful suggestions come first. This mends most, and says nothing about the others.",
    "audit": "Drawn at random from all that nobody has looked at. Every estimate rests on these.",
}
ANY = "any"
RUN = "run {job}"
TRUST = {
    "any": ("any trust", None, None),
    "low": ("below 50 %", None, 0.5),
    "middle": ("50 to 80 %", 0.5, 0.8),
    "high": ("80 to 95 %", 0.8, 0.95),
    "top": ("95 % and more", 0.95, None),
}
"""Key -> (words, least, largest) of the signals that may be chosen."""

ADVICE = {
    "go on": "The last round helped on the pictures kept for tuning: another batch is worth it.",
    "stop": "The last round moved nothing on the pictures kept for tuning: you may stop here.",
}

NOT_YOURS = {
    "title": "Reviewing is for reviewers",
    "text": "You label here. Ask an admin where you are to judge the model’s suggestions as well.",
    "button": "Go to Label",
    "tab": "label",
}
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
NONE_LEFT = {
    "title": "Nothing is left here",
    "text": "What remains is in other people’s hands, or in the other queue, or left out by what you chose above.",
}
SAMPLE_DONE = {"title": "The sample is judged", "text": "What it means stands above."}

# Accepting many ------------------------------------------------------------------------------------------------

MANY = {
    "title": "Accept many at once, safely",
    "text": (
        "You judge a small sample that is drawn at random, without seeing the answers first. If enough are right, "
        "the rest may be accepted in one step, which Undo takes back."
    ),
    "trust": "When asked again, the model answers the same with at least",
    "band": "{n} suggestions wait that are so",
    "none": "Nothing waits that is so. Lower the bar.",
    "plan": "How many will you look at?",
    "begin": "Draw the sample",
    "resume": "Go on with the sample",
    "close": "Back",
    "going": "A sample of such suggestions is being judged: go on with it",
    "hopeless": "Too few of them are likely to be right: a sample would probably fail. Choose surer ones",
    "few": "The smallest sample has {n}: review these one by one, or lower the bar.",
    "used": (
        "Suggestions like these were tried before, and the chance of a mistake is used up: drawing again until it "
        "passes would prove nothing. Review them one by one, or choose others."
    ),
}
PLAN = "{size} pictures, {allowed}"
ALLOWED = ("none may be wrong", "one may be wrong", "two may be wrong", "three may be wrong", "four may be wrong")
CHANCE = "passes in {chance} of cases if {precision} are right"
TWO_TRIES = "{plan}; leaves room for a second try"
ADVISED = "advised"
HOPELESS = 0.3
"""Chance to pass below which no sample is advised."""

SAMPLE = "{judged} of {size} judged · {wrong} wrong, {allowed}"
PASSED = (
    "{right} of {n} were right: at least {bound} of all like these are right (95 % confidence). "
    "{rest} others wait and may be accepted now."
)
PASSED_DONE = "{right} of {n} were right: at least {bound} of all like these are right. {accepted} were accepted by it."
FAILED = (
    "{wrong} of the first {n} were wrong: too many. The others are not accepted. Review them one by one, "
    "or choose a narrower set while a second try is left."
)
ENDED = "This sample was given up after {n} of {size}."
REST_BUTTON = "Accept the {n} others"
END_BUTTON = "Give up this sample"
CLOSE_BUTTON = "Back to the queue"
WARNING = (
    "Of those accepted with sample {audit}, {wrong} of {checked} checked since were wrong. At least {bound} are right, "
    "not {target}."
)
TAKE_BACK = "Take them all back"


def why(signals: Mapping[str, Any], answer: str) -> str:
    """How far to trust a suggestion, in one or two sentences; shares lie in [0, 1]."""
    agreement, blind = signals.get("agreement"), signals.get("blind_agreement")
    if signals.get("reanswers"):
        first = REANSWERS.format(agreeing=int(signals["agreeing"]), reanswers=int(signals["reanswers"]))
    else:
        first = UNKNOWN if agreement is None else AGREEMENT.format(share=percent(agreement))
    said = signals.get("blind_answer")
    parts = [first]
    if said:
        same = str(said).casefold() == answer.casefold()
        parts.append(BLIND_SAME if same else BLIND_ANSWER.format(answer=said))
    elif blind is not None:
        guess = agreement is not None and blind >= GUESSING * agreement
        parts.append(BLIND.format(share=percent(blind)) + (f", {BLIND_TOO}" if guess else ""))
    more = [ODD] if signals.get("well_formed") == 0 else []
    more += [TWICE] if signals.get("similarity", 0.0) >= ALIKE else []
    return ". ".join(["; ".join(parts), *more]) + "."


def decided(status: str, name: str | None, edited: bool, reason: str = "", queue: str = "") -> str:
    """ "Accepted by Dr A, corrected", or nothing while it waits."""
    if status not in DECIDED:
        return ""
    if queue == "bulk":
        return IN_BULK.format(name=name)
    words = DECIDED[status].format(name=name)
    if status == "rejected":
        return REJECTED_FOR.format(decided=words, reason=reason) if reason else words
    return EDITED.format(decided=words) if edited else words


def plan(size: int, allowed: int, tries: int) -> str:
    """ "59 pictures, none may be wrong"."""
    words = PLAN.format(size=size, allowed=ALLOWED[allowed])
    return TWO_TRIES.format(plan=words) if tries > 1 else words


def people(found: Sequence[tuple[str, int, float | None]]) -> list[str]:
    """A line for each: name, decisions, median seconds."""
    return [
        PERSON_SHORT.format(name=name, n=f"{n:,}")
        if seconds is None
        else PERSON.format(name=name, n=f"{n:,}", seconds=f"{seconds:.0f}")
        for name, n, seconds in found
    ]


def percent(share: float) -> str:
    """ "82 %"; never 100 % or 0 % of what is not quite so."""
    shown = min(max(round(100 * share), 1 if share > 0 else 0), 99 if share < 1 else 100)
    return f"{shown} %"


def bound(share: float) -> str:
    """A lower bound, rounded down: "95.0 %"."""
    return f"{int(share * 1000 + 1e-9) / 10:.1f} %"


def time(seconds: float) -> str:
    """ "40 s", "12 min", "3 h"."""
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"
