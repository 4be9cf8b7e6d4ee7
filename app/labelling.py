"""What the Label screen asks, in which order its pictures come and why, and what form and viewer show."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import median
from typing import Any

from app.texts import label as texts
from app.viewer import seen
from leaml.records import REGIONS
from leaml.review import leases
from leaml.review.ordering import turns
from leaml.review.queues import neighbour, next_open, random_order
from leaml.store.placing import ARRIVING, LEFT_OUT, TRAIN
from leaml.store.project import PairState, Picture, Project, Template

AHEAD = 2
"""Pictures that a page is handed before it asks for them, to show them at once."""

DONE_WITH = ("skip", "nothing", "cannot tell")
"""Remarks after which a picture is not served again to who made them."""

CONTROLS = {
    "yes/no": ("one", ("yes", "no")),
    "single choice": ("one", ()),
    "multiple choice": ("several", ()),
    "colour": ("one", ()),
    "location": ("one", REGIONS),
    "count": ("number", ()),
    "open": ("text", ()),
}
"""Type of a question -> how it is answered, and what is offered where the question itself offers nothing."""
OFFERING = ("single choice", "multiple choice", "colour")
"""Types whose own questions say what can be answered."""


# What is asked, and in which order -----------------------------------------------------------------------------


def order(project: Project, pool: str) -> list[int]:
    """Numbers of the pictures of a pool, in the order in which they are shown."""
    shuffled = _shuffled(tuple(project.db.counts("images", "id", split=pool)))
    if pool != TRAIN:
        return [*shuffled]
    there = set(shuffled)
    first = [turn.image_id for turn in turns(project) if turn.image_id in there]
    return [*dict.fromkeys([*first, *shuffled])]


@lru_cache(maxsize=4)
def _shuffled(pictures: tuple[int, ...]) -> list[int]:
    """At random, as always for these: of 100,000 pictures that takes longer than all that is asked of the store."""
    return random_order(pictures)


def why(project: Project, picture: Picture) -> dict[str, str]:
    """Why a train picture comes when it does, in words, and what else the order could be."""
    if picture.split != TRAIN:
        return {}
    chosen = {turn.image_id: turn for turn in turns(project)}
    turn = chosen.get(picture.id)
    typical = turn is not None and turn.why == "typical"
    return {
        "why": texts.TYPICAL.format(n=turn.alike) if turn and typical else texts.RANDOM,
        "other": "random" if chosen else "typical",
        "change": texts.TO_RANDOM if chosen else texts.TO_TYPICAL,
    }


def labelled(project: Project, pool: str) -> set[int]:
    """Numbers of the pictures of a pool that have at least one answer."""
    return set(project.db.counts("states", "image_id", status="label", split=pool))


def done(project: Project, person: str, pool: str) -> set[int]:
    """Numbers of the pictures that are not served to this person: answered, passed over, or in somebody's hand."""
    remarks = project.db.rows("remarks", person=person, kind=list(DONE_WITH))
    return labelled(project, pool) | {row["image_id"] for row in remarks} | leases.held(project, "image", person)


def following(
    project: Project, person: str, pool: str, picture: int | None, line: Sequence[int] = ()
) -> int | None:
    """The next picture that waits; once none does, the next picture.

    Args:
        line: what the page was handed ahead; it shows the first of them already.
    """
    pictures, passed = order(project, pool), done(project, person, pool)
    handed = next((one for one in line[:1] if one in pictures and one not in passed), None)
    return handed or next_open(pictures, picture, passed) or neighbour(pictures, picture, 1)


def coming(
    project: Project, person: str, pictures: Sequence[int], picture: int, passed: set[int], line: Sequence[int] = ()
) -> list[int]:
    """The pictures that wait after this one, held for this person too, so that a page can show them at once.

    Args:
        passed: those that are not served.
        line: what the page was handed before and has not come to yet.
    """
    found = [one for one in line if one in pictures and one not in passed and one != picture]
    passed = {*passed, picture, *found}
    while len(found) < AHEAD:
        one = next_open(pictures, found[-1] if found else picture, passed)
        if one is None:
            break
        passed.add(one)
        if leases.reserve(project, "image", one, person):
            found.append(one)
    return found


def pool_of(project: Project | None, picture: int | None, pool: str) -> str:
    """The pool that the picture belongs to: an undo may lead into another one."""
    return project.picture(picture).split if project and picture else pool


def known_questions(project: Project) -> list[Template]:
    """What is asked of every picture: the project's own list, else what was asked so far, the most frequent first."""
    templates = project.templates()
    if templates:
        return templates
    counts: dict[Template, int] = {}
    for pair in project.labels() or project.labels(split=None):
        template = Template(pair.question, pair.type, pair.choices)
        counts[template] = counts.get(template, 0) + 1
    wordings = {template.question: template for template in sorted(counts, key=lambda known: counts[known])}
    return sorted(wordings.values(), key=lambda known: -counts[known])


# What is shown -------------------------------------------------------------------------------------------------


