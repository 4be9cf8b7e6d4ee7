"""The bridges: what each kind of job reads from the project, and what stands there when it is done.

The workers run in this process, on a tiny random model.
"""

import csv
import json
import shutil

import pytest
import torch
from PIL import Image

from leaml.jobs import lines, queue, suggesting, worker
from leaml.jobs.loading import Models
from leaml.jobs.tabulating import plain_cell, questions_of
from leaml.models import server
from leaml.models.framing import Framing
from leaml.models.writing import Request, write
from leaml.options import (
    AdaptOptions,
    AnswerOptions,
    CaptionOptions,
    CompareOptions,
    DistilOptions,
    GenerateOptions,
    ImportOptions,
)
from leaml.records import QUESTION_TYPES, Pair, Question
from leaml.store.project import Project, Template
from leaml.training.batches import Example, answer_loss, encode
from leaml.training.distill import pair_turn
from leaml.training.loop import FitOptions, fit
from tests import tiny_models
from tests.jobs.conftest import add_picture
from tests.models.test_server import completion, serving

FEW = {"steps": 3, "pictures_per_step": 2, "learning_rate": 1e-4}


pytestmark = pytest.mark.usefixtures("no_processes")


@pytest.fixture(scope="module")
def writer(tmp_path_factory) -> str:
    """Folder of a tiny model that has learned to write one pair, so that there is something to suggest."""
    torch.manual_seed(0)
    small, processor = tiny_models.idefics3()
    framing = Framing(processor)
    picture = Image.new("RGB", (32, 32))
    turns = tuple(pair_turn(Question(picture, "Is it red?", "no", type)) for type in QUESTION_TYPES)
    batch = encode(framing, [Example(picture, turns)])
    list(fit(small, lambda _: batch, answer_loss, FitOptions(60, 1e-2, warmup=5)))
    folder = tmp_path_factory.mktemp("writer")
    small.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


def work_on(project, id: int) -> queue.Job:
    worker.main([str(project.folder), str(id)])
    return queue.job(project, id)


def run(project, kind: str, options) -> queue.Job:
    """A job from its submission to its end."""
    job = work_on(project, queue.submit(project, kind, options, "Dr A"))
    assert job.state == "done", f"{job.error} {job.fix}"
    return job


def break_off(project, kind: str, options, monkeypatch, at: int = 1) -> queue.Job:
    """A job that is stopped when it tells of its progress for the time `at`."""
    asked = worker.Report.stop_asked
    times = iter(range(1, 1000))

    def stop_soon(report) -> str:
        if next(times) == at:
            queue.stop(report.project, report.job.id)
        return asked(report)

    with monkeypatch.context() as patched:
        patched.setattr(worker.Report, "stop_asked", stop_soon)
        job = work_on(project, queue.submit(project, kind, options))
    assert job.state == "stopped", f"{job.error} {job.fix}"
    return job


def used(project, job: queue.Job, kind: str) -> list[int]:
    return [row["item_id"] for row in project.db.rows("inputs", job_id=job.run, kind=kind)]


# --- Import ------------------------------------------------------------------------------------------------


def test_a_folder_is_taken_in(tmp_path):
    (tmp_path / "data" / "images").mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (40, 40), (80 * number, 40, 200)).save(tmp_path / "data" / "images" / f"{number}.png")
    row = {"image": "images/0.png", "question": "Is there a polyp?", "answer": "yes", "type": "yes/no"}
    (tmp_path / "data" / "questions.jsonl").write_text(json.dumps(row))
    project = Project.create(tmp_path / "home" / "new")
    job = run(project, "import", ImportOptions(folder=str(tmp_path / "data")))
    assert len(project.pictures()) == 3 and len(project.labels(split=None)) == 1
    assert (job.folder / "findings.json").is_file() and job.result


# --- Captions ----------------------------------------------------------------------------------------------


def test_train_pictures_get_captions_of_the_teacher_once(project, model):
    options = CaptionOptions(model=model, max_tokens=4, batch_size=3)
    job = run(project, "caption", options)
    written = [row for row in project.captions() if row.teacher != "file"]
    assert {row.image_id for row in written} <= set(range(1, 9)) and len(written) == job.result["captions"] > 0
    assert {row.teacher for row in written} == {model.rpartition("/")[2]} and {row.job_id for row in written} == {1}
    again = run(project, "caption", options)
    assert again.result == {"captions": 0.0, "empty": float(8 - len(written))}


