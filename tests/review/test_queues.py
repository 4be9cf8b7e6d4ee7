"""What comes next, for one person and for several, and figures that add up."""

import pytest

from leaml.errors import DataError, OptionError
from leaml.review import leases
from leaml.review.bands import Band, count, page
from leaml.review.queues import (
    Standing,
    awaits_opinion,
    decided_after,
    decided_before,
    neighbour,
    next_open,
    next_pair,
    random_order,
    reserve,
    standing_of,
)
from leaml.review.settings import ReviewSettings, review_settings, set_review_settings

A, B, C = "Dr. A", "Dr. B", "Dr. C"


def walk(project, person=A, queue="fix", band=None, steps=100, decide=True):
    """What a person is shown who judges, or skips, everything."""
    seen, pair = [], None
    for _ in range(steps):
        pair = next_pair(project, person, queue, band, pair)
        if pair is None:
            return seen
        seen.append(pair)
        if decide:
            project.judge(person, pair, True, queue=queue)
    return seen


# The two queues


def test_fix_begins_with_the_picture_of_the_most_doubtful_suggestion_and_shows_each_picture_once(project, suggest):
    sure = suggest(0.9, 0.8, image=1)
    mixed = suggest(0.95, 0.1, 0.5, image=2)
    middle = suggest(0.3, image=3)
    assert walk(project) == [mixed[1], mixed[2], mixed[0], middle[0], sure[1], sure[0]]


def test_what_was_never_measured_is_the_most_doubtful(project, suggest):
    known, unknown = suggest(0.0, image=1), suggest(None, image=2)
    assert walk(project) == unknown + known


def test_a_later_doubtful_suggestion_brings_its_picture_forward(project, suggest):
    first, second = suggest(0.5, image=1), suggest(0.6, image=2)
    late = suggest(0.2, image=2)
    assert walk(project) == late + second + first


def test_audit_is_another_order_than_fix_and_unaffected_by_signals(project, suggest):
    pairs = [suggest(n / 100)[0] for n in range(30)]
    places = {row["pair_id"]: row["place"] for row in project.db.rows("states")}
    seen = walk(project, queue="audit")
    assert seen == sorted(pairs, key=places.get)
    assert seen != pairs


def test_places_in_the_audit_are_uniform(project, suggest):
    suggest(*[0.5] * 400)
    places = [row["place"] for row in project.db.rows("states")]
    halves = [sum(place < 0 for place in places[start : start + 200]) for start in (0, 200)]
    assert all(60 < half < 140 for half in halves), "each half of the numbers is spread over both halves of the order"


def test_skipping_goes_round_all_that_wait_and_decides_nothing(project, suggest):
    pairs = suggest(0.1, 0.2, 0.3)
    assert walk(project, steps=7, decide=False) == (pairs * 3)[:7]
    assert project.db.count("verdicts") == 0


def test_the_last_one_left_has_no_next(project, suggest):
    (only,) = suggest(0.1)
    assert next_pair(project, A) == only
    assert next_pair(project, A, after=only) is None
    assert next_pair(project, A) == only


def test_what_was_accepted_in_bulk_is_done_for_fix_and_open_for_audit(project, suggest):
    pairs = suggest(0.9, 0.8)
    project.accept_all(B, pairs, "band")
    assert next_pair(project, A, "fix") is None
    assert set(walk(project, queue="audit")) == set(pairs)
    assert next_pair(project, A, "audit") is None


# Bands


def test_a_band_holds_what_it_says(project, suggest):
    first = suggest(0.2, 0.9, None, job=1)
    second = suggest(0.95, job=2, type="count")
    assert page(project, Band(low=0.5)) == [first[1], *second]
    assert page(project, Band(low=0.0)) == [first[0], first[1], *second], "what was never measured is in no range"
    assert page(project, Band(high=0.5)) == [first[0]]
    assert page(project, Band(job=2)) == second
    assert page(project, Band(type="yes/no", low=0.1, through=first[0])) == [first[0]]
    assert count(project, Band()) == 4 and count(project, Band(), most=3) == 3


def test_pages_follow_each_other_without_gap_or_repetition(project, suggest):
    suggest(*[0.5] * 20, image=1)
    suggest(*[0.5] * 5, image=2)
    for band in (Band(), Band(low=0.1)):
        seen, after = [], None
        while part := page(project, band, after, size=4):
            seen += part
            after = part[-1]
        assert len(seen) == len(set(seen)) == 25


def test_a_band_of_what_one_reviewer_rejected(project, suggest):
    first, second, third = suggest(0.1, 0.2, 0.3)
    project.judge(A, first, False)
    project.judge(B, second, False)
    project.judge(A, third, True)
    label = project.add_label(A, 1, "Mine?", "yes", "yes/no")
    project.judge(A, label, False)
    assert page(project, Band(status="rejected", reviewer=A)) == [first]
    assert page(project, Band(status="accepted")) == [third]
    with pytest.raises(DataError, match="no state"):
        page(project, Band(status="label"))


# Several people


