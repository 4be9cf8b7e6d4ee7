"""What the benchmark of nano computes, on scenes made by hand, and one run of it on a tiny random model."""

import json
import random
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import nano, nano_phantom, nano_speed
from benchmarks.nano import ANY_TYPE, Drawn, WrittenPair, judge
from leaml.models import prompts
from leaml.nano.scenes import FOREIGN, TRAINING, Item, Scene
from leaml.records import QUESTION_TYPES, Question
from tests import tiny_models

RED_CIRCLE = Item("circle", "red", 0.2, 0.2, 0.15)
BLUE_STAR = Item("star", "blue", 0.8, 0.8, 0.07)


def scene(*items: Item, name: str = "a scene") -> Drawn:
    blank = Image.new("RGB", (72, 72), "white")
    return Drawn(name, Scene(blank, np.zeros((64, 64), np.uint8), items, "white", "plain"))


def by_name(figures) -> dict:
    return {figure.name: figure for figure in figures}


# ---- scenes --------------------------------------------------------------------------------------------------------


def test_scenes_are_the_same_every_time_and_differ_by_purpose():
    first, again, others = nano.draw(TRAINING, 2), nano.draw(TRAINING, 2), nano.draw(TRAINING, 2, "blind ")
    assert [d.scene.picture.tobytes() for d in first] == [d.scene.picture.tobytes() for d in again]
    assert [nano.questions_on(d) for d in first] == [nano.questions_on(d) for d in again]
    assert {d.name for d in first}.isdisjoint(d.name for d in others)
    assert first[0].scene.picture.tobytes() != others[0].scene.picture.tobytes()


def test_every_type_is_asked_often_enough_at_the_default_size():
    times = nano.parser().get_default("scenes") / 60
    for style in (TRAINING, FOREIGN):
        types = [question.type for drawn in nano.draw(style, 60) for question in nano.questions_on(drawn)]
        assert min(types.count(kind) for kind in QUESTION_TYPES) * times >= 150


def test_accuracy_stands_beside_the_blind_rule_and_names_its_worst_type():
    questions = [Question(Path(f"scene {k}"), "?", "red", kind) for k in range(2) for kind in ("colour", "open")]
    found = by_name(
        nano.accuracy_figures("scenes", questions, [True, False, True, True], [False, False, True, False], 0.7, 0.9)
    )
    assert found["accuracy"].value.value == 0.75 and found["accuracy"].reached
    assert found["accuracy of the worst type"].value.value == 0.5 and found["accuracy of the worst type"].note == "open"
    assert found["image-blind majority"].value.value == 0.25
    assert found["accuracy, colour"].reached and not found["accuracy, open"].reached
    assert found["accuracy"].value.clusters == 2


# ---- captions ------------------------------------------------------------------------------------------------------


def test_caption_f1_by_hand():
    # Shown: 2 red circles and a blue star; named: 1 red circle, a blue star and a green ring. 2 of 3 match either way.
    first = scene(RED_CIRCLE, replace(RED_CIRCLE, x=0.5), BLUE_STAR)
    found = by_name(nano.caption_figures([first], ["A red circle, a blue star and a green ring."]))
    assert found["object F1"].value.value == pytest.approx(2 * 2 / (3 + 3))
    # A scene more, of which nothing is named: 2 · 2 / (4 + 3).
    found = by_name(
        nano.caption_figures(
            [first, scene(RED_CIRCLE, name="another")], ["A red circle, a blue star and a green ring.", "Nothing."]
        )
    )
    assert found["object F1"].value.value == pytest.approx(4 / 7)
    assert (found["object F1"].value.n, found["object F1"].value.clusters) == (7, 2)
    assert found["objects shown that are named"].value.value == 0.5
    assert found["objects named that are shown"].value.value == pytest.approx(2 / 3)
    assert found["captions with every object right"].value.value == 0.0


def test_an_empty_scene_and_caption_is_right_and_no_mention():
    found = by_name(nano.caption_figures([scene()], ["The picture is empty. The background is white."]))
    assert found["object F1"].value is None
    assert found["captions with every object right"].value.value == 1.0


# ---- self-written pairs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "true"),
    [
        ("Question: What colour is the circle? Answer: red", "colour", True),
        ("Question: What colour is the circle? Answer: blue", "colour", False),
        ("Question: Is the circle small or large? Answer: large", "single choice", True),
        ("Question: Where is the blue star? Answer: bottom right", "location", True),
        ("Question: How many objects are there? Answer: two", "count", True),
        ("Question: What colour is the heart? Answer: red", None, False),
        ("Question: Who drew this? Answer: nobody", None, False),
    ],
)
def test_a_pair_is_true_only_where_the_templates_can_read_and_confirm_it(text, kind, true):
    pair = judge(text, scene(RED_CIRCLE, BLUE_STAR), "colour")
    assert pair.question and (pair.type, pair.true) == (kind, true)


def test_a_text_without_question_and_answer_does_not_parse():
    assert judge("red red red", scene(RED_CIRCLE), "colour") == WrittenPair("a scene", "colour")


def test_every_question_that_we_ask_ourselves_counts_as_true():
    for drawn in nano.draw(TRAINING, 20):
        for question in nano.questions_on(drawn):
            pair = judge(prompts.pair_text(question.question, question.answer), drawn, question.type)
            assert pair.true and pair.type == question.type, question