def test_a_server_is_asked_about_no_picture_twice(project, monkeypatch):
    monkeypatch.setattr(server.random, "uniform", lambda *_: 0.0)
    with serving() as fake:
        options = CaptionOptions(server=fake.address, model="writer", batch_size=2, tries=1)
        fake.replies = [(200, {}, completion("A colon.")), (200, {}, completion("A colon.")), (401, {}, {})]
        failed = work_on(project, queue.submit(project, "caption", options))
        assert failed.state == "failed" and "wants a key" in failed.error
        done = len([row for row in project.captions() if row.teacher.startswith("writer at 127.0.0.1")])
        asked = len(fake.asked)
        job = work_on(project, queue.resume(project, failed.id))
        assert job.state == "done" and job.result["captions"] == 8 - done == len(fake.asked) - asked and done
        assert run(project, "caption", options).result["captions"] == 0
        run(project, "caption", options.model_copy(update={"prompt": "What else?"}))
        rows = [row for row in project.captions() if row.teacher.startswith("writer at 127.0.0.1")]
        assert sorted(row.prompt for row in rows) == ["Describe the picture."] * 8 + ["What else?"] * 8


# --- Distil, generate, adapt -------------------------------------------------------------------------------


def test_a_generator_is_distilled_from_labels_and_captions(project, model):
    job = run(project, "distil", DistilOptions(model=model, fraction=0.1, **FEW))
    (adapter,) = project.adapters("generator")
    assert job.result["adapter"] == adapter.id and job.result["name"] == adapter.name == "generator 1"
    assert (adapter.kind, adapter.base, adapter.job_id) == ("neurons", model, job.run)
    assert adapter.path.is_relative_to(job.folder) and (adapter.path / "adapter_model.safetensors").is_file()
    assert list((project.folder / "scores").glob("*.safetensors"))
    assert adapter.bytes > 1000 and adapter.trained_weights == job.result["trained weights"] > 0
    assert len(used(project, job, "pair")) == 6 and len(used(project, job, "caption")) == 8
    assert {project.pair(id).split for id in used(project, job, "pair")} == {"train"}


def test_without_their_weight_captions_are_not_used(project, model):
    job = run(project, "distil", DistilOptions(model=model, caption_weight=0, **FEW))
    assert used(project, job, "caption") == []


def test_suggestions_are_written_for_train_pictures_without_labels(project, writer):
    run(project, "distil", DistilOptions(model=writer, **FEW))
    options = GenerateOptions(model=writer, least_agreement=0, temperature=0.1)
    job = run(project, "generate", options)
    suggested = project.pairs(status="suggested")
    assert {pair.image_id for pair in suggested} == {4, 5, 6, 7, 8} and {pair.job_id for pair in suggested} == {job.id}
    assert job.result["kept"] == len(suggested) == job.result["pairs"] and job.result["generator"] == 1
    assert all(0 <= pair.signals["agreement"] <= 1 for pair in suggested)
    assert used(project, job, "adapter") == [1] and len(used(project, job, "pair")) == 6
    again = run(project, "generate", options.model_copy(update={"seed": 1}))
    seen = {(pair.image_id, pair.question, pair.answer) for pair in suggested}
    assert not seen & {(pair.image_id, pair.question, pair.answer) for pair in project.pairs(job_id=again.id)}


def test_pairs_that_do_not_pass_the_filter_are_left_out(project, writer):
    run(project, "distil", DistilOptions(model=writer, **FEW))
    job = run(project, "generate", GenerateOptions(model=writer, least_agreement=1.0))
    assert project.pairs(status="suggested") == [] and job.result["pairs"] > 0 == job.result["kept"]