def test_two_people_never_get_the_same_suggestion(project, suggest):
    pairs = suggest(0.1, 0.2, 0.3)
    assert [next_pair(project, person) for person in (A, B, C)] == pairs
    assert next_pair(project, "Dr. D") is None
    leases.release(project, "pair", B)
    assert next_pair(project, "Dr. D") == pairs[1]


def test_moving_on_lets_go_of_the_one_before(project, suggest):
    first, second = suggest(0.1, 0.2)
    next_pair(project, A)
    assert next_pair(project, A, after=first) == second
    assert next_pair(project, B) == first


def test_with_overlap_each_is_judged_by_so_many_people_and_by_nobody_twice(project, suggest):
    pairs = suggest(0.1, 0.2, 0.3)
    set_review_settings(project, "", overlap=2)
    assert set(walk(project, A, "audit")) == set(pairs)
    assert set(walk(project, B, "audit", steps=2)) <= set(pairs)
    assert len(walk(project, C, "audit")) == 1, "the one that B has not judged"
    assert next_pair(project, "Dr. D", "audit") is None


def test_with_overlap_two_may_have_it_in_hand_but_not_three(project, suggest):
    (only,) = suggest(0.1)
    set_review_settings(project, "", overlap=2)
    assert [next_pair(project, person, "audit") for person in (A, B, C)] == [only, only, None]
    project.judge(A, only, True, queue="audit")
    assert [next_pair(project, person, "audit") for person in (A, C, B)] == [None, None, only]


def test_nobody_may_see_the_others_answer_before_deciding(project, suggest):
    (pair,) = suggest(0.1)
    project.judge(A, pair, True, answer="no", queue="audit")
    assert awaits_opinion(project, B, pair, overlap=2) and not awaits_opinion(project, A, pair, overlap=2)
    assert not awaits_opinion(project, B, pair, overlap=1)
    project.judge(B, pair, True, queue="audit")
    assert not awaits_opinion(project, B, pair, overlap=3)


# Going back


def test_going_back_and_forth_follows_ones_own_decisions(project, suggest):
    pairs = suggest(0.1, 0.2, 0.3, 0.4)
    for person, pair in ((A, pairs[2]), (B, pairs[0]), (A, pairs[1])):
        project.judge(person, pair, True)
    assert decided_before(project, A, pairs[3]) == decided_before(project, A, None) == pairs[1]
    assert decided_before(project, A, pairs[1]) == pairs[2]
    assert decided_before(project, A, pairs[2]) is None
    assert decided_after(project, A, pairs[2]) == pairs[1]
    assert decided_after(project, A, pairs[1]) is decided_after(project, A, pairs[3]) is None


# How far it is


def test_standing_counts_own_work_and_everybodys(project, suggest):
    pairs = suggest(*[n / 10 for n in range(8)])
    for person, pair, seconds in ((A, 0, 4.0), (A, 1, None), (B, 2, 50.0), (A, 3, 10.0), (A, 4, 6.0)):
        project.judge(person, pairs[pair], pair % 2 == 0, seconds=seconds)
    project.accept_all(A, [pairs[5]], "band")
    assert standing_of(project, A) == Standing(mine=4, everyone=6, left=2, seconds=6.0)
    assert standing_of(project, A, "audit") == Standing(mine=4, everyone=5, left=3, seconds=6.0)
    assert standing_of(project, A).seconds_left == 12.0
    assert standing_of(project, C) == Standing(mine=0, everyone=6, left=2, seconds=None)
    project.undo(A)
    project.undo(A)
    assert standing_of(project, A) == Standing(mine=3, everyone=4, left=4, seconds=7.0)


def test_settings_are_kept_and_checked(project):
    set_review_settings(project, A, overlap=3, repeats=0.1)
    assert review_settings(project) == ReviewSettings(overlap=3, repeats=0.1, known_wrong=0)
    with pytest.raises(OptionError, match="overlap"):
        set_review_settings(project, A, overlap=0)


# Orders of pictures


def test_new_numbers_leave_the_order_of_the_others_alone():
    few = random_order(range(50), seed=3)
    many = random_order(range(100), seed=3)
    assert [number for number in many if number < 50] == few
    assert few != sorted(few)


def test_another_seed_gives_another_order():
    assert random_order(range(50), seed=0) != random_order(range(50), seed=1)


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


# What is handed over ahead


def test_the_next_ones_are_held_in_their_order_but_for_those_of_others(project, suggest):
    first, second, third, fourth, fifth = (suggest(n / 10, image=n)[0] for n in range(1, 6))
    assert next_pair(project, A) == first
    leases.take(project, "pair", third, B)
    assert reserve(project, A, "fix", Band(), first, [first], 2) == [second, fourth]
    assert next_pair(project, C) == fifth
    assert reserve(project, A, "fix", Band(), fourth, [first, second, fourth], 2) == [], "nothing twice"


def test_what_one_has_passed_over_comes_again_when_the_rest_is_held(project, suggest):
    first, second = (suggest(n / 10, image=n)[0] for n in (1, 2))
    leases.take(project, "pair", second, A)
    assert reserve(project, A, "fix", Band(), second, [second], 2) == [first]