def test_shares_of_pairs_by_hand():
    pairs = [
        WrittenPair("one", "colour", "What colour is the star?", "colour", True),
        WrittenPair("one", "colour", "What colour is it?", None, False),
        WrittenPair("two", "count", "What colour is the ring?", "colour", False),
        WrittenPair("two", "count"),
        WrittenPair("one", ANY_TYPE, "Is there a star?", "yes/no", True),
        WrittenPair("two", ANY_TYPE, "is there a star?", "yes/no", True),
    ]
    found = by_name(nano.pair_figures(pairs))
    values = {name: figure.number for name, figure in found.items()}
    assert values["parse"] == pytest.approx(5 / 6)
    assert values["true of those that parse"] == pytest.approx(3 / 5)
    assert values["not readable by the templates"] == pytest.approx(1 / 5)
    assert values["true of those that are readable"] == pytest.approx(3 / 4)
    assert values["of the type asked for"] == pytest.approx(1 / 3)
    assert values["share of colour, asked for a type"] == pytest.approx(2 / 3)
    assert values["share of yes/no, asked for no type"] == 1.0
    assert values["rarest type, asked for no type"] == 0.0
    assert values["most frequent question, asked for no type"] == 1.0
    assert not found["most frequent question, asked for no type"].reached
    assert values["true, asked for colour"] == 0.5 and values["true, read as colour"] == 0.5
    assert found["parse"].value.clusters == 2


def test_nothing_that_parses_is_no_success():
    found = by_name(nano.pair_figures([WrittenPair("one", ANY_TYPE)]))
    barred = [figure for figure in found.values() if figure.bar is not None]
    assert len(barred) == 6 and not any(figure.reached for figure in barred)


# ---- phantom -------------------------------------------------------------------------------------------------------


def test_the_ceiling_learns_from_train_pictures_alone_with_all_their_answers():
    train, test = nano_phantom.train_truth(), nano_phantom.held_out("test")
    assert {question.split for question in train} == {"train"} and all(question.answer for question in train)
    assert all(question.image.is_file() for question in random.Random(0).sample(train, 20))
    assert {q.image for q in train}.isdisjoint(q.image for q in test)
    assert {q.group for q in train}.isdisjoint(q.group for q in test)
    assert len({q.image for q in train}) == 400


def test_phantom_figures_are_paired_and_clustered_by_patient():
    questions = [
        Question(Path(f"{patient}{k}.jpg"), wording, "yes", kind, "test", patient)
        for patient in ("a", "b", "c")
        for k in range(2)
        for wording, kind in (("Is there a polyp?", "yes/no"), ("How many?", "count"))
    ]
    right = {"image-blind majority": [True, False] * 6, "zero-shot": [False] * 12, "ceiling": [True] * 12}
    found = by_name(nano_phantom.figures(questions, right, nano_phantom.Ceiling()))
    assert found["ceiling"].value.clusters == 3 and found["ceiling"].plain()["clustered_by"] == "patients"
    assert found["ceiling"].reached and found["ceiling minus zero-shot"].reached
    assert found["ceiling minus zero-shot"].value.signed and found["ceiling minus zero-shot"].value.value == 1.0
    assert found["ceiling minus image-blind majority"].value.value == 0.5
    assert found["image-blind majority, count"].value.value == 0.0
    assert found["ceiling minus zero-shot, count"].value.n == 6
    assert found["image-blind majority: Is there a polyp?"].value.value == 1.0


def test_bars_hold_on_the_test_split_alone():
    questions = [Question(Path(f"{k}.jpg"), "Is there?", "yes", "yes/no", "calibration") for k in range(3)]
    right = dict.fromkeys(("image-blind majority", "zero-shot", "ceiling"), [True] * 3)
    found = nano_phantom.figures(questions, right, nano_phantom.Ceiling(split="calibration"))
    assert all(figure.bar is None for figure in found)
    assert "calibration split" in by_name(found)["ceiling"].note


# ---- speed, without timing -----------------------------------------------------------------------------------------


def test_stored_types_are_read_from_the_header(tmp_path):
    header = {"__metadata__": {"format": "pt"}, "a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}
    text = json.dumps(header).encode()
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"\0\0")
    assert nano_speed.stored_types(tmp_path / "model.safetensors") == {"BF16"}


# ---- the command ---------------------------------------------------------------------------------------------------


def test_parts_run_in_their_order_and_unknown_ones_are_refused(capsys):
    assert nano.parser().parse_args(["--part", "speed,scenes"]).part == ["scenes", "speed"]
    with pytest.raises(SystemExit):
        nano.parser().parse_args(["--part", "scene"])
    assert "known are scenes, foreign" in capsys.readouterr().err


def test_a_missing_model_is_one_sentence(capsys, tmp_path):
    assert nano.main(["--model", str(tmp_path / "absent"), "--out", str(tmp_path / "nano.json")]) == 2
    assert capsys.readouterr().err.startswith("There is no model folder")


def test_a_tiny_model_is_measured_on_two_scenes(tmp_path, capsys):
    model, processor = tiny_models.idefics3()
    model.save_pretrained(tmp_path / "tiny")
    processor.save_pretrained(tmp_path / "tiny")
    out = tmp_path / "nano.json"
    given = ["--model", str(tmp_path / "tiny"), "--scenes", "2", "--part", "scenes", "--out", str(out)]
    assert nano.main(given) == 0
    plain = json.loads(out.read_text(encoding="utf-8"))
    accuracy = plain["figures"]["scenes: accuracy"]
    assert accuracy["n"] == 20 and accuracy["clusters"] == 2
    assert accuracy["bar"] == 0.95 and accuracy["reached"] is (accuracy["value"] >= 0.95)
    assert {"value", "low", "high", "n", "clusters"} <= set(plain["figures"]["scenes: image-blind majority"])
    assert plain["command"].startswith("python -m benchmarks.nano --model")
    assert "fingerprint" in plain["figures"]["model: parameters"]["note"]
    assert all(row["part"] == "scenes" and {"n", "low", "high", "clusters"} <= set(row) for row in plain["rows"])
    assert "accuracy of the worst type" in capsys.readouterr().out
