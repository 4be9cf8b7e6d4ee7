"""The phantom against itself: bytes, pixels, answers, the teacher's errors, and the folder."""

import dataclasses
import errno
import json
import math
import re
from collections import Counter, defaultdict
from random import Random

import numpy as np
import pytest
from PIL import Image

from leaml.errors import DataError, OptionError, StorageError
from leaml.nano import phantom
from leaml.nano.phantom_captions import facts, statements
from leaml.nano.phantom_truth import SIZE, split_of
from leaml.records import QUESTION_TYPES, REGIONS, SET_SEPARATOR

SCENES = [phantom.truth(11, index) for index in range(1000)]


def pixels(scene) -> np.ndarray:
    return np.asarray(phantom.draw(dataclasses.replace(scene, blur=0.0)), np.float32)


def change(scene, **without) -> np.ndarray:
    """(256, 256): how much each pixel changes when part of a scene is left out."""
    return np.abs(pixels(scene) - pixels(dataclasses.replace(scene, **without))).max(axis=2)


def pick(condition, count: int) -> list:
    found = [scene for scene in SCENES if condition(scene)][:count]
    assert len(found) == count
    return found


def region_by_thirds(x: float, y: float) -> str:
    row = "upper" if y < SIZE / 3 else "center" if y < 2 * SIZE / 3 else "lower"
    column = "left" if x < SIZE / 3 else "center" if x < 2 * SIZE / 3 else "right"
    return "center" if (row, column) == ("center", "center") else f"{row}-{column}"


def colour_by_eye(patch: np.ndarray) -> str:
    """Name of the colour of (n, 3) pixels, by the ratios of their channels."""
    red, green, blue = np.median(patch, axis=0)
    if blue > 0.9 * red:
        return "purple" if green < 0.75 * red else "white"
    if green > 0.8 * red:
        return "white" if blue > 0.6 * green else "yellow"
    if green > 0.7 * red and blue < 0.55 * red:
        return "yellow"
    if green < 0.38 * red:
        return "red"
    return "pink" if blue > 0.94 * green else "wall"


def test_same_seed_gives_the_same_bytes_in_any_order():
    first = [phantom.draw(phantom.truth(5, index)).tobytes() for index in (0, 1, 2, 3)]
    again = [phantom.draw(phantom.truth(5, index)).tobytes() for index in (3, 1, 2, 0)]
    assert [again[3], again[1], again[2], again[0]] == first


def test_other_seeds_and_other_pictures_differ():
    pictures = [phantom.draw(phantom.truth(seed, index)).tobytes() for seed in (5, 6) for index in (0, 1, 2)]
    assert len(set(pictures)) == 6


def test_largest_polyp_lies_in_its_region():
    for scene in pick(lambda s: len(s.polyps) == 1, 16):
        weight = change(scene, polyps=())
        weight[weight < 30] = 0
        y, x = (float((axis * weight).sum() / weight.sum()) for axis in np.mgrid[0:SIZE, 0:SIZE])
        (answer,) = [
            q.answer
            for q in phantom.questions_of(scene)
            if q.question.endswith("largest polyp?") and q.type == "location"
        ]
        assert region_by_thirds(x, y) == answer


def test_every_polyp_of_a_count_is_in_sight():
    for scene in pick(lambda s: len(s.polyps) > 1, 5):
        for number in range(len(scene.polyps)):
            rest = scene.polyps[:number] + scene.polyps[number + 1 :]
            # Elements take their noise by number: only the one left out may differ, so compare on its own ground.
            polyp = scene.polyps[number]
            y, x = np.mgrid[0:SIZE, 0:SIZE]
            ground = np.hypot(x - polyp.x, y - polyp.y) < 0.8 * polyp.radius
            assert np.median(change(scene, polyps=rest)[ground]) > 25


@pytest.mark.parametrize("colour", ["pink", "red", "white", "yellow", "purple"])
def test_polyp_has_its_colour_and_the_wall_around_it_has_not(colour):
    for scene in pick(lambda s: len(s.polyps) == 1 and s.polyps[0].colour == colour, 4):
        bare = dataclasses.replace(scene, stool=(), bubbles=(), instruments=(), box=None, text=None)
        changed, drawn = change(bare, polyps=()), pixels(bare)
        polyp = scene.polyps[0]
        y, x = np.mgrid[0:SIZE, 0:SIZE]
        # The head of a polyp on a stalk sits a little behind the middle of the whole.
        shift = 0.24 * polyp.radius if polyp.kind == "pedunculated" else 0.0
        distance = np.hypot(x - polyp.x + shift * math.cos(polyp.angle), y - polyp.y + shift * math.sin(polyp.angle))
        seen = drawn.max(axis=2) > 60
        assert colour_by_eye(drawn[(distance < 0.7 * polyp.radius) & (changed > 12)]) == colour
        ring = drawn[
            (distance > 1.2 * polyp.radius * math.sqrt(polyp.aspect))
            & (distance < 2.2 * polyp.radius * math.sqrt(polyp.aspect))
            & (changed == 0)
            & seen
        ]
        assert colour_by_eye(ring) != colour