def shown(
    project: Project | None, person: str, pool: str, picture: int | None, line: Sequence[int] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What form and viewer show: that picture, or the first of the pool that waits.

    Args:
        line: what the page was handed ahead and has not come to yet.
    """
    if project is None:
        return {"empty": texts.NO_PROJECT}, seen("", None)
    pools = project.db.counts("images", "split")
    form = {
        "project": project.name, "person": person, "words": texts.WORDS, "pool": pool, "pools": _pools(pools),
        "types": types(), "reasons": texts.REASONS, "presets": texts.PRESETS, "viewer": "label-viewer",
    }  # fmt: skip
    pictures, passed = order(project, pool), done(project, person, pool)
    if not pictures:
        empty = texts.NONE_OF_THESE if pools else texts.NO_PICTURES
        return form | {"empty": empty, "pools": form["pools"] if pools else None}, seen(project.name, None)
    if picture not in pictures:
        picture = next_open(pictures, None, passed) or pictures[0]
    leases.take(project, "image", picture, person, ahead=line)
    ahead = coming(project, person, pictures, picture, passed, line)
    entries = [
        {"id": one} | ({} if one in line else _entry(project, person, one, pictures, passed)) for one in ahead
    ]
    nearby = ahead or [neighbour(pictures, picture, 1)]
    image = seen(project.name, project.picture(picture), [project.picture(one) for one in nearby])
    form |= _form(project, person, project.picture(picture), pictures, passed)
    return form | {"image": image, "next": entries}, image


def _entry(project: Project, person: str, id: int, pictures: Sequence[int], passed: set[int]) -> dict[str, Any]:
    """What a page needs to show a picture later."""
    picture = project.picture(id)
    return {"form": _form(project, person, picture, pictures, passed), "image": seen(project.name, picture)}


def _form(project: Project, person: str, picture: Picture, pictures: Sequence[int], passed: set[int]) -> dict[str, Any]:
    place = texts.place(pictures.index(picture.id) + 1, len(pictures), picture.group)
    answered = len(labelled(project, picture.split))
    remarks = {row["kind"]: row["text"] for row in project.db.rows("remarks", image_id=picture.id, person=person)}
    return {
        "picture": {"id": picture.id, "place": place, "version": picture.path.stem, **why(project, picture)},
        "questions": questions(project, person, picture),
        "burned_in": picture.burned_in,
        "flagged": "flag" in remarks,
        "comment": remarks.get("comment", ""),
        "skipped": remarks.get("skip"),
        "blind": texts.BLIND if picture.split != "train" else "",
        "standing": texts.standing(answered, len(pictures) - answered, pace(project, person)),
        "said": texts.ALL_DONE if set(pictures) <= passed else "",
    }


def questions(project: Project, person: str, picture: Picture) -> list[dict[str, Any]]:
    """The rows of the form: what is asked of every picture, and what else was asked of this one."""
    given: dict[str, PairState] = {}
    for pair in project.pairs(image_id=picture.id, status=["question", "label"]):
        if pair.person == person or pair.question not in given:
            given[pair.question] = pair
    marks = {row["id"]: row["marks"] for row in project.db.rows("pairs", id=[pair.id for pair in given.values()])}
    remarks = project.db.rows("remarks", image_id=picture.id, person=person, kind="cannot tell")
    untold = {row["text"] for row in remarks}
    usual = {template.question for template in project.templates()}
    known = {template.question: template for template in known_questions(project)}
    asked = known | {question: pair for question, pair in given.items() if question not in known}
    return [
        {
            "question": question, "type": row.type, "choices": row.choices, "usual": question in usual,
            "untold": question in untold, **_given(given.get(question), person, marks),
        }
        for question, row in asked.items()
    ]  # fmt: skip


def _given(pair: PairState | None, person: str, marks: Mapping[int, list[Any]]) -> dict[str, Any]:
    """What is answered already. What others answer here is not shown to who has not decided yet."""
    if pair is None or pair.answer is None:
        return {}
    answer = {"answer": pair.answer, "marks": marks[pair.id]}
    if pair.person == person:
        return answer
    if pair.person or pair.split != "train":
        return {}
    return answer | {"by": texts.BY.format(name=pair.source or texts.SOMEBODY)}


def pace(project: Project, person: str) -> float | None:
    """Median seconds that this person takes for a picture, or None."""
    pictures: dict[int, float] = {}
    for row in project.db.rows("pairs", person=person):
        if row["seconds"] is not None:
            pictures[row["image_id"]] = pictures.get(row["image_id"], 0.0) + row["seconds"]
    return median(pictures.values()) if pictures else None


def _pools(pools: dict[str, int]) -> list[dict[str, str]]:
    others = (split for split in pools if split not in (*texts.POOLS, LEFT_OUT, ARRIVING))
    names = [*(split for split in texts.POOLS if split in pools), *others]
    return [{"key": split, "name": texts.POOLS.get(split, split)} for split in names]


def types() -> list[dict[str, Any]]:
    return [
        {"key": type, "name": texts.TYPES[type], "control": control, "choices": choices, "offers": type in OFFERING}
        for type, (control, choices) in CONTROLS.items()
    ]
