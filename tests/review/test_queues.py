"""Orders that hold still, and figures that add up."""

from itertools import pairwise

import pytest

from leaml.review.queues import (
    Standing,
    agreeing,
    neighbour,
    next_open,
    random_order,
    review_order,
    standing,
)
from leaml.store.project import Suggestion


def suggestion(id: int, image_id: int, status: str = "suggested", agreement: float | None = None) -> Suggestion:
    return Suggestion(id, image_id, 1, status, None, agreement)


def test_new_numbers_leave_the_order_of_the_others_alone():
    few = random_order(range(50), seed=3)
    many = random_order(range(100), seed=3)
    assert [number for number in many if number < 50] == few
    assert few != sorted(few)


def test_another_seed_gives_another_order():
    assert random_order(range(50), seed=0) != random_order(range(50), seed=1)


def test_each_picture_comes_once_and_its_most_agreed_suggestion_first():
    pairs = [suggestion(n, image_id=n % 7, agreement=(n * 37 % 100) / 100) for n in range(70)]
    order = review_order(pairs, seed=1)
    pictures = [pair.image_id for pair in order]
    changes = sum(before != after for before, after in pairwise(pictures))
    assert changes == 6
    for picture in range(7):
        own = [pair.agreement for pair in order if pair.image_id == picture]
        assert own == sorted(own, reverse=True)


def test_a_suggestion_without_agreement_comes_last_on_its_picture_and_is_never_taken_in_bulk():
    unknown, known = suggestion(1, 1), suggestion(2, 1, agreement=0.1)
    assert review_order([unknown, known]) == [known, unknown]
    assert agreeing([unknown, known], 0.0) == [known]


def test_only_unjudged_suggestions_are_taken_in_bulk():
    judged = suggestion(1, 1, "rejected", agreement=0.9)
    waiting = [suggestion(2, 1, agreement=0.9), suggestion(3, 1, agreement=0.8)]
    assert [pair.id for pair in agreeing([judged, *waiting], 0.9)] == [2]


@pytest.mark.parametrize(("current", "by", "there"), [(5, 1, 3), (3, 1, 3), (8, -1, 8), (None, 1, 8), (99, -1, 8)])
def test_moving_stops_at_the_ends(current, by, there):
    assert neighbour([8, 5, 3], current, by) == there


def test_moving_in_an_empty_queue_leads_nowhere():
    assert neighbour([], 4, 1) is None


def test_next_goes_round_and_leaves_out_what_is_done():
    order = [1, 2, 3, 4]
    assert next_open(order, 2, {3}) == 4
    assert next_open(order, 4, {1}) == 2
    assert next_open(order, None, {1, 2}) == 3
    assert next_open(order, 2, {1, 3, 4}) is None


def test_standing_counts_own_work_and_everybodys():
    found = standing(["A", "A", None, "B", None], "A", [4.0, None, 10.0, 6.0])
    assert found == Standing(mine=2, everyone=3, left=2, seconds=6.0)
    assert found.seconds_left == 12.0


def test_before_the_first_item_there_is_no_pace():
    assert standing([None], "A", []).seconds_left is None
