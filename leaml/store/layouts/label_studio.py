"""Tasks of Label Studio with annotations and predictions, as its JSON export and import have them.

    [{"data": {"image": "images/1.jpg", "question": "Is there a polyp?"},
      "annotations": [{"result": [{"from_name": "answer", "type": "choices", "value": {"choices": ["yes"]}}]}],
      "predictions": [{"model_version": "run 7", "result": […]}]}]

A task whose data holds no question asks by the names of its controls: choices of the control "colour" answer the
question "colour". Boxes, points and polygons become marks; where they answer nothing, each label asks where it is.
Answers of people become labels, predictions become suggestions that wait for a verdict.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from leaml.files import write_whole
from leaml.records import QUESTION_TYPES, REGIONS, SET_SEPARATOR
from leaml.store.annotation import WRITTEN
from leaml.store.layouts.simple import FIELDS, guessed, write_list
from leaml.store.marks import Mark, middle
from leaml.store.rows import Picture
from leaml.store.tables import Row, RowError

FILE, CONFIG = "label-studio.json", "label-studio.xml"
CONFIGURATION = """<View>
  <Header value="$question"/>
  <Image name="image" value="$image"/>
  <TextArea name="answer" toName="image"/>
  <KeyPointLabels name="points" toName="image"><Label value="mark"/></KeyPointLabels>
  <RectangleLabels name="boxes" toName="image"><Label value="mark"/></RectangleLabels>
  <PolygonLabels name="regions" toName="image"><Label value="mark"/></PolygonLabels>
</View>
"""
"""What Label Studio shows these tasks with."""

_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")
"""What Label Studio puts in front of a file's name that was uploaded."""
_SHAPES = {"keypoint": "point", "rectangle": "box", "polygon": "region"}
_DRAWN = {
    "point": ("keypointlabels", "points"), "box": ("rectanglelabels", "boxes"), "region": ("polygonlabels", "regions")
}  # fmt: skip
_BESIDE = [name for name in FIELDS if name not in ("image", "question", "answer", "marks")]


def suits(item: Row) -> bool:
    """Whether an item of a list is a task."""
    return isinstance(item.get("data"), dict) and any(isinstance(value, str) for value in item["data"].values())


def rows(item: Row) -> Iterator[Row]:
    """A row for each answer of a person and of a model; one without an answer where nobody gave one."""
    data = item["data"]
    beside = {name: data[name] for name in _BESIDE if name in data} | {"image": _picture(data)}
    asked = data["question"] if isinstance(data.get("question"), str) else None
    given = [one for one in item.get("annotations") or item.get("completions") or [] if not one.get("was_cancelled")]
    for one in given:
        for row in _answers(one["result"], asked):
            yield {"person": _person(one), **beside, **_typed(row, beside)}
    for one in item.get("predictions") or []:
        signals = {"score": one["score"]} if isinstance(one.get("score"), int | float) else {}
        own = {"run": str(one.get("model_version") or ""), "signals": signals, **beside, "origin": WRITTEN}
        yield from ({**own, **_typed(row, beside)} for row in _answers(one["result"], asked))
    if asked and not given and not item.get("predictions"):
        yield {**beside, **_typed({"question": asked, "answer": None, "marks": data.get("marks", [])}, beside)}


def write(folder: Path, rows: Iterable[Row], pictures: Mapping[str, Picture]) -> None:
    """label-studio.json, and label-studio.xml with the controls that show it."""
    tasks = (_task(number, row, pictures[row["image"]]) for number, row in enumerate(rows, 1))
    write_list(folder / FILE, tasks)
    write_whole(folder / CONFIG, CONFIGURATION)


# ---- reading -----------------------------------------------------------------------------------------------------


def _picture(data: Row) -> str:
    """The file that a task's picture was, whatever server it was shown from."""
    address = next((data[name] for name in ("image", "img", "picture") if isinstance(data.get(name), str)), None)
    if address is None:
        raise RowError("a task without a picture")
    parts = urlsplit(address)
    if not parts.scheme and not address.startswith("/data/"):
        return address
    local = parse_qs(parts.query).get("d", [parts.path])[0]
    return _UPLOADED.sub("", unquote(local).rsplit("/", 1)[-1], count=1) if "/upload/" in address else unquote(local)


def _person(one: Row) -> str:
    """Who annotated: by number. An address of theirs stays behind."""
    who = one.get("completed_by")
    who = who.get("id") if isinstance(who, dict) else who
    return f"annotator {who}" if isinstance(who, int) else ""


