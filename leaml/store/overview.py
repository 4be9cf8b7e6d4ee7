"""Where the work on a project stands, and what is to be done next."""

from collections import Counter
from dataclasses import dataclass

from leaml.store.database import Database
from leaml.store.rows import STATUSES


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts, for the cards of projects and the rail.

    Attributes:
        pictures: all of them; `by_split` says how many in each split.
        labels: answered questions on train pictures, which models learn from; `held_out`: on all other pictures.
        questions: not answered yet.
        suggestions: waiting for a verdict.
        compared: the newest answer model was compared with the base.
        next_step: import, label, caption, distil, generate, review, adapt, compare or done.
    """

    title: str
    pictures: int
    by_split: dict[str, int]
    labels: int
    held_out: int
    questions: int
    captions: int
    suggestions: int
    accepted: int
    rejected: int
    generator_adapters: int
    answer_adapters: int
    compared: bool

    @property
    def next_step(self) -> str:
        """The first thing that is still missing."""
        missing = {
            "import": not self.pictures,
            "label": not self.labels,
            "caption": not self.captions,
            "distil": not self.generator_adapters,
            "generate": not (self.suggestions or self.accepted or self.rejected),
            "review": self.suggestions and not self.accepted,
            "adapt": not self.answer_adapters,
            "compare": not self.compared,
        }
        return next((step for step, is_missing in missing.items() if is_missing), "done")


def overview(database: Database, title: str) -> Overview:
    """Reads the counts, which triggers keep: a few milliseconds with a million pairs."""
    by_split = database.counts("images", "split")
    pairs: Counter[tuple[str, str]] = Counter()
    for row in database.rows("tallies"):
        pairs[row["status"], row["split"]] += row["n"]
    roles = database.counts("adapters", "role", deleted=0)
    of = {status: sum(n for (each, _), n in pairs.items() if each == status) for status in STATUSES}
    labels = pairs.get(("label", "train"), 0)
    return Overview(
        title=title,
        pictures=sum(by_split.values()),
        by_split=by_split,
        labels=labels,
        held_out=of["label"] - labels,
        questions=of["question"],
        captions=database.count("captions"),
        suggestions=of["suggested"],
        accepted=of["accepted"],
        rejected=of["rejected"],
        generator_adapters=roles.get("generator", 0),
        answer_adapters=roles.get("answers", 0),
        compared=_compared(database),
    )


def _compared(database: Database) -> bool:
    newest = database.rows("adapters", order="-id", limit=1, deleted=0, role="answers")
    done = database.rows("jobs", order="-id", limit=1, kind="compare", state="done")
    return bool(newest and done) and done[0]["id"] > (newest[0]["job_id"] or 0)
