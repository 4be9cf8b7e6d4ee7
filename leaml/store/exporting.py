"""Pairs out into a table, and verdicts from a table back: reviewing without the screens.

    export_pairs(project, Path("suggestions.csv"), ["suggested"])       # fill in the column "verdict": accept, reject
    import_verdicts(project, Path("suggestions.csv"), "Dr. A")

The exported rows are those of questions.csv or questions.jsonl (see `leaml.store.formats`), with a few columns more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from leaml.errors import DataError, OptionError
from leaml.store.annotation import LONGEST_NAME, LONGEST_TEXT, answer
from leaml.store.findings import Tally
from leaml.store.project import Project
from leaml.store.rows import STATUSES, PairState
from leaml.store.tables import SUFFIXES, Row, RowError, note, read_table, shown, text, write_csv, write_jsonl

COLUMNS = (
    "id", "image", "question", "answer", "type", "choices", "split", "group", "origin", "status", "reviewer",
    "verdict", "reason",
)  # fmt: skip
"""`verdict` and `reason` are empty: they are the expert's to fill in."""
VERDICTS = {"accept": True, "accepted": True, "reject": False, "rejected": False}


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A row of verdicts; `accept` is None where it was left empty, question and answer where they stay as they are."""

    pair: PairState
    accept: bool | None
    question: str | None
    answer: str | None
    reason: str


def export_pairs(project: Project, file: Path, statuses: Sequence[str] = ("suggested",)) -> int:
    """Writes the pairs of these statuses to a .csv or .jsonl file, and returns how many.

    Raises:
        OptionError: a status or the file's kind is unknown. StorageError: the file cannot be written.
    """
    unknown = [status for status in statuses if status not in STATUSES]
    if unknown or not statuses:
        raise OptionError(f"There is no status {', '.join(unknown) or 'given'}.", f"There are: {', '.join(STATUSES)}.")
    if file.suffix.lower() not in SUFFIXES:
        raise OptionError(f"{file.name} cannot be written.", f"Name a file that ends with {' or '.join(SUFFIXES)}.")
    rows = (_exported(pair) for pair in project.pairs(status=list(statuses)))
    return write_csv(file, COLUMNS, rows) if file.suffix.lower() == ".csv" else write_jsonl(file, rows)


def import_verdicts(project: Project, file: Path, person: str) -> Tally:
    """Takes one person's verdicts from a .csv or .jsonl file with the columns id, verdict, question, answer, reason.

    An empty verdict is none. Where a pair is accepted, another question or answer than it has is a correction. What the
    same person said of a pair before is not said again.

    Returns:
        Verdicts taken, there before, and a sentence for each row that cannot be used.

    Raises:
        OptionError: nobody is named. DataError: no such file. StorageError: the project cannot be written.
    """
    if not person.strip():
        raise OptionError("Verdicts are somebody's.", "Say whose they are.")
    pairs = {pair.id: pair for pair in project.pairs()}
    tally = Tally()
    verdicts = read_table(file, partial(_verdict, pairs), lambda verdict: verdict.pair.id, tally.refused)
    with project.db.transaction():
        for verdict in verdicts:
            if verdict.accept is not None:
                _judge(project, person, verdict, tally)
    return tally


def _exported(pair: PairState) -> dict[str, Any]:
    values = {name: getattr(pair, name) for name in COLUMNS if hasattr(pair, name)}
    values |= {"image": pair.image_name, "origin": pair.as_question().origin, "choices": list(pair.choices)}
    return values | {"verdict": "", "reason": ""}


def _verdict(pairs: Mapping[int, PairState], row: Row) -> _Verdict:
    named = text(row, "id", LONGEST_NAME, required=True)
    pair = pairs.get(int(named)) if named.isdecimal() else None
    if pair is None:
        raise RowError(f"there is no question {shown(named)} in this project")
    said = text(row, "verdict", LONGEST_NAME).casefold()
    if said and said not in VERDICTS:
        raise RowError(f"the verdict {shown(said)} is unknown; known are: accept, reject")
    accept, question, answered = VERDICTS.get(said), None, None
    if accept:
        question = _other(text(row, "question", LONGEST_TEXT), pair.question)
        answered = _other(answer(row, pair.type, pair.choices), pair.answer)
    return _Verdict(pair, accept, question, answered, text(row, "reason", LONGEST_NAME))


def _other(text: str | None, before: str | None) -> str | None:
    return text if text and text != before else None


def _judge(project: Project, person: str, verdict: _Verdict, tally: Tally) -> None:
    pair, corrected = verdict.pair, verdict.question or verdict.answer
    stands = pair.verdict_id is not None and (pair.status == "rejected") != verdict.accept
    if stands and pair.reviewer == person and not corrected:
        tally.there += 1
        return
    try:
        project.judge(person, pair.id, bool(verdict.accept), verdict.question, verdict.answer, verdict.reason)
        tally.taken += 1
    except DataError as error:
        note(tally.refused, f"question {pair.id}: {error.what}")