def test_polyp_sizes_are_apart_in_pixels():
    limits = {"small": (18, 40), "medium": (40, 74), "large": (74, 130)}
    for size, (low, high) in limits.items():
        for scene in pick(
            lambda s, size=size: len(s.polyps) == 1 and (s.polyps[0].kind, s.polyps[0].size) == ("flat", size), 3
        ):
            inner = dataclasses.replace(scene, view="square", box=None, text=None)
            area = (change(inner, polyps=()) > 12).sum()
            assert low < 2 * math.sqrt(area / math.pi) < high


def test_each_instrument_is_seen_around_its_tip_and_apart_from_others():
    for scene in pick(lambda s: len(s.instruments) == 2, 5):
        marks = [change(scene, instruments=(scene.instruments[1 - n],)) > 25 for n in (0, 1)]
        y, x = np.mgrid[0:SIZE, 0:SIZE]
        for tool, mark in zip(scene.instruments, marks, strict=True):
            near = np.hypot(x - tool.x, y - tool.y) < 26
            assert mark[near].sum() > 200 and mark.sum() > 600
        assert not (marks[0] & marks[1]).any()


def test_box_artefact_stands_where_the_truth_says_and_nowhere_else():
    for scene in pick(lambda s: s.box and s.box_colour == "green", 3) + pick(lambda s: s.box_colour == "black", 3):
        box = scene.box
        inside = pixels(scene)[box.top + 2 : box.top + box.height - 2, box.left + 2 : box.left + box.width - 2]
        red, green, _ = np.median(inside.reshape(-1, 3), axis=0)
        assert green > red + 80 if scene.box_colour == "green" else green < 30
    for scene in pick(lambda s: s.box is None, 6):
        drawn = pixels(scene)
        assert (drawn[..., 1] > drawn[..., 0] + 60).sum() < 40


def test_text_changes_its_block_and_nothing_else():
    for scene in pick(lambda s: s.text is not None, 4):
        block, changed = scene.text, change(scene, text=None) > 40
        rows, columns = np.nonzero(changed)
        assert changed.sum() > 300
        assert (
            block.left - 2 <= columns.min()
            and block.top - 2 <= rows.min()
            and rows.max() <= block.top + block.height + 3
        )


def test_stool_and_bubbles_change_enough_of_the_picture():
    for scene in pick(lambda s: s.stool and s.bubbles, 5):
        assert (change(scene, stool=()) > 25).sum() > 600
        assert (change(scene, bubbles=()) > 25).sum() > 300


def test_answers_are_among_the_choices():
    words = phantom.answer_words()
    types = set()
    for scene in SCENES[:300]:
        for question in phantom.questions_of(scene):
            members = question.answer.split(SET_SEPARATOR)
            assert question.type in QUESTION_TYPES and set(members) <= words
            assert not question.choices or set(members) <= set(question.choices)
            assert question.type == "multiple choice" or len(members) == 1
            types.add(question.type)
    assert types == set(QUESTION_TYPES) - {"open"}
    assert set(REGIONS) <= words


def test_no_question_is_near_constant():
    answers = defaultdict(Counter)
    for scene in SCENES:
        for question in phantom.questions_of(scene):
            answers[question.question][question.answer] += 1
    assert len(answers) == len(phantom.QUESTIONS)
    for question, counts in answers.items():
        assert counts.most_common(1)[0][1] / counts.total() <= 0.65, question


def test_groups_do_not_cross_splits_and_splits_have_their_shares():
    splits, sizes = defaultdict(set), Counter()
    for scene in SCENES:
        splits[scene.group].add(scene.split)
        sizes[scene.group] += 1
    assert all(len(found) == 1 for found in splits.values())
    assert set(sizes.values()) == {1, 2, 3}
    assert Counter(split_of(index) for index in range(560)) == {"train": 400, "calibration": 60, "test": 100}


def test_teacher_is_wrong_and_silent_at_the_stated_rates():
    wrong = habit = made = silent = 0
    for index, scene in enumerate(SCENES):
        said, known = statements(scene, Random(index), 0.1, 0.1), facts(scene)
        errors = [statement for statement in said if statement.value != known[statement.aspect]]
        assert errors == [statement for statement in said if statement.error]
        made, wrong = made + len(said), wrong + len(errors)
        habit += sum(statement.error == "systematic" for statement in errors)
        silent += 2 - sum(statement.aspect in ("stool", "bubbles") for statement in said)
    tolerance = 4 * math.sqrt(0.1 * 0.9 / made)
    assert abs(wrong / made - 0.1) < tolerance
    assert abs(silent / (2 * len(SCENES)) - 0.1) < 4 * math.sqrt(0.09 / (2 * len(SCENES)))
    assert abs(habit / wrong - 0.5) < 4 * math.sqrt(0.25 / wrong)


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_silence_and_error_are_separate(rate):
    def error_rate(silent: float) -> float:
        said = [s for index, scene in enumerate(SCENES[:500]) for s in statements(scene, Random(index), rate, silent)]
        return sum(bool(statement.error) for statement in said) / len(said)

    assert error_rate(0.0) == pytest.approx(rate, abs=0.04)
    assert error_rate(0.5) == pytest.approx(rate, abs=0.05)


