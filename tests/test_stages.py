"""The whole path through the stages, as an engineer scripts it: no store, no job, no screen."""

import pytest

from leaml.evaluation.compare import compare
from leaml.evaluation.predict import predict
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.models.teacher import caption
from leaml.options import AdaptOptions, CaptionOptions, DistilOptions, GenerateOptions, PredictOptions
from leaml.records import Caption, Pair, Prediction, Result
from leaml.store.formats import read_folder
from leaml.training.adapt import adapt
from leaml.training.distill import distill
from leaml.training.generate import generate
from leaml.training.signals import Filter
from tests.tiny_loop import write_model, write_phantom

QUICK = {"steps": 3, "learning_rate": 1e-3, "pictures_per_step": 2}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A small phantom, and a small model that writes pairs."""
    folder = write_phantom(tmp_path_factory.mktemp("given") / "phantom")
    return read_folder(folder), write_model(tmp_path_factory.mktemp("model"), folder)


def fresh(model):
    loaded = load(str(model))
    return loaded.model, Framing(loaded.processor)


def records(events, kind):
    """What a stage made, and that it ended with its result."""
    events = list(events)
    assert isinstance(events[-1], Result)
    return [event for event in events if isinstance(event, kind)]


def test_from_captions_to_the_comparison(given, tmp_path):
    data, folder = given
    labelled = [question for question in data.questions if question.split == "train"]
    asked = [question for question in data.questions if question.split == "test"]
    known, held_out = {question.image for question in labelled}, {question.image for question in asked}
    unlabelled = [caption.image for caption in data.captions if caption.image not in known]

    model, framing = fresh(folder)
    captions = records(caption(model, framing, unlabelled, CaptionOptions(max_tokens=4), "itself"), Caption)
    assert {one.image for one in captions} <= set(unlabelled)

    model, framing = fresh(folder)
    learned = list(distill(model, framing, labelled, data.captions, DistilOptions(**QUICK), tmp_path / "distil"))[-1]
    assert (learned.path / "adapter_model.safetensors").is_file()
    pairs = records(generate(model, framing, unlabelled, labelled, GenerateOptions()), Pair)
    assert pairs and {pair.image for pair in pairs} <= set(unlabelled)
    kept = Filter.of(GenerateOptions(least_agreement=0.0, most_similarity=1.0, well_formed=False)).keep(pairs)
    assert kept == pairs

    right = {}
    for name, learns in (("base", None), ("labels only", []), ("adapted", kept)):
        model, framing = fresh(folder)
        if learns is not None:
            list(adapt(model, framing, labelled, learns, AdaptOptions(**QUICK), tmp_path / name))
        answers = records(predict(model, framing, asked, PredictOptions(max_tokens=4)), Prediction)
        assert [answer.question for answer in answers] == asked
        right[name] = [answer.correct for answer in answers]

    table = compare(asked, right, "base")
    assert [row.name for row in table.rows] == ["base", "labels only", "adapted"]
    assert all(row.accuracy.n == len(asked) for row in table.rows)
    assert not held_out & (known | set(unlabelled))
