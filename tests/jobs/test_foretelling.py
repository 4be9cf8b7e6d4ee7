"""What memory a job takes is found out from the project itself, kept, and corrected by what was measured."""

import json
import sys

import pytest

from leaml.jobs import foretelling, rehearsing
from leaml.jobs.foretelling import FILE, Advice, Foretold
from leaml.models.families import GIB
from leaml.models.memory import Needed
from leaml.options import AdaptOptions, DistilOptions
from leaml.records import Progress, Result

OPTIONS = AdaptOptions(pictures_per_step=2, rank=4)


@pytest.fixture
def quick(monkeypatch) -> None:
    """What is needed by a formula: it is rehearsed elsewhere."""

    def needed(project, options) -> Needed:
        adapter = 1000 if options.method == "full" else 100
        tokens = 300 * options.pictures_per_step // (2 if options.checkpointing or options.picture_size else 1)
        return Needed(weights=5000, adapter=adapter, image_tokens=tokens)

    monkeypatch.setattr(rehearsing, "_needed", needed)


def found_out(project, kind="adapt", options=OPTIONS) -> Foretold:
    """As the process does it."""
    assert rehearsing.main([str(project.folder), kind, options.model_dump_json()]) == 0
    return foretelling.known(project, kind, options)


def ran(project, options, peak: int) -> None:
    """What a run of these options would have measured in its first steps."""
    events = iter([Progress(1, 2, figures={"peak memory": float(peak)}), Progress(2, 2), Result()])
    told = list(foretelling.measuring(project, "adapt", options, (event for event in events)))
    assert len(told) == 3


@pytest.mark.parametrize(("kind", "options"), [("adapt", OPTIONS), ("distil", DistilOptions(pictures_per_step=2))])
def test_what_a_job_will_take_is_found_out_in_parts(project, model, kind, options):
    options = options.model_copy(update={"model": model})
    assert foretelling.known(project, kind, options) is None
    told = found_out(project, kind, options)
    assert {"weights", "vision_tower", "adapter", "optimiser"} <= told.parts.keys() and not told.measured
    assert 0 < told.total < told.free and told.fits and told.advice == ()
    assert foretelling.known(project, kind, options.model_copy(update={"steps": 7})) == told, "steps do not matter"
    assert foretelling.known(project, kind, options.model_copy(update={"pictures_per_step": 3})) is None


def test_what_was_measured_stands_and_corrects_what_is_like_it(project, quick):
    options = OPTIONS
    more = options.model_copy(update={"pictures_per_step": 8})
    first, other = found_out(project, options=options), found_out(project, options=more)
    ran(project, options, 2 * first.total)
    told = found_out(project, options=options)
    assert told.measured and told.total == pytest.approx(2 * first.total, abs=8)
    assert told.parts["weights"] == first.parts["weights"]
    corrected = found_out(project, options=more)
    assert not corrected.measured and corrected.total == pytest.approx(2 * other.total, abs=8)
    lora = found_out(project, options=more.model_copy(update={"method": "full"}))
    assert not lora.measured, "another method is another matter"


def test_where_it_does_not_fit_each_thing_that_helps_is_advised(project, quick, monkeypatch):
    options = OPTIONS.model_copy(update={"pictures_per_step": 8})
    monkeypatch.setattr(rehearsing, "free_memory", lambda device: (1000, 1000))
    told = found_out(project, options=options)
    assert not told.fits and Advice("pictures_per_step", 2, told.advice[0].total) == told.advice[0]
    assert [advice.option for advice in told.advice] == ["pictures_per_step", "checkpointing", "picture_size"]
    assert all(advice.total < told.total for advice in told.advice)
    assert [way for way, _ in rehearsing._ways(options, on_card=True)] == [
        "pictures_per_step", "checkpointing", "precision", "picture_size",
    ]  # fmt: skip


def test_a_model_that_cannot_be_had_is_said_and_tried_again_later(project, monkeypatch):
    options = OPTIONS.model_copy(update={"model": "/no/such/folder"})
    told = found_out(project, options=options)
    assert "no/such/folder" in told.error and told.fix and told.parts == {}
    monkeypatch.setattr(foretelling, "SECONDS_OF_AN_ERROR", -1.0)
    assert foretelling.known(project, "adapt", options) is None


def test_a_family_that_cannot_be_rehearsed_keeps_nobody_from_starting(project, monkeypatch):
    monkeypatch.setattr(rehearsing, "_needed", lambda project, options: [].pop())
    with pytest.raises(IndexError):
        found_out(project)
    assert foretelling.known(project, "adapt", OPTIONS).error == rehearsing.UNKNOWN


def test_a_damaged_file_is_an_empty_one(project):
    file = project.folder.parent / FILE
    for damaged in ("", "{", "[1]"):
        file.write_text(damaged)
        assert foretelling.known(project, "adapt", OPTIONS) is None
    foretelling.tell(project, "adapt", OPTIONS, Foretold({"weights": 5}, 10), 5)
    assert foretelling.known(project, "adapt", OPTIONS).total == 5 and len(json.loads(file.read_text())) == 1


def test_one_process_is_asked_at_a_time(project, monkeypatch):
    started = []

    class Child:
        def __init__(self, words, **about) -> None:
            started.append(words)

        def poll(self) -> int | None:
            return None if len(started) == 1 else 0

    monkeypatch.setattr(foretelling.subprocess, "Popen", Child)
    monkeypatch.setattr(foretelling, "_asked", [])
    foretelling.ask(project, "adapt", OPTIONS)
    foretelling.ask(project, "distil", DistilOptions())
    assert len(started) == 1 and started[0][:3] == [sys.executable, "-m", "leaml.jobs.rehearsing"]


def test_a_correction_leaves_what_is_known_for_certain():
    needed = Needed(weights=10 * GIB, optimiser=GIB, activations=GIB, image_tokens=3 * GIB)
    corrected = needed.corrected(measured=18, estimated=15)
    assert corrected == Needed(10 * GIB, optimiser=GIB, activations=round(1.75 * GIB), image_tokens=round(5.25 * GIB))
    assert needed.corrected(1, 15).total == 11 * GIB, "weights do not shrink"
    assert Needed(weights=10).corrected(12, 10) == Needed(weights=10, activations=2)
