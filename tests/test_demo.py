"""The demo: the whole loop on a small phantom, nothing held out ever learned from, and plain words for bad input.

Jobs run in this process here; that they run in processes of their own is tested with the jobs and with the verbs.
"""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from leaml import demo
from leaml.__main__ import build_parser
from leaml.demo import Settings
from leaml.errors import DataError, LeamlError, OptionError, StorageError
from leaml.nano import phantom
from leaml.options import AdaptOptions, CompareOptions, DistilOptions, GenerateOptions
from leaml.store.project import Project
from leaml.verbs import following
from tests import tiny_loop

QUICK = Settings(
    DistilOptions(steps=2, learning_rate=1e-4, pictures_per_step=2, fraction=0.2),
    GenerateOptions(texts_per_type=1, least_agreement=0.0),
    AdaptOptions(steps=3, learning_rate=1e-3, pictures_per_step=2, rank=2),
    CompareOptions(max_tokens=4, trust=False),
)
NAMES = ("blind", "base", "labels_only", "adapted")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    tiny_loop.run_jobs_here(monkeypatch)


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    """A small phantom with two labelled pictures."""
    return tiny_loop.write_phantom(tmp_path_factory.mktemp("data") / "phantom")


@pytest.fixture(scope="module")
def model(sample, tmp_path_factory) -> Path:
    return tiny_loop.write_model(tmp_path_factory.mktemp("model"), sample)


def run(model: Path, *words: object) -> int:
    """`leaml demo` with these words, in a hurry."""
    arguments = build_parser(called="demo").parse_args(["demo", "--model", str(model), *map(str, words)])
    return demo.main(arguments, QUICK)


# --- The whole loop ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """What one run printed, wrote and kept."""

    out: str
    err: str
    figures: dict
    project: Project


@pytest.fixture(scope="module")
def done(model, sample, tmp_path_factory) -> Done:
    """One run with a single labelled picture, on data with a further test set; all tests look at it."""
    folder = tmp_path_factory.mktemp("done")
    data, report, kept = with_shifted_set(sample, folder / "shifted"), folder / "report.json", folder / "kept"
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        tiny_loop.run_jobs_here(patch)
        assert run(model, "--data", data, "--labels", 1, "--json", report, "--keep", kept) == 0
    figures = json.loads(report.read_text(encoding="utf-8"))
    return Done(out.getvalue(), err.getvalue(), figures, Project.open(kept / "shifted"))


def with_shifted_set(sample: Path, folder: Path) -> Path:
    """A copy of the sample, one of whose test pictures stands in a test set of its own."""
    test = max(row["image"] for row in rows_of(sample) if row["split"] == "test")
    return copy(sample, folder, test, {"split": "shifted", "group": "x"})


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()]


def copy(sample: Path, folder: Path, image: str, changed: dict) -> Path:
    """A copy of the sample, with these values in all rows of one picture."""
    shutil.copytree(sample, folder)
    rows = [row | (changed if row["image"] == image else {}) for row in rows_of(sample)]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_tables_are_printed_for_every_test_set(done):
    lines = done.out.splitlines()
    counts = f"on 1 pictures, {tiny_loop.TRAIN - 1} unlabelled pictures, {tiny_loop.TRAIN} captions of a teacher"
    assert lines[0].startswith("shifted: ") and lines[0].endswith(counts)
    for name in ("blind majority", "base", "labels only", "adapted"):
        assert len([line for line in lines if line.startswith(f"{name}  ")]) == 2
    assert "adapted against blind majority: " in done.out and "adapted against labels only: " in done.out
    assert "accepted by a filter, not by an expert" in done.out
    assert "suggestions pass the filter" in done.err


def test_the_json_has_the_shape_that_was_agreed(done):
    figures = done.figures
    assert list(figures) == [*NAMES, "difference", "seconds", "other_sets"]
    assert figures["other_sets"].keys() == {"shifted"}
    assert figures["other_sets"]["shifted"].keys() == {*NAMES, "difference"}
    for name in NAMES:
        assert figures[name].keys() == {"accuracy", "n", "low", "high"}
        assert 0 <= figures[name]["low"] <= figures[name]["accuracy"] <= figures[name]["high"] <= 1
    counts = {figures[name]["n"] + figures["other_sets"]["shifted"][name]["n"] for name in NAMES}
    assert counts == {len(phantom.all_questions(tiny_loop.SEED, tiny_loop.IMAGES, "test"))}
    difference = figures["difference"]
    assert difference.keys() == {"mean", "low", "high"}
    assert difference["low"] <= difference["mean"] <= difference["high"]
    assert difference["mean"] == pytest.approx(figures["adapted"]["accuracy"] - figures["base"]["accuracy"])
    stages = {"import", "distil", "write suggestions", "tune: labels only", "tune: adapted", "compare"}
    assert figures["seconds"].keys() == {*stages, "total"}
    assert figures["seconds"]["total"] >= sum(figures["seconds"][stage] for stage in stages) - 0.5