@pytest.mark.parametrize(("train", "kind"), [("lora", "lora"), ("all", "full")])
def test_a_generator_of_any_kind_writes(project, writer, train, kind):
    run(project, "distil", DistilOptions(model=writer, train=train, rank=2, **FEW))
    assert project.adapters("generator")[0].kind == kind
    job = run(project, "generate", GenerateOptions(model=writer, least_agreement=0, temperature=0.1))
    assert job.result["kept"] > 0


def test_what_was_written_is_filtered_anew_without_a_model(project, writer, monkeypatch):
    run(project, "distil", DistilOptions(model=writer, **FEW))
    strict = run(project, "generate", GenerateOptions(model=writer, least_agreement=1.0, reanswers=2))
    written = list(lines.read(strict.folder / suggesting.DRAFTS))
    assert len(written) == strict.result["pairs"] and {"agreeing", "consistency"} <= written[0]["signals"].keys()
    monkeypatch.setattr(suggesting, "Models", lambda name: pytest.fail("a model was loaded"))
    loose = {"least_agreement": 0.0, "well_formed": False, "most_similarity": 1.0}
    job = run(project, "generate", GenerateOptions(model=writer, refilter=strict.id, **loose))
    assert job.result["kept"] == len(written) == len(project.pairs(job_id=job.run))
    assert used(project, job, "adapter") == [1] and len(used(project, job, "pair")) == 6
    again = run(project, "generate", GenerateOptions(model=writer, refilter=strict.id, **loose))
    assert again.result["kept"] == 0
    nothing = queue.submit(project, "generate", GenerateOptions(model=writer, refilter=99))
    assert "left no texts" in work_on(project, nothing).error


def test_a_quota_waits_for_the_last_pair(project, writer, monkeypatch):
    run(project, "distil", DistilOptions(model=writer, **FEW))
    monkeypatch.setattr("leaml.training.generate.TEXTS_AT_ONCE", 4)
    options = GenerateOptions(model=writer, least_agreement=0, temperature=0.1, most_share=0.9)
    stopped = break_off(project, "generate", options, monkeypatch)
    assert project.pairs(job_id=stopped.run) == [] and list(lines.read(stopped.folder / suggesting.DRAFTS))
    job = work_on(project, queue.resume(project, stopped.id))
    assert {pair.image_id for pair in project.pairs(job_id=stopped.run)} == {4, 5, 6, 7, 8} and job.total == 3


def test_generating_goes_on_with_the_pictures_that_are_left(project, writer, monkeypatch):
    run(project, "distil", DistilOptions(model=writer, **FEW))
    monkeypatch.setattr("leaml.training.generate.TEXTS_AT_ONCE", 4)
    options = GenerateOptions(model=writer, least_agreement=0, temperature=0.1)
    stopped = break_off(project, "generate", options, monkeypatch)
    assert {pair.image_id for pair in project.pairs(job_id=stopped.run)} == {4, 5}
    before = project.pairs(job_id=stopped.run)
    job = work_on(project, queue.resume(project, stopped.id))
    assert job.state == "done" and job.total == 3
    pairs = project.pairs(job_id=stopped.run)
    assert {pair.image_id for pair in pairs} == {4, 5, 6, 7, 8} and pairs[: len(before)] == before
    assert job.result["kept"] == len(pairs)


def test_a_generator_must_be_there_and_be_one(project, model):
    def error(**options) -> str:
        return work_on(project, queue.submit(project, "generate", GenerateOptions(model=model, **options))).error

    assert error() == "There is no generator yet."
    assert error(generator=1) == "There is no adapted model 1 in this project."
    run(project, "adapt", AdaptOptions(model=model, rank=2, **FEW))
    assert error(generator=1) == "adapted 1 answers questions; it does not write them."


def suggest(project, image_id: int, answer: str = "no") -> int:
    """A suggestion that was accepted."""
    project.add_pairs(0, [(image_id, Pair(project.picture(image_id).path, "Is it red?", answer, "yes/no"))])
    pair = project.pairs(image_id=image_id, status="suggested")[0].id
    project.judge("Dr A", pair, accept=True, answer="yes")
    return pair


