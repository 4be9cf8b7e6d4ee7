"""What "People and progress" says."""

from collections.abc import Mapping
from typing import Any

from app.texts.review import percent, time
from leaml.review.checks import Share

TITLE = "People and progress"
TABS = {
    "progress": "Progress",
    "agreement": "Agreement",
    "work": "What was done",
    "settings": "How we review",
    "accounts": "Accounts",
}
WORDS = {
    "title": TITLE,
    "history": "History",
    "close": "Close",
    "earlier": "Earlier",
    "later": "Later",
    "person": "Of",
    "settle": "Decide",
    "take": "Take this one",
    "save": "Save",
    "add": "Add",
    "name": "Name",
    "password": "Password",
    "role": "Role",
    "give": "New password…",
    "keep": "Give it",
    "remove": "Take off…",
    "sure": "Really take off",
    "current": "Present password",
    "new": "New password",
    "change": "Change my password",
    "leave": "Log out",
    "back": "Back",
    "withdrawn": "taken back",
}
"""Words of the parts, by what they stand on."""

# Progress -------------------------------------------------------------------------------------------------------

HEAD = ("", "Answers given", "Decisions", "Kept", "Seconds each", "Time for each correct one")
EVERYBODY = "Together"
NOBODY = "Nobody has labelled or reviewed anything yet."
LEFT = "{n} suggestions wait."
LEFT_ONE = "1 suggestion waits."
LEFT_NONE = "No suggestion waits."
AT_YOUR_PACE = "At your {seconds} s each that takes about {time}."
AT_PACE = "At {seconds} s each, as others take, that takes about {time}."
RANDOM_FEW = "{right} of {n} drawn at random were right as written; from {fewest} on a share is said."
RANDOM = "{share} are right as written ({low} to {high}, from {n} drawn at random on {pictures} pictures)."
RANDOM_NONE = "How many suggestions are right can be said once some were reviewed in the queue “{queue}”."
GAIN = (
    "The last round moved the result by {difference} points ({low} to {high}; {n} questions on {pictures} pictures "
    "kept for tuning)."
)
ADVICE = {
    "go on": "Another batch is worth it.",
    "stop": "That may be chance: another batch is probably not worth it, and you may stop here.",
    "unknown": "Whether another batch is worth it is said once two rounds were compared on pictures kept for tuning.",
}
SAMPLES = "Accepted many at once"
SAMPLE = "Sample {id}, {person}: {judged} of {size} judged, {wrong} wrong"
SAMPLE_ENDS = {
    "open": "not finished", "failed": "too many wrong", "ended": "given up", "passed": "at least {bound} right"
}  # fmt: skip
SAMPLE_ACCEPTED = "{n} accepted by it"
SAMPLE_SINCE = "of {checked} checked since, {wrong} wrong"
CHECKS = "Hidden checks"
CHECKS_HELP = (
    "Now and then a reviewer gets an answer that is known to be wrong, or a suggestion from before. "
    "Only admins see what came of it; in brackets the 95 % interval."
)
CHECKS_HEAD = ("", "Wrong answers let through", "Judged as before")
CHECKS_NONE = "None yet: they come after the first twenty decisions of a person."

# Agreement ------------------------------------------------------------------------------------------------------

OF_VERDICTS = "Suggestions judged by several people, each without seeing the others"
OF_LABELS = "Questions answered by several people on the same picture"
SAME = "{same} of {n} the same, by {people}"
FEW = "from {fewest} on, agreement beyond chance is said"
COEFFICIENT = "{sign} {value} ({low} to {high})"
SCALE = "1 is full agreement, 0 what chance would bring; 95 % intervals over pictures"
NONE_SHARED = "No suggestion was judged by several people."
HOW = "Under “{settings}” an admin says how many people judge the same suggestion of the queue “{queue}”."
DISPUTES = "Where people disagree"
NO_DISPUTES = "Nobody disagrees on anything that is not settled."
SETTLE_HELP = "Somebody who is neither of them decides."
DIFFERING = "Different answers to the same question"
DIFFERING_HELP = "The one that is taken stays a label; the others count as wrong. Undo takes that back."
SETTLED = "Settled."
OWN = "you are one of them"
SETTLING = "Decide above: what they said stands with it."

# What was done --------------------------------------------------------------------------------------------------

