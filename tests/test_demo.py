"""The demo: the whole loop on a small phantom, nothing held out ever learned from, and plain words for bad input."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from leaml import demo
from leaml.__main__ import build_parser
from leaml.demo import Settings, make_task
from leaml.errors import DataError, LeamlError, ModelError, OptionError, StorageError
from leaml.models.framing import Framing
from leaml.nano import phantom
from leaml.options import AdaptOptions, DistilOptions, GenerateOptions, PredictOptions
from leaml.records import QUESTION_TYPES, Caption, Question
from leaml.store.formats import Dataset, read_folder
from leaml.training.batches import Example, answer_loss, encode
from leaml.training.distill import pair_turn
from leaml.training.loop import FitOptions, fit
from tests import tiny_models

QUICK = Settings(
    DistilOptions(steps=2, learning_rate=1e-4, pictures_per_step=2, fraction=0.2),
    GenerateOptions(texts_per_type=1, least_agreement=0.0),
    AdaptOptions(steps=3, learning_rate=1e-3, pictures_per_step=2, rank=2),
    PredictOptions(max_tokens=4),
)

IMAGES = 21
TRAIN = [phantom.split_of(index) for index in range(IMAGES)].count("train")
NAMES = ("blind", "base", "labels_only", "adapted")


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    """A small phantom with two labelled pictures."""
    folder = tmp_path_factory.mktemp("data") / "phantom"
    phantom.write(folder, images=IMAGES, seed=3, labelled=2)
    return folder


@pytest.fixture(scope="module")
def model(sample, tmp_path_factory) -> Path:
    """A small model that has learned to write one pair, so that there is something to filter."""
    torch.manual_seed(0)
    small, processor = tiny_models.idefics3()
    framing = Framing(processor)
    pair = Question(read_folder(sample).images[0], "Is it?", "no", "")
    turns = tuple(pair_turn(replace(pair, type=kind)) for kind in QUESTION_TYPES)
    batch = encode(framing, [Example(pair.image, turns)])
    list(fit(small, lambda _: batch, answer_loss, FitOptions(30, 1e-2, warmup=5)))
    folder = tmp_path_factory.mktemp("model")
    small.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def run(model: Path, *words: object) -> int:
    """`leaml demo` with these words, in a hurry."""
    arguments = build_parser().parse_args(["demo", "--model", str(model), *map(str, words)])
    return demo.main(arguments, QUICK)


# --- The whole loop ----------------------------------------------------------------------------------------


def test_the_whole_loop_prints_a_table_and_writes_the_figures(model, sample, tmp_path, capsys):
    shifted = tmp_path / "shifted"
    shutil.copytree(sample, shifted)
    rows = [json.loads(line) for line in (shifted / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    changed = max(row["image"] for row in rows if row["split"] == "test")
    rows = [row | ({"split": "shifted", "group": "x"} if row["image"] == changed else {}) for row in rows]
    (shifted / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report, kept = tmp_path / "report.json", tmp_path / "kept"

    assert run(model, "--data", shifted, "--labels", 1, "--json", report, "--keep", kept) == 0

    out, err = capsys.readouterr()
    lines = out.splitlines()
    counts = f"on 1 pictures, {TRAIN - 1} unlabelled pictures, {TRAIN} captions of a teacher"
    assert lines[0].startswith("shifted: ") and lines[0].endswith(counts)
    for name in ("blind majority", "base", "labels only", "adapted"):
        assert len([line for line in lines if line.startswith(f"{name}  ")]) == 2  # for either test set
    assert "adapted against blind majority: " in out and "accepted by a filter, not by an expert" in out
    assert "suggestions pass the filter" in err
    pairs = (kept / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    assert pairs and json.loads(pairs[0]).keys() >= {"image", "question", "answer", "type", "agreement"}
    assert (kept / "adapted" / "adapter" / "answers" / "adapter_model.safetensors").is_file()

    figures = json.loads(report.read_text(encoding="utf-8"))
    assert figures.keys() == {*NAMES, "difference", "seconds", "other_sets"}
    assert figures["other_sets"].keys() == {"shifted"}
    assert figures["other_sets"]["shifted"].keys() == {*NAMES, "difference"}


def test_the_json_has_the_shape_that_was_agreed(model, sample, tmp_path):
    report = tmp_path / "report.json"
    run(model, "--data", sample, "--json", report)
    figures = json.loads(report.read_text(encoding="utf-8"))
    assert list(figures) == [*NAMES, "difference", "seconds"]
    tests = phantom.all_questions(3, IMAGES, "test")
    for name in NAMES:
        assert figures[name].keys() == {"accuracy", "n", "low", "high"}
        assert 0 <= figures[name]["low"] <= figures[name]["accuracy"] <= figures[name]["high"] <= 1
        assert figures[name]["n"] == len(tests)
    difference = figures["difference"]
    assert (
        difference.keys() == {"mean", "low", "high"} and difference["low"] <= difference["mean"] <= difference["high"]
    )
    assert difference["mean"] == pytest.approx(figures["adapted"]["accuracy"] - figures["base"]["accuracy"])
    assert figures["seconds"].keys() == {
        "answer: base", "tune: labels only", "answer: labels only", "distil", "write suggestions", "tune: adapted",
        "answer: adapted", "total",
    }  # fmt: skip
    assert figures["seconds"]["total"] >= max(seconds for seconds in figures["seconds"].values())


# --- What may be learned from ------------------------------------------------------------------------------


def question(image: str, split: str = "train", group: str = "", answer: str | None = "yes") -> Question:
    return Question(Path(image), "Is there a polyp?", answer, "yes/no", split, group)


def dataset(*questions: Question, more: tuple[str, ...] = ()) -> Dataset:
    """Every picture that is asked about, and more, each with a caption."""
    images = sorted({asked.image for asked in questions} | set(map(Path, more)))
    return Dataset(Path("data"), images, list(questions), [Caption(image, "A colon.") for image in images])


def used(task) -> set[str]:
    """Names of all pictures that anything could be learned from."""
    labelled = {asked.image for asked in task.labelled}
    captioned = {caption.image for caption in task.captions}
    return {str(image) for image in labelled | set(task.unlabelled) | captioned}


def test_held_out_pictures_are_neither_labelled_nor_captioned_nor_written_about():
    data = dataset(
        question("a"), question("b", answer=None), question("c", "test"), question("d", "calibration"),
        question("e", "shifted"), question("f", "test", answer=None), more=("g",),
    )  # fmt: skip
    task = make_task(data, None, 0)
    assert used(task) == {"a", "b", "g"}
    assert [str(image) for image in task.unlabelled] == ["b", "g"]
    assert {name: [str(q.image) for q in asked] for name, asked in task.tests.items()} == {
        "test": ["c"],
        "shifted": ["e"],
    }
    assert task.notes == ()


def test_train_pictures_of_a_held_out_group_are_left_out_with_a_note():
    data = dataset(
        question("a", group="p1"), question("b", group="p2"), question("c", group="p2", answer=None),
        question("d", "test", "p2"), question("e", "calibration", "p3"), question("f", group="p3"), question("g"),
    )  # fmt: skip
    task = make_task(data, None, 0)
    assert used(task) == {"a", "g"}
    assert len(task.notes) == 1 and task.notes[0].startswith("3 train pictures are left out")


def test_a_picture_of_two_splits_counts_as_held_out():
    data = dataset(question("a"), question("b"), replace(question("a", "test"), question="How many polyps are there?"))
    task = make_task(data, None, 0)
    assert used(task) == {"b"} and task.notes


def test_the_sample_project_leaks_nothing(sample):
    data = read_folder(sample)
    held_out = {str(asked.image) for asked in data.questions if asked.split != "train"}
    task = make_task(data, 1, 0)
    assert len(used(task)) == TRAIN and not used(task) & held_out and task.notes == ()


def test_labels_are_drawn_by_seed_and_the_rest_counts_as_unlabelled():
    data = dataset(*(question(f"{number:02}") for number in range(20)), question("x", "test"))

    def labelled(labels: int | None, seed: int) -> set[str]:
        task = make_task(data, labels, seed)
        chosen = {str(asked.image) for asked in task.labelled}
        assert chosen.isdisjoint(map(str, task.unlabelled)) and len(chosen) + len(task.unlabelled) == 20
        return chosen

    assert len(labelled(5, 0)) == 5 and labelled(5, 0) == labelled(5, 0) != labelled(5, 1)
    assert len(labelled(None, 0)) == 20
    more = make_task(data, 50, 0)
    assert len(more.labelled) == 20 and "50 labelled pictures were asked for; 20 have answers" in more.notes[0]


# --- Bad input ---------------------------------------------------------------------------------------------


def only(split: str, folder: Path, into: Path) -> Path:
    """A copy that holds the questions of one split."""
    shutil.copytree(folder, into)
    lines = (into / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if json.loads(line)["split"] == split]
    (into / "questions.jsonl").write_text("\n".join(kept), encoding="utf-8")
    return into


def bad_inputs(sample: Path, tmp_path: Path) -> Iterator[tuple[type[LeamlError], str, list[object]]]:
    yield DataError, "no folder", ["--data", tmp_path / "nowhere"]
    yield DataError, "No picture of the train split", ["--data", only("test", sample, tmp_path / "tests")]
    yield DataError, "no answered questions in a test split", ["--data", only("train", sample, tmp_path / "trains")]
    yield OptionError, "0 labelled pictures", ["--data", sample, "--labels", 0]
    yield OptionError, "-3 labelled pictures", ["--data", sample, "--labels", -3]
    yield StorageError, "no folder for", ["--data", sample, "--json", tmp_path / "none" / "a.json"]
    yield ModelError, "no model folder", ["--data", sample, "--model", tmp_path / "none"]
    (tmp_path / "file").write_text("")
    yield StorageError, "cannot be used", ["--data", sample, "--keep", tmp_path / "file"]


def test_bad_input_is_said_with_the_next_step(model, sample, tmp_path):
    for kind, what, words in bad_inputs(sample, tmp_path):
        with pytest.raises(kind, match=what) as caught:
            run(model, *words)
        assert caught.value.what and caught.value.fix


def test_a_seed_out_of_range_is_said(sample):
    arguments = build_parser().parse_args(["demo", "--data", str(sample), "--seed", "-1"])
    with pytest.raises(OptionError, match="seed cannot be -1"):
        demo.main(arguments)


def test_rows_that_cannot_be_used_are_told_and_the_rest_goes_in(sample, tmp_path, capsys):
    shutil.copytree(sample, tmp_path / "data")
    with (tmp_path / "data" / "questions.jsonl").open("a", encoding="utf-8") as file:
        file.writelines('{"image": "images/gone.jpg"}\n' for _ in range(25))
    arguments = build_parser().parse_args(["demo", "--data", str(tmp_path / "data")])
    demo._read_task(arguments)
    err = capsys.readouterr().err
    assert err.count("left out: ") == demo.MOST_PROBLEMS_SHOWN and "and 5 more" in err