@pytest.mark.parametrize("method", ["lora", "neurons", "full"])
def test_a_model_is_adapted_and_answers_as_it_was_trained(project, model, method):
    suggestion = suggest(project, 5)
    verdict = project.pair(suggestion).verdict_id
    options = AdaptOptions(model=model, rank=2, method=method, **FEW | {"learning_rate": 1e-2})
    job = run(project, "adapt", options)
    (adapter,) = project.adapters("answers")
    assert (adapter.kind, adapter.name, adapter.id) == (method, "adapted 1", job.result["adapter"])
    assert suggestion in used(project, job, "pair") and used(project, job, "verdict") == [verdict]
    request = [Request(project.picture(1).path, "Is there a polyp?")]
    models = Models(model)
    base = write(*models.use(None), request, 6)
    assert write(*models.use(adapter), request, 6)[0].log_probability != base[0].log_probability
    assert write(*models.use(None), request, 6) == base


def test_suggestions_are_left_out_where_labels_alone_are_wanted(project, model):
    suggestion = suggest(project, 5)
    job = run(project, "adapt", AdaptOptions(model=model, rank=2, use_suggestions=False, **FEW))
    assert suggestion not in used(project, job, "pair") and len(used(project, job, "pair")) == 6


def test_a_resumed_run_learns_from_what_it_began_with(project, model, monkeypatch):
    options = AdaptOptions(model=model, rank=2, **FEW | {"steps": 6, "save_every": 2})
    stopped = break_off(project, "adapt", options, monkeypatch, at=3)
    project.add_label("Dr A", 6, "Is there a polyp?", "no", "yes/no")
    suggest(project, 7)
    job = work_on(project, queue.resume(project, stopped.id))
    assert job.state == "done", job.error
    assert len(used(project, job, "pair")) == 6 and project.adapters()[0].job_id == stopped.id


def test_a_run_whose_labels_were_changed_is_not_resumed(project, model, monkeypatch):
    stopped = break_off(project, "adapt", AdaptOptions(model=model, rank=2, **FEW), monkeypatch)
    project.add_label("Dr A", 1, "Is there a polyp?", "no", "yes/no")
    job = work_on(project, queue.resume(project, stopped.id))
    assert job.state == "failed" and "changed or withdrawn" in job.error and "Start a new one" in job.fix


def test_an_adapter_is_kept_once_though_the_end_was_missed(project, model):
    job = run(project, "adapt", AdaptOptions(model=model, rank=2, **FEW))
    project.db.update("jobs", job.id, {"state": "interrupted"})  # killed after the adapter's row, before its own
    again = work_on(project, queue.resume(project, job.id))
    assert again.state == "done" and again.result["adapter"] == job.result["adapter"]
    assert len(project.adapters()) == 1


# --- One base, several adapters ----------------------------------------------------------------------------


def test_adapters_of_several_methods_take_turns_on_one_base(project, model):
    for method in ("lora", "neurons", "lora", "full"):
        run(project, "adapt", AdaptOptions(model=model, rank=2, method=method, **FEW | {"learning_rate": 1e-2}))
        suggest(project, 4 + len(project.adapters()))  # so that the next one learns something else
    adapters = [*project.adapters("answers"), None]
    request = [Request(project.picture(1).path, "Where is it?")]
    alone = [write(*Models(model).use(adapter), request, 6) for adapter in adapters]
    assert len({said[0].log_probability for said in alone}) == 5
    models = Models(model)
    for place in (0, 1, 2, 4, 3, 1, 3, 2, 0, 4):
        assert write(*models.use(adapters[place]), request, 6) == alone[place]


def test_an_adapter_that_does_not_fit_is_refused(project, model, writer):
    adapter_of = run(project, "adapt", AdaptOptions(model=model, rank=2, **FEW)).result["adapter"]
    adapter = project.adapter(adapter_of)
    compare = queue.submit(project, "compare", CompareOptions(model=writer, adapters=(adapter_of,)))
    assert f"adapted 1 was trained on {model}" in work_on(project, compare).error
    record = json.loads((adapter.path.parents[1] / "run.json").read_text())
    (adapter.path.parents[1] / "run.json").write_text(json.dumps(record | {"model": "0" * 16}))
    compare = queue.submit(project, "compare", CompareOptions(model=model, adapters=(adapter_of,)))
    assert "trained on other weights" in work_on(project, compare).error
    (adapter.path / "adapter_model.safetensors").unlink()
    compare = queue.submit(project, "compare", CompareOptions(model=model, adapters=(adapter_of,)))
    assert work_on(project, compare).error == "The files of adapted 1 are gone."