def test_small_flat_polyps_are_always_missed():
    hidden = [s for s in SCENES if s.polyps and (s.polyps[0].kind, s.polyps[0].size) == ("flat", "small")]
    assert len(hidden) > 20
    for scene in hidden:
        text = phantom.caption(scene, Random(scene.index), 0.1, 0.0)
        assert re.search(r"\b([Nn]o polyps?|no polyp)\b", text)


def test_caption_of_a_faultless_teacher_tells_the_truth_in_words():
    for scene in SCENES[:200]:
        text = phantom.caption(scene, Random(scene.index), 0.0, 0.0).lower()
        assert bool(re.search(r"\bno polyp", text)) == (not scene.polyps)
        assert bool(re.search(r"\b(no|without) stool|no stool", text)) == (not scene.stool)
        for polyp in scene.polyps[:1]:
            assert polyp.colour in text and polyp.size in text
            assert region_by_thirds(polyp.x, polyp.y) in text
            assert polyp.kind in text or (polyp.kind == "pedunculated" and "on a stalk" in text)
        for tool in scene.instruments:
            assert tool.kind in text


def test_captions_never_speak_of_text_box_or_number_of_instruments():
    texts = [phantom.caption(scene, Random(scene.index)) for scene in SCENES[:400]]
    assert len(set(texts)) > 380
    for text in texts:
        assert not re.search(
            r"\btext|\bbox|artefact|green|black|phantom|(two|three|one|[0-9]) (forceps|snare|instrument)", text.lower()
        )


def rows(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def contents(folder) -> dict:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folder_holds_no_train_answers_beyond_the_labelled(tmp_path):
    out = tmp_path / "phantom"
    phantom.write(out, images=30, seed=3, labelled=4)
    questions, captions = rows(out / "questions.jsonl"), rows(out / "captions.jsonl")
    assert len({row["image"] for row in questions if row["split"] == "train"}) == 4
    splits = [split_of(index) for index in range(30)]
    assert len({row["image"] for row in questions if row["split"] != "train"}) == 30 - splits.count("train")
    train = {phantom.picture_name(index).as_posix() for index in range(30) if splits[index] == "train"}
    assert {row["image"] for row in captions} == train
    assert {"10%", "simulated"} <= set(captions[0]["teacher"].replace(",", "").split())
    asked = {(q.image.as_posix(), q.question): q.answer for q in phantom.all_questions(3, 30)}
    assert all(asked[row["image"], row["question"]] == row["answer"] for row in questions)
    manifest = json.loads((out / "phantom.json").read_text())
    assert manifest["teacher"]["wrong"] == 0.1 and manifest["counts"]["train"]["pictures"] == splits.count("train")
    assert str(tmp_path) not in (out / "README.md").read_text() + (out / "phantom.json").read_text()
    with Image.open(out / "images" / "phantom_00000.jpg") as picture:
        assert picture.size == (SIZE, SIZE)


def test_same_command_writes_the_same_bytes_and_overwrites_when_told(tmp_path):
    out = tmp_path / "phantom"
    out.mkdir()
    phantom.write(out, images=5, seed=3, labelled=2)
    before = contents(out)
    with pytest.raises(DataError, match="--overwrite"):
        phantom.write(out, images=5, seed=3, labelled=2)
    with pytest.raises(DataError, match="other options"):
        phantom.write(out, images=5, seed=4, labelled=2, overwrite=True)
    phantom.write(out, images=5, seed=3, labelled=2, overwrite=True)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["phantom"]


def test_folder_that_holds_something_else_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert phantom.main([str(tmp_path), "--images", "5", "--overwrite"]) == 2
    error = capsys.readouterr().err
    assert "notes.txt" in error and "new or empty folder" in error and error.count("\n") == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_foreign_file_beside_a_phantom_is_never_deleted(tmp_path):
    out = tmp_path / "phantom"
    phantom.write(out, images=5, seed=3, labelled=2)
    (out / "images" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match="holiday"):
        phantom.write(out, images=5, seed=3, labelled=2, overwrite=True)


def test_full_disk_leaves_nothing_behind_and_says_so(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(StorageError, match="No space left on device"):
        phantom.write(tmp_path / "phantom", images=5, seed=3, labelled=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"images": 0}, {"labelled": 9}, {"wrong": 1.5}, {"silent": -0.1}])
def test_options_out_of_range_are_refused(tmp_path, options):
    with pytest.raises(OptionError):
        phantom.write(tmp_path / "phantom", **({"images": 5, "seed": 1, "labelled": 1} | options))
