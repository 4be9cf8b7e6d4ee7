"""A small phantom, a model that writes one pair, and a plan over them."""

import json

import pytest

from tests import tiny_loop

QUICK = {
    "distil.steps": 2, "distil.pictures_per_step": 2, "distil.save_every": 1,
    "adapt.steps": 2, "adapt.pictures_per_step": 2, "adapt.save_every": 1, "adapt.rank": 2,
    "generate.least_agreement": 0.0,
}  # fmt: skip
TRIALS = [{"adapt.learning_rate": 0.001}, {"adapt.learning_rate": 0.01}]


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    return tiny_loop.write_phantom(tmp_path_factory.mktemp("ablation") / "phantom")


@pytest.fixture(scope="session")
def model(tmp_path_factory, phantom):
    return tiny_loop.write_model(tmp_path_factory.mktemp("ablation") / "model", phantom)


@pytest.fixture
def plan(tmp_path, phantom, model):
    """The path of a plan of five rows, two seeds, whose trials are not decided."""
    path = tmp_path / "plan.json"
    rows = [
        {"name": "blind", "answers": "blind", "labels": ["few"]},
        {"name": "base", "answers": "base", "labels": ["few"]},
        {"name": "labels only", "labels": ["few"], "trials": TRIALS},
        {"name": "LEAML", "labels": ["few"], "pairs": "generator", "trials": TRIALS},
        {"name": "teacher", "labels": ["few"], "pairs": "teacher", "like": "labels only"},
    ]
    written = {
        "name": "tiny", "data": str(phantom), "model": str(model), "labels": {"few": 2}, "seeds": [5, 6],
        "development_seeds": [0], "everyday": 2, "settings": QUICK, "against": ["labels only"], "rows": rows,
    }  # fmt: skip
    path.write_text(json.dumps(written), encoding="utf-8")
    return path