def test_one_model_learned_from_labels_alone_and_one_from_accepted_suggestions_too(done):
    project = done.project
    accepted, labels = project.accepted(), project.labels()
    assert accepted and {pair.reviewer for pair in accepted} == {"filter"}
    adapted, labels_only, generator = project.adapters()
    assert [adapted.role, labels_only.role, generator.role] == ["answers", "answers", "generator"]
    used = {adapter: pairs_behind(project, adapter.job_id) for adapter in (labels_only, adapted)}
    assert used[labels_only] == {pair.id for pair in labels}
    assert used[adapted] == {pair.id for pair in [*labels, *accepted]}


def pairs_behind(project: Project, job: int) -> set[int]:
    return {row["item_id"] for row in project.db.rows("inputs", job_id=job, kind="pair")}


def test_nothing_held_out_is_learned_from(done):
    project = done.project
    used = {row["item_id"] for row in project.db.rows("inputs", kind="pair")}
    assert {project.pair(id).split for id in used} == {"train"}
    assert {project.picture(row.image_id).split for row in project.captions(split=None)} == {"train"}
    asked = {row["pair_id"] for row in project.db.rows("predictions")}
    assert {project.pair(id).split for id in asked} == {"test", "shifted"}
    assert project.pictures("left out") == []


# --- Around it ---------------------------------------------------------------------------------------------


def interrupted(loop: demo.Loop) -> None:
    raise following.JobStopped("Go on with it: …")


def test_nothing_is_left_behind_where_nothing_is_kept(model, sample, tmp_path, monkeypatch):
    monkeypatch.setattr(demo.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(demo.Loop, "run", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        run(model, "--data", sample)
    assert list(tmp_path.iterdir()) == []
    assert not stopped.value.args  # nothing is there to be resumed


def test_a_train_picture_of_a_held_out_group_is_left_out_and_it_is_said(model, sample, tmp_path, monkeypatch, capsys):
    rows = rows_of(sample)
    leaking = min(row["image"] for row in rows if row["split"] == "train")
    held_out = next(row["group"] for row in rows if row["split"] == "test")
    data = copy(sample, tmp_path / "leaking", leaking, {"group": held_out})
    monkeypatch.setattr(demo.Loop, "run", interrupted)
    with pytest.raises(following.JobStopped):
        run(model, "--data", data, "--keep", tmp_path / "kept")
    project = Project.open(tmp_path / "kept" / "leaking")
    assert Path(leaking).name in {picture.name for picture in project.pictures("left out")}
    may_be_used = {pair.image_name for pair in project.labels()}
    may_be_used |= {project.picture(row.image_id).name for row in project.captions()}
    assert may_be_used and Path(leaking).name not in may_be_used
    assert "left out of training" in capsys.readouterr().err


# --- Bad input ---------------------------------------------------------------------------------------------


def only(split: str, folder: Path, into: Path) -> Path:
    """A copy that holds the questions of one split."""
    shutil.copytree(folder, into)
    kept = [row for row in rows_of(folder) if row["split"] == split]
    (into / "questions.jsonl").write_text("\n".join(map(json.dumps, kept)), encoding="utf-8")
    return into


def bad_inputs(sample: Path, tmp_path: Path) -> Iterator[tuple[type[LeamlError], str, list[object]]]:
    yield DataError, "no folder", ["--data", tmp_path / "nowhere"]
    yield DataError, "No picture of the train split", ["--data", only("test", sample, tmp_path / "tests")]
    yield DataError, "no answered questions in a test split", ["--data", only("train", sample, tmp_path / "trains")]
    yield OptionError, "labels cannot be 0", ["--data", sample, "--labels", 0]
    yield OptionError, "labels cannot be -3", ["--data", sample, "--labels", -3]
    yield StorageError, "no folder for", ["--data", sample, "--json", tmp_path / "none" / "a.json"]
    yield LeamlError, "no model folder", ["--data", sample, "--model", tmp_path / "none"]
    (tmp_path / "file").write_text("")
    yield StorageError, "cannot be made", ["--data", sample, "--keep", tmp_path / "file"]


def test_bad_input_is_said_with_the_next_step(model, sample, tmp_path):
    for kind, what, words in bad_inputs(sample, tmp_path):
        with pytest.raises(kind, match=what) as caught:
            run(model, *words)
        assert caught.value.what and caught.value.fix


def test_a_seed_out_of_range_is_said(sample):
    arguments = build_parser(called="demo").parse_args(["demo", "--data", str(sample), "--seed", "-1"])
    with pytest.raises(OptionError, match="seed cannot be -1"):
        demo.main(arguments)