def test_an_adapter_fits_the_same_weights_wherever_they_lie(project, model, tmp_path):
    run(project, "adapt", AdaptOptions(model=model, rank=2, **FEW))
    moved = shutil.copytree(model, tmp_path / "moved")
    job = run(project, "compare", CompareOptions(model=str(moved), max_tokens=3))
    assert [row["name"] for row in job.result["sets"]["test"]["rows"]][2] == "adapted 1"


# --- Compare -----------------------------------------------------------------------------------------------


def test_a_comparison_has_all_that_its_screen_shows(project, model):
    for method in ("lora", "neurons"):
        run(project, "adapt", AdaptOptions(model=model, rank=2, method=method, **FEW))
    add_picture(project, 20, "shifted")
    shifted = project.add_label("Dr A", project.pictures("shifted")[0].id, "Is there a polyp?", "yes", "yes/no")
    job = run(project, "compare", CompareOptions(model=model, adapters=(1, 2), max_tokens=3, batch_size=4))
    sets = job.result["sets"]
    assert {name: found["questions"] for name, found in sets.items()} == {"test": 6, "shifted": 1}
    rows = sets["test"]["rows"]
    names = [("blind majority", None), ("base", None), ("adapted 1", 1), ("adapted 2", 2)]
    assert [(row["name"], row["adapter"]) for row in rows] == names
    figures = {"value", "low", "high", "n", "pictures", "text"}
    for row in rows:
        assert figures <= set(row) and row["n"] == 6 and row["pictures"] == 3
        assert set(row["by_type"]) == {"yes/no", "location"} and figures == set(row["by_type"]["yes/no"])
        assert set(row["by_type"]["location"]["f1"]) == figures and row["kind"] == "closed" and row["open"] is None
        assert set(row["by_question"]) == {"Is there a polyp?", "Where is it?"} and row["by_group"] == {}
        assert (row["against_base"] is None) == (row["name"] == "base")
        assert (row["against_blind"] is None) == (row["name"] == "blind majority")
    assert rows[0]["value"] == 1.0 and rows[1]["against_blind"]["value"] == rows[1]["value"] - 1.0
    said = project.predictions(job.run)
    assert len(said) == 21 and {row.adapter_id for row in said} == {None, 1, 2}
    assert shifted in {row.pair_id for row in said} and used(project, job, "adapter") == [1, 2]
    right = sum(row.correct for row in said if row.adapter_id == 1 and row.pair_id != shifted)
    assert rows[2]["value"] == pytest.approx(right / 6)


def test_a_comparison_says_how_far_a_models_confidence_goes(project, model):
    (calibration,) = project.pictures("calibration")
    beside = project.add_label("Dr A", calibration.id, "Is there a polyp?", "no", "yes/no")
    free = project.add_label("Dr A", project.pictures("test")[0].id, "What is seen?", "a polyp", "open")
    job = run(project, "compare", CompareOptions(model=model, max_tokens=3, samples=2))
    said = {row.pair_id: row for row in project.predictions(job.run)}
    assert len(said) == 8 and job.total == 8 and job.result["questions"] == 7 and job.result["trust"]
    assert beside in said and job.result["sets"]["test"]["questions"] == 7
    for row in said.values():
        assert 0 <= row.confidence <= 1 and row.blind_text is not None
        weighed = project.pair(row.pair_id).type == "yes/no"
        assert (row.probabilities is not None) == weighed
        assert row.entropy >= 0 and (not weighed or set(row.probabilities) == {"yes", "no"})
    row = job.result["sets"]["test"]["rows"][1]
    assert row["open"]["n"] == 1 and row["n"] == 6 and row["without_picture"]["same"]["n"] == 6
    assert row["trust"]["closed"]["n"] == 6 and not row["trust"]["closed"]["enough"] and row["trust"]["open"]["n"] == 1
    assert said[free].probabilities is None and job.result["sets"]["test"]["rows"][0]["trust"] is None
    plain = run(project, "compare", CompareOptions(model=model, max_tokens=3, trust=False))
    rows = project.predictions(plain.run)
    assert len(rows) == 7 and all(row.confidence is None and row.blind_text is not None for row in rows)
    assert [row.text for row in rows] == [said[row.pair_id].text for row in rows]
    assert plain.result["sets"]["test"]["rows"][1]["trust"] is None and plain.result["elsewhere"] == []


