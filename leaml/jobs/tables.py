"""The tables of a comparison, as its job keeps them: one row for each model, all figures as JSON. No torch.

    rows(questions, [Model("base", None, predictions), …], train, trust=True)

The names of all fields stand in the row's function; whoever shows them reads nothing else.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaml.evaluation import trust as confidence
from leaml.evaluation.compare import OPEN, Comparison, as_json, compare, credit
from leaml.evaluation.metrics import blind_answers, by, cluster_of, rate, scores
from leaml.evaluation.resampling import figures
from leaml.evaluation.scoring import Score, normalise, parse_choice
from leaml.evaluation.trust import Answers
from leaml.records import Question
from leaml.report.names import BASE, BLIND
from leaml.store.project import PairState, PredictionRow

MOST_WORDINGS, MOST_GROUPS = 60, 200
"""Rows of the break-downs by wording and by group; the most frequent ones."""


@dataclass(frozen=True, slots=True)
class Model:
    """Who answered, and what: one prediction for each question of the table, in its order.

    `calibration`: the questions of the calibration set with its answers, from which temperature and threshold come.
    """

    name: str
    adapter: int | None
    said: Sequence[PredictionRow]
    calibration: Sequence[tuple[PairState, PredictionRow]] = field(default_factory=list)


def rows(
    questions: Sequence[Question], models: Sequence[Model], train: Sequence[Question], trust: bool
) -> list[dict[str, Any]]:
    """One row for each model, the blind majority first where there are labels to take it from.

    Raises:
        DataError: a question has no known answer.
    """
    texts = {BLIND: blind_answers(train, questions)} if train else {}
    texts |= {model.name: [one.text for one in model.said] for model in models}
    scored = {name: scores(questions, said) for name, said in texts.items()}
    right = {name: [one.correct for one in found] for name, found in scored.items()}
    tables = {name: compare(questions, right, name) for name in (BASE, BLIND) if name in right}
    answered = {model.name: model for model in models}
    return [_row(questions, name, scored[name], tables, answered.get(name), trust) for name in texts]


def _row(
    questions: Sequence[Question],
    name: str,
    scored: Sequence[Score],
    tables: dict[str, Comparison],
    model: Model | None,
    trust: bool,
) -> dict[str, Any]:
    """`kind` says of which questions the rate is: closed, or open where nothing is closed."""
    row = tables[BASE].row(name)
    right = [one.correct for one in scored]
    beyond = as_json(credit(questions, scored))
    return {
        "name": name,
        "adapter": model.adapter if model else None,
        **figures(row.accuracy),
        "kind": _kind(questions),
        "open": figures(row.open),
        "by_type": {type: figures(value) | beyond.get(type, {}) for type, value in row.by_type.items()},
        "by_question": _broken_down(questions, right, lambda question: question.question, MOST_WORDINGS),
        "by_group": _broken_down(questions, right, lambda question: question.group, MOST_GROUPS),
        "against_base": _against(tables, BASE, name),
        "against_blind": _against(tables, BLIND, name),
        "without_picture": _without_picture(questions, model) if model else None,
        "trust": _trust(questions, model) if model and trust else None,
    }


def _kind(questions: Sequence[Question]) -> str:
    return "closed" if any(question.type != OPEN for question in questions) else OPEN


def _against(tables: dict[str, Comparison], baseline: str, name: str) -> dict[str, Any] | None:
    return figures(tables[baseline].row(name).difference) if baseline in tables else None


def _broken_down(
    questions: Sequence[Question], right: Sequence[bool], key: Callable[[Question], str], most: int
) -> dict[str, Any]:
    """Rates by what most questions have in common; nothing where `key` is empty."""
    counts = Counter(filter(None, map(key, questions)))
    kept = {name for name, _ in counts.most_common(most)}
    places = [place for place, question in enumerate(questions) if key(question) in kept]
    table = by([questions[place] for place in places], [right[place] for place in places], key)
    return {name: figures(table[name]) for name, _ in counts.most_common(most)}


def _without_picture(questions: Sequence[Question], model: Model) -> dict[str, Any] | None:
    """Does it look at all? How often it is right without the picture, and how often it then says the same."""
    kind = _kind(questions)
    chosen = [
        (question, row)
        for question, row in zip(questions, model.said, strict=True)
        if row.blind_text is not None and _kind([question]) == kind
    ]
    if not chosen:
        return None
    asked, clusters = [question for question, _ in chosen], [cluster_of(question) for question, _ in chosen]
    right = [one.correct for one in scores(asked, [row.blind_text or "" for _, row in chosen])]
    same = [normalise(row.text) == normalise(row.blind_text or "") for _, row in chosen]
    return {"right": figures(rate(right, clusters)), "same": figures(rate(same, clusters))}


def _trust(questions: Sequence[Question], model: Model) -> dict[str, Any]:
    """Closed and open questions apart; None where there are none of a kind."""
    tested = list(zip(questions, model.said, strict=True))
    beside = [(pair.as_question(), row) for pair, row in model.calibration]
    found: dict[str, Any] = {}
    for kind in ("closed", OPEN):
        answers, fitted = _answers(tested, kind), _answers(beside, kind)
        found[kind] = confidence.trust(answers, fitted).as_json() if len(answers) else None
    return found


def _answers(asked: Sequence[tuple[Question, PredictionRow]], kind: str) -> Answers:
    """Those of one kind whose confidence is known."""
    known = [(question, row) for question, row in asked if row.confidence is not None and _kind([question]) == kind]
    return Answers(
        [_chances(row) for _, row in known],
        [row.correct for _, row in known],
        [cluster_of(question) for question, _ in known],
    )


def _chances(row: PredictionRow) -> list[float]:
    """The answer's own probability, then those of the other choices, or of all else together."""
    said = parse_choice(row.text, tuple(row.probabilities)) if row.probabilities else None
    if said is None:
        return [row.confidence, 1 - row.confidence]
    return [row.confidence, *(value for choice, value in row.probabilities.items() if choice != said)]