WORK_NONE = "Nothing yet."
WITHHELD = "on a suggestion that you are still to judge yourself"
UNSEEN = "What others said is shown once you have decided."
WHATS = {
    "person": "came in for the first time",
    "written": "written by the model",
    "labelled": "answered",
    "label": "answered",
    "relabelled": "changed the answer",
    "relabel": "changed the answer",
    "accepted": "accepted",
    "corrected": "corrected and accepted",
    "rejected": "rejected",
    "accepted unseen": "accepted with many others, unseen",
    "bulk accept": "accepted many, unseen",
    "bulk take back": "took back many",
    "audit": "began or ended a sample",
    "comment": "commented",
    "flag": "flagged",
    "skip": "skipped",
    "nothing": "saw nothing to answer",
    "cannot tell": "could not tell",
    "remark": "took a flag away",
    "undo": "took back the last step",
    "vote": "voted in a blind comparison",
    "template": "changed the questions to ask",
    "import": "brought pictures in",
    "blank": "blacked out a region",
    "burned in": "looked for text in pictures",
    "adapter deleted": "deleted a model",
    "withheld": "decided",
}
CHECK = {"wrong": "hidden check, a wrong answer: {what}", "repeat": "hidden repeat: {what}, {before} before"}
BLIND = "had answered “{said}” before seeing it"
MANY = "{n} items"

# How we review --------------------------------------------------------------------------------------------------

SETTINGS_HELP = "These hold for everybody who reviews this project."
SETTINGS_LOCKED = "Only an admin changes these."
SETTINGS_SAVED = "Saved. It holds from the next suggestion on."
FIELDS = {
    "queue": ("Everybody begins with", "Each person can change it for the own screen."),
    "blind": ("Answer first", "The suggested answer is shown only after the reviewer has answered."),
    "overlap": ("People who judge the same suggestion", "In the random queue; none of them sees what the others said."),
    "repeats": ("Hidden repeats, %", "Suggestions that a reviewer judged before come again: is the verdict the same?"),
    "known_wrong": ("Known wrong answers, %", "Answers that are known to be wrong: are they noticed?"),
    "minutes": ("Minutes until something is free again", "After which others get what somebody left open."),
}

# Accounts -------------------------------------------------------------------------------------------------------

ROLES = {
    "annotator": "annotator: labels",
    "reviewer": "reviewer: labels and reviews",
    "admin": "admin: everything",
}
NO_LOGIN = (
    "Nobody logs in here: whoever opens this app on this computer works under the name chosen at the top right, and "
    "may do everything."
)
HOW_TO_LOG_IN = (
    "To have people log in: python launch.py people add NAME (the first one is the admin), then start with "
    "python launch.py --auth."
)
ACCOUNTS_HELP = "Who may log in, and what each may do. What somebody did stays when the account is taken off."
PASSWORD_HELP = "At least {least} letters: a sentence that only the person would write is best. Tell it in person."
OWN_ACCOUNT = "You are logged in as {name} ({role})."
OWN_CHANGED = "You have a new password. Log in with it."
NOT_CURRENT = ("This is not your present password.", "Type it again; if it is lost, an admin gives you a new one.")
NOT_ONESELF = ("This is your own account.", "Another admin can take it off.")
ADDED = "{name} may log in now."
CHANGED = "{name} is {role} now."
NEW_PASSWORD = "{name} has a new password, and has to log in with it."
REMOVED = "{name} may not log in any more."


def share(found: Share) -> str:
    """ "1 of 14 (0 to 34 %)": the exact 95 % interval."""
    if not found.n:
        return "–"
    low, high = (percent(bound) for bound in found.bounds)
    return f"{found.hits} of {found.n} ({low} to {high})"


def cost(seconds: float | None) -> str:
    """ "4 s", or a dash where no time was kept."""
    return "–" if seconds is None else time(seconds)


def points(difference: float) -> str:
    """A difference of shares in points, with its sign: "+1.2"."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def left(n: int) -> str:
    """ "39 suggestions wait."."""
    return LEFT.format(n=f"{n:,}") if n != 1 else LEFT_ONE


def pair(question: str, answer: str | None) -> str:
    """ "Is there a polyp? — yes"."""
    return " — ".join(filter(None, (question, answer)))


def what(step_what: str, details: Mapping[str, Any]) -> str:
    """What somebody did, in words."""
    if step_what == "check":
        said, before = (WHATS["accepted" if details.get(name) else "rejected"] for name in ("accepted", "right"))
        return CHECK[details["kind"]].format(what=said, before=before)
    return WHATS.get(step_what, step_what)