def test_a_model_is_not_measured_on_what_it_learned_from(project, model):
    run(project, "adapt", AdaptOptions(model=model, rank=2, **FEW))
    learned = project.pictures("train")[0]
    project.db.record("", "import", [("images", learned.id, {}, {"split": "test"})])
    job = work_on(project, queue.submit(project, "compare", CompareOptions(model=model)))
    assert job.state == "failed" and "adapted 1 has learned from the pictures of 2 of these questions" in job.error
    assert "'Is there a polyp?' on 0.png" in job.error and "Train a new model" in job.fix
    assert project.predictions(job.run) == []


def test_pictures_from_elsewhere_are_told_from_the_test_set(project, model, tmp_path):
    for number in range(40, 64):
        add_picture(project, number, "train")
    for number in range(70, 73):
        add_picture(project, number, "shifted")
    for picture in project.pictures("shifted"):
        project.add_label("Dr A", picture.id, "Is there a polyp?", "no", "yes/no")
    (tmp_path / "another device").mkdir()
    for number in range(4):
        Image.new("RGB", (32, 32), (60 * number, 0, 0)).save(tmp_path / "another device" / f"{number}.png")
    (tmp_path / "another device" / "broken.png").write_bytes(b"broken")
    options = CompareOptions(model=model, max_tokens=2, other_pictures=str(tmp_path / "another device"))
    found = run(project, "compare", options).result["elsewhere"]
    assert [(row["name"], row["pictures"]) for row in found] == [("shifted", 3), ("another device", 4)]
    for row in found:
        assert row["inside"] == "test" and row["inside_pictures"] == 3 and row["trained_pictures"] == 32
        assert set(row["scores"]) == {"knn", "mahalanobis", "likelihood", "entropy"} and row["model"] == "base"
        for ranked in row["scores"].values():
            assert {"auroc", "aupr_out", "aupr_in", "fpr95"} < set(ranked) and not ranked["enough"]
    assert found[1]["scores"]["knn"]["auroc"]["value"] > 0.9  # plain red is far from noise
    few = options.model_copy(update={"other_pictures": str(tmp_path / "another device")})
    project.db.record("", "import", [("images", one.id, {}, {"split": "x"}) for one in project.pictures("train")[:3]])
    assert "3 test and 29 training" in work_on(project, queue.submit(project, "compare", few)).error
    gone = options.model_copy(update={"other_pictures": str(tmp_path / "none")})
    assert "There is no folder" in work_on(project, queue.submit(project, "compare", gone)).error


def test_a_comparison_goes_on_with_what_was_not_asked_yet(project, model, monkeypatch):
    run(project, "adapt", AdaptOptions(model=model, rank=2, **FEW))
    options = CompareOptions(model=model, max_tokens=3, batch_size=2)
    stopped = break_off(project, "compare", options, monkeypatch, at=3)
    before = project.predictions(stopped.run)
    assert 0 < len(before) < 12
    run(project, "adapt", AdaptOptions(model=model, rank=2, seed=1, **FEW))  # a newer one, which was not asked
    job = work_on(project, queue.resume(project, stopped.id))
    assert job.state == "done" and job.step == job.total == 12
    after = project.predictions(stopped.run)
    assert len(after) == 12 and after[: len(before)] == before
    whole = run(project, "compare", options.model_copy(update={"adapters": (1,)}))
    assert whole.result == job.result


