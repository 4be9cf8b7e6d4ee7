"""What to label first: one of each kind of picture, a fifth at random, and both said."""

import numpy as np
import pytest

from leaml.review.ordering import Turn, arrange, keep_turns, random_turns, turns

SIZES = (40, 30, 20, 10)


def kinds(seed: int = 0) -> tuple[np.ndarray, list[int], np.ndarray]:
    """Four heaps of pictures; in each the first is in the middle. Features, numbers from 100 on, kind of each."""
    draw = np.random.default_rng(seed)
    centres = np.eye(4, 16) * 5
    rows, which = [], []
    for kind, size in enumerate(SIZES):
        rows += [centres[kind], *(centres[kind] + draw.normal(0, 0.4, (size - 1, 16)))]
        which += [kind] * size
    return np.array(rows), list(range(100, 200)), np.array(which)


def test_typical_pictures_are_the_middle_of_each_heap_largest_first():
    features, ids, _ = kinds()
    chosen = [turn for turn in arrange(features, ids, suggested=5) if turn.why == "typical"]
    assert [turn.alike for turn in chosen] == [39, 29, 19, 9]
    assert [turn.image_id for turn in chosen] == [100, 140, 170, 190]
    assert [turn.image_id for turn in arrange(features, ids, suggested=5)].index(100) == 0


def test_what_has_a_label_covers_its_heap():
    features, ids, which = kinds()
    chosen = arrange(features, ids, labelled={101}, suggested=4)
    assert 101 not in {turn.image_id for turn in chosen}
    assert {int(which[turn.image_id - 100]) for turn in chosen if turn.why == "typical"} == {1, 2, 3}


@pytest.mark.parametrize(("suggested", "share", "drawn"), [(50, 0.2, 10), (7, 0.2, 2), (10, 0.5, 5), (10, 1.0, 10)])
def test_a_share_is_random_and_spread_evenly(suggested, share, drawn):
    features, ids, _ = kinds()
    chosen = arrange(features, ids, suggested=suggested, random_share=share)
    why = [turn.why for turn in chosen]
    assert len(chosen) == len({turn.image_id for turn in chosen}) == suggested and why.count("random") == drawn
    half = why[: suggested // 2].count("random")
    assert abs(half - drawn / 2) <= 1


def test_random_ones_are_drawn_from_all_alike():
    features, ids, which = kinds()
    counts = np.zeros(4)
    for seed in range(60):
        chosen = arrange(features[::2], ids[::2], suggested=5, random_share=1.0, seed=seed)
        for turn in chosen:
            counts[which[turn.image_id - 100]] += 1
    assert counts / counts.sum() == pytest.approx(np.array(SIZES) / 100, abs=0.08)


def test_the_same_seed_chooses_the_same_and_small_projects_are_taken_whole():
    features, ids, _ = kinds()
    assert arrange(features, ids, seed=3) == arrange(features, ids, seed=3)
    few = arrange(features[:3], ids[:3], suggested=50)
    assert {turn.image_id for turn in few} == set(ids[:3])
    assert arrange(features[:1], ids[:1]) == [Turn(100, "random")]
    assert arrange(features[:0], []) == [] and arrange(features[:2], ids[:2], labelled=ids[:2]) == []


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_pictures_that_are_all_the_same_do_no_harm():
    assert len(arrange(np.zeros((30, 4)), list(range(1, 31)), suggested=10)) == 10


@pytest.mark.parametrize(("rows", "share"), [(3, 0.1), (3, 1.5), (2, 0.2)])
def test_what_makes_no_sense_is_refused(rows, share):
    with pytest.raises(ValueError):
        arrange(np.ones((rows, 4)), [1, 2, 3], random_share=share)


def test_turns_are_kept_and_replaced(project):
    keep_turns(project, [Turn(3, "typical", 7), Turn(1, "random")])
    assert turns(project) == [Turn(3, "typical", 7), Turn(1, "random")]
    chosen = random_turns([1, 2, 3, 4], suggested=2)
    keep_turns(project, chosen)
    assert turns(project) == chosen and {turn.why for turn in chosen} == {"random"}
    keep_turns(project, [])
    assert turns(project) == []
