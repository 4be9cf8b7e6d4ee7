"""Some seconds of the race: nothing lost, nothing held twice, also where one process is killed in the middle."""

import json

import pytest

from benchmarks import races


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "race"
    races.make_project(folder, 300)
    return folder


@pytest.fixture
def project(made, tmp_path):
    folder = tmp_path / "race"
    folder.mkdir()
    (folder / "leaml.db").write_bytes((made / "leaml.db").read_bytes())
    return folder


@pytest.mark.parametrize("killed", [0, 1])
def test_nothing_is_lost_and_nothing_held_twice(project, killed):
    outcome = races.race(project, processes=4, seconds=2.0, killed=killed)
    assert outcome.is_clean, outcome
    assert outcome.verdicts > 4


def test_a_race_that_went_wrong_is_noticed(project, tmp_path):
    log, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    log.write_text(
        json.dumps({"took": 5, "at": 1.0}) + "\n" + json.dumps({"verdict": 77, "at": 2.0}) + "\n" + '{"took": 6, "at"'
    )
    other.write_text(json.dumps({"took": 5, "at": 3.0}) + "\n" + json.dumps({"left": 5, "at": 4.0}) + "\n")
    outcome = races.outcome(project, [log, other])
    assert (outcome.lost, outcome.held_twice) == (1, 1) and not outcome.is_clean