def test_without_an_adapter_the_base_alone_is_asked_and_without_questions_nothing(project, model):
    job = run(project, "compare", CompareOptions(model=model, max_tokens=3))
    assert [row["name"] for row in job.result["sets"]["test"]["rows"]] == ["blind majority", "base"]
    job = work_on(project, queue.submit(project, "compare", CompareOptions(model=model, on="calibration")))
    assert "no answered questions to compare on in the calibration set" in job.error
    project.add_label("Dr A", project.pictures("calibration")[0].id, "Is there a polyp?", "yes", "yes/no")
    job = run(project, "compare", CompareOptions(model=model, on="calibration", max_tokens=3))
    assert set(job.result["sets"]) == {"calibration"}


# --- A folder of new pictures ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, project):
    """Three new pictures, one in a folder below, and a file that only looks like one."""
    new = tmp_path / "new"
    (new / "later").mkdir(parents=True)
    for name in ("=1+1.png", "b.png", "later/c.png"):
        (new / name).write_bytes(project.pictures()[len(name)].path.read_bytes())
    (new / "broken.png").write_bytes(b"broken")
    (new / "notes.txt").write_text("no picture")
    return new


def table(project, job: queue.Job) -> list[dict[str, str]]:
    with (project.folder / job.result["file"]).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_new_pictures_are_answered_into_a_table(project, model, folder):
    run(project, "adapt", AdaptOptions(model=model, rank=2, **FEW))
    questions = ("Is there a polyp?", "Where is it?")
    options = AnswerOptions(model=model, folder=str(folder), questions=questions, max_tokens=3)
    job = run(project, "answer", options)
    rows = table(project, job)
    names = ["'=1+1.png", "b.png", "later/c.png"]
    assert [(row["picture"], row["question"]) for row in rows] == [(name, text) for name in names for text in questions]
    assert all(0 < float(row["probability"]) <= 1 for row in rows)
    assert job.result["answers"] == 6 and job.result["left out"] == 1 and "broken.png" in job.result["findings"][0]
    assert job.result["adapter"] == 1 and used(project, job, "adapter") == [1]
    base = run(project, "answer", options.model_copy(update={"adapter": 0}))
    assert base.result["adapter"] is None and [row["probability"] for row in table(project, base)] != [
        row["probability"] for row in rows
    ]


def test_a_table_that_was_stopped_has_what_is_known_and_is_completed(project, model, folder, monkeypatch):
    options = AnswerOptions(model=model, folder=str(folder), max_tokens=3, batch_size=2)
    stopped = break_off(project, "answer", options, monkeypatch)
    path = stopped.folder / "answers.csv"
    assert len(path.read_text(encoding="utf-8-sig").splitlines()) == 3
    with (stopped.folder / "answers.jsonl").open("a") as file:
        file.write('\n{"picture": "b.png", "quest')  # as a killed worker leaves it
    job = work_on(project, queue.resume(project, stopped.id))
    assert job.state == "done", job.error
    whole = table(project, run(project, "answer", options))
    assert table(project, job) == whole and len(whole) == 6


def test_what_is_asked_is_the_templates_or_the_labels(project):
    assert questions_of(project) == ["Is there a polyp?", "Where is it?"]
    project.set_templates("Dr A", [Template("How many?", "count")])
    assert questions_of(project) == ["How many?"]


def test_a_folder_without_pictures_is_said(project, model, tmp_path):
    for folder, error in ((tmp_path / "none", "There is no folder"), (tmp_path / "empty", "There is no picture in")):
        (tmp_path / "empty").mkdir(exist_ok=True)
        job = work_on(project, queue.submit(project, "answer", AnswerOptions(model=model, folder=str(folder))))
        assert error in job.error and job.fix


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("\t=1", "'=1"), ("@x", "'@x"), ("-polyp", "'-polyp"), ("-1.5", "-1.5"), ("yes", "yes"),
        (0.5, 0.5), ("", ""), ("a\x1ab\nc", "ab c"),
    ],
)
def test_no_cell_is_a_formula_or_holds_what_cannot_be_seen(value, cell):
    assert plain_cell(value) == cell


def test_suggestions_that_say_the_same_are_one(tmp_path):
    said = [Pair(tmp_path, question, "No.", "yes/no") for question in ("Is it RED?", "is it red", "Is it blue?")]
    first, second, other = (suggesting.identity(1, pair) for pair in said)
    assert first == second != other and suggesting.identity(2, said[0]) != first