def _answers(results: Sequence[Row], asked: str | None) -> Iterator[Row]:
    """Questions with their answers and marks, of one annotation or prediction."""
    answers: dict[str, list[str]] = defaultdict(list)
    drawn: dict[str, list[Mark]] = defaultdict(list)
    for result in results:
        value, kind = result["value"], str(result.get("type", ""))
        shape = next((shape for name, shape in _SHAPES.items() if kind.startswith(name)), None)
        if shape is not None:
            drawn[_label(value, kind)].append(_mark(shape, value))
        elif texts := _texts(value):
            answers[asked or str(result["from_name"])] += texts
        elif kind not in ("labels", "relation"):
            raise RowError(f"{kind or 'a result'} has no place here")
    marks = [mark for each in drawn.values() for mark in each]
    if not answers and not asked:
        yield from (_where(label, each) for label, each in drawn.items())
    for question, texts in answers.items():
        yield {"question": question, "answer": SET_SEPARATOR.join(texts), "marks": marks}


def _texts(value: Row) -> list[str]:
    """What was chosen, written or counted."""
    found = next((value[name] for name in ("choices", "text", "number", "rating") if name in value), [])
    return [str(each) for each in (found if isinstance(found, list) else [found])]


def _label(value: Row, kind: str) -> str:
    labels = value.get(kind)
    return str(labels[0]) if isinstance(labels, list) and labels else "mark"


def _mark(shape: str, value: Row) -> Mark:
    """From per cent, of the picture as it lies. A turned box becomes its corners."""
    if value.get("rotation"):
        raise RowError("a turned box")
    if shape == "region":
        points = [list(point) for point in value["points"]]
    else:
        points = [[value["x"], value["y"]]]
        points += [[value["x"] + value["width"], value["y"] + value["height"]]] if shape == "box" else []
    # A box that ends at the edge may lie beyond it by what was rounded.
    return {"shape": shape, "points": [[round(share / 100, 7) for share in point] for point in points]}


def _where(label: str, marks: list[Mark]) -> Row:
    """Marks that answer nothing say where something is."""
    places = {REGIONS[min(2, int(down * 3)) * 3 + min(2, int(across * 3))] for across, down in map(middle, marks)}
    answer = SET_SEPARATOR.join(place for place in REGIONS if place in places)
    return {"question": f"Where is the {label}?", "answer": answer, "type": "location", "marks": marks}


def _typed(row: Row, beside: Row) -> Row:
    known = row.get("type") or beside.get("type")
    return row | {"type": known if known in QUESTION_TYPES else guessed(row["answer"], beside.get("choices"))}


# ---- writing -----------------------------------------------------------------------------------------------------


def _task(number: int, row: Row, picture: Picture) -> Row:
    data = {name: value for name, value in row.items() if name not in ("answer", "marks")}
    task: Row = {"id": number, "data": data}
    if row["answer"] is None:
        return task | ({"data": data | {"marks": row["marks"]}} if row.get("marks") else {})
    results = [*_answer(row["answer"]), *(_drawn(mark, picture) for mark in row.get("marks", ()))]
    waits = row.get("origin") == WRITTEN and not row.get("verdict", "").startswith("accepted")
    if waits:
        return task | {"predictions": [{"model_version": row.get("run", ""), "result": results}]}
    return task | {"annotations": [{"result": results}]}


def _answer(text: str) -> Iterator[Row]:
    yield {"from_name": "answer", "to_name": "image", "type": "textarea", "value": {"text": [text]}}


def _drawn(mark: Mark, picture: Picture) -> Row:
    kind, name = _DRAWN[mark["shape"]]
    points = [[_per_cent(share) for share in point] for point in mark["points"]]
    value: dict[str, Any] = {kind: ["mark"]}
    if mark["shape"] == "region":
        value |= {"points": points}
    else:
        value |= {"x": points[0][0], "y": points[0][1]}
        value |= {"width": 0.5} if mark["shape"] == "point" else {
            "width": _per_cent(mark["points"][1][0] - mark["points"][0][0]),
            "height": _per_cent(mark["points"][1][1] - mark["points"][0][1]), "rotation": 0,
        }  # fmt: skip
    return {
        "from_name": name, "to_name": "image", "type": kind, "original_width": picture.width,
        "original_height": picture.height, "image_rotation": 0, "value": value,
    }  # fmt: skip


def _per_cent(share: float) -> float:
    return round(share * 100, 5)
