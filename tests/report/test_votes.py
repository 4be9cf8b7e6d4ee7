import pytest

from leaml.report.votes import Ballot, by_person, tally


def ballots(person: str = "A", **counts: int) -> list[Ballot]:
    return [Ballot(person, outcome, f"{outcome} {n}") for outcome, many in counts.items() for n in range(many)]


def test_the_win_rate_leaves_ties_out_and_shows_them():
    found = tally(ballots(adapted=30, base=10, equal=25, neither=5))
    assert (found["n"], found["decided"], found["equal"], found["neither"]) == (70, 40, 25, 5)
    rate = found["win_rate"]
    assert rate["value"] == pytest.approx(0.75) and rate["low"] < 0.65 < 0.8 < rate["high"] and rate["n"] == 40


def test_votes_on_one_picture_are_one_observation():
    apart = tally(ballots(adapted=30, base=10))["win_rate"]
    given = [Ballot("A", one.outcome, one.outcome + one.cluster[-1]) for one in ballots(adapted=30, base=10)]
    together = tally(given)["win_rate"]
    assert together["pictures"] == 20
    assert together["high"] - together["low"] > apart["high"] - apart["low"]


def test_nothing_decided_is_no_rate():
    assert tally(ballots(equal=3))["win_rate"] is None and tally([])["n"] == 0


def test_ticks_are_counted_for_the_model_and_people_apart():
    given = [Ballot("A", "adapted", "1", {"adapted": ["correct"], "base": ["harmful"]}), *ballots("B", base=2)]
    assert tally(given)["ticked"] == {
        "adapted": {"correct": 1, "complete": 0, "harmful": 0},
        "base": {"correct": 0, "complete": 0, "harmful": 1},
    }
    assert {name: own["n"] for name, own in by_person(given).items()} == {"A": 1, "B": 2}
