"""Leases: one person at a time, extended by work, lost by leaving."""

from datetime import UTC, datetime, timedelta

import pytest

from leaml.review import leases
from leaml.review.leases import held, in_hand, reserve, take

A, B, C = "Dr. A", "Dr. B", "Dr. C"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def test_what_one_has_in_hand_no_other_gets(project):
    assert take(project, "pair", 7, A, at=NOON)
    assert not take(project, "pair", 7, B, at=minutes(9))
    assert held(project, "pair", B, at=NOON) == {7} and held(project, "pair", A, at=NOON) == set()
    assert in_hand(project, "pair", A, at=NOON) == 7 and in_hand(project, "pair", B, at=NOON) is None


def test_a_lease_ends_by_itself_and_is_extended_by_work(project):
    take(project, "pair", 7, A, at=NOON)
    assert take(project, "pair", 7, A, at=minutes(8))
    assert not take(project, "pair", 7, B, at=minutes(17))
    assert take(project, "pair", 7, B, at=minutes(19))
    row = project.db.row("leases", item_id=7)
    assert (row["person"], row["acquired"]) == (B, "2026-01-31T12:19:00.000Z")
    assert project.db.count("leases") == 1


def test_extending_keeps_the_time_since_when_it_is_held(project):
    take(project, "pair", 7, A, at=NOON)
    take(project, "pair", 7, A, at=minutes(5))
    row = project.db.row("leases")
    assert (row["acquired"], row["until"]) == ("2026-01-31T12:00:00.000Z", "2026-01-31T12:15:00.000Z")


def test_taking_the_next_lets_go_of_the_one_before_of_the_same_kind(project):
    take(project, "pair", 7, A, at=NOON)
    take(project, "image", 7, A, at=NOON)
    take(project, "pair", 8, A, at=NOON)
    assert {(row["kind"], row["item_id"]) for row in project.db.rows("leases")} == {("image", 7), ("pair", 8)}


@pytest.mark.parametrize("overlap", [2, 3])
def test_overlap_lets_so_many_in(project, overlap):
    people = [f"Dr. {n}" for n in range(overlap + 1)]
    assert [take(project, "pair", 7, person, overlap, at=NOON) for person in people] == [True] * overlap + [False]
    assert held(project, "pair", people[-1], overlap, at=NOON) == {7}
    assert held(project, "pair", people[0], overlap, at=NOON) == set()


def test_who_leaves_lets_go(project):
    take(project, "pair", 7, A)
    leases.release(project, "pair", A)
    assert take(project, "pair", 7, B)


def test_what_comes_next_is_held_beside_what_is_in_hand_and_nobody_else_gets_it(project):
    take(project, "pair", 7, A, at=NOON)
    assert [reserve(project, "pair", item, A, at=NOON) for item in (8, 9)] == [True, True]
    assert held(project, "pair", B, at=NOON) == {7, 8, 9} and not reserve(project, "pair", 8, B, at=NOON)
    assert in_hand(project, "pair", A, at=NOON) == 7


def test_moving_on_to_what_was_held_keeps_what_comes_after_it_and_lets_go_of_the_rest(project):
    take(project, "pair", 7, A, at=NOON)
    for item in (8, 9, 10):
        reserve(project, "pair", item, A, at=NOON)
    assert take(project, "pair", 8, A, at=minutes(5), ahead=[9, 11])
    assert held(project, "pair", B, at=minutes(5)) == {8, 9}, "11 was never held"
    assert in_hand(project, "pair", A, at=minutes(5)) == 8
    assert held(project, "pair", B, at=minutes(14)) == {8, 9}, "both were extended"


def test_going_elsewhere_makes_that_what_is_in_hand(project):
    take(project, "pair", 7, A, at=NOON)
    reserve(project, "pair", 8, A, at=NOON)
    take(project, "pair", 3, A, at=minutes(1), ahead=[8])
    assert in_hand(project, "pair", A, at=minutes(1)) == 3
    assert held(project, "pair", B, at=minutes(1)) == {3, 8}
