"""Text examples: every word of the list becomes an answer word, evenly, and the answers are right."""

import random
import re
from collections import Counter
from itertools import islice

import pytest

from leaml.nano import texts, written_scenes
from leaml.records import QUESTION_TYPES, REGIONS

PASS = texts.pass_length()


@pytest.fixture(scope="module")
def drawn() -> list[texts.TextExample]:
    """Ten passes."""
    return [texts.example_at(3, index) for index in range(10 * PASS)]


def of_task(drawn: list[texts.TextExample], *tasks: str) -> list[texts.TextExample]:
    found = [item for item in drawn if item.task in tasks]
    assert found
    return found


def test_word_list_is_sorted_unique_and_lower_case():
    listed = texts.words()
    assert listed == sorted(set(listed))
    assert 1000 <= len(listed) <= 1400
    assert all(re.fullmatch("[a-z]+", word) for word in listed)


def test_list_holds_every_word_that_the_tasks_need():
    listed = set(texts.words())
    named = " ".join((*REGIONS, *written_scenes.COLOURS, *written_scenes.SIZES, *written_scenes.NUMBERS))
    needed = set(re.findall("[a-z]+", named)) | set(written_scenes.NOUNS)
    needed |= {written_scenes.plural(noun) for noun in written_scenes.NOUNS} | set(texts.definitions())
    assert needed <= listed


def test_definitions_are_short_and_tell_words_apart():
    meanings = texts.definitions()
    assert 150 <= len(meanings) <= 250
    assert len(set(meanings.values())) == len(meanings)
    assert all(set(re.findall("[a-z]+", meaning)) <= set(texts.words()) for meaning in meanings.values())


def test_categories_share_no_word():
    counted = Counter(word for members in texts.CATEGORIES.values() for word in members.split())
    assert max(counted.values()) == 1
    assert set(counted) <= set(texts.words())


def test_same_seed_and_index_give_the_same_example_in_any_order():
    forward = [texts.example_at(7, index) for index in range(200)]
    backward = [texts.example_at(7, index) for index in reversed(range(200))]
    assert forward == backward[::-1]
    assert list(islice(texts.examples(7, start=50), 20)) == forward[50:70]
    assert forward != [texts.example_at(8, index) for index in range(200)]


@pytest.mark.parametrize("number", [0, 1, 9])
def test_every_word_is_an_answer_word_in_every_pass(drawn, number):
    trained = {word for item in drawn[number * PASS : (number + 1) * PASS] for word in item.words}
    assert trained == set(texts.words())


def test_words_occur_in_the_answer(drawn):
    listed = set(texts.words())
    for item in drawn:
        said = re.split("[^A-Za-z]+", item.answer)
        assert set(item.words) <= set(said) & listed
        assert len(item.words) == len(set(item.words))


def test_prompts_and_answers_are_short_ascii(drawn):
    for item in drawn:
        assert (item.prompt + item.answer).isascii()
        assert 1 <= len(item.answer.split()) <= 12, item
        assert len(item.prompt.split()) <= 35, item
        assert not item.answer.endswith(".")
        assert item.answer[0].islower() or item.answer[0].isdigit() or item.task == "pair"


def test_all_tasks_occur(drawn):
    assert {item.task for item in drawn} == {*texts.LIST_TASKS, *texts.WORD_TASKS, *texts.FREE_TASKS}


def test_given_words_are_all_in_the_answer():
    group = ("polyp", "snare", "forceps", "cell")
    for seed in range(50):
        assert set(texts.example(random.Random(seed), group).words) == set(group)
        assert texts.example(random.Random(seed), ("polyp",)).answer == "polyp"


def test_copied_and_ordered_lists_are_right(drawn):
    orders = {"alphabetical": sorted, "reverse alphabetical": lambda group: sorted(group)[::-1],
              "backwards": lambda group: group[::-1]}  # fmt: skip
    for item in of_task(drawn, *texts.LIST_TASKS):
        group = re.findall("[a-z]+", item.prompt[:-1].rsplit(": ", 1)[1].lower())
        assert re.findall("[a-z]+", item.answer) == orders.get(item.task, list)(group), item


def test_positions_are_right(drawn):
    places = {"first": 0, "second": 1, "last": -1}
    for item in of_task(drawn, "position"):
        asked, group = item.prompt.rsplit(": ", 1)
        place = next(places[word] for word in asked.split() if word in places)
        assert group[:-1].split(", ")[place] == item.answer


def test_membership_and_word_counts_are_right(drawn):
    for item in of_task(drawn, "membership"):
        asked = item.prompt.split("'")[1]
        assert item.answer == ("yes" if asked in item.prompt[:-1].rsplit(": ", 1)[1].split(", ") else "no")
    for item in of_task(drawn, "count words"):
        assert int(item.answer) == len(item.prompt.rsplit(": ", 1)[1].split(", "))


def test_ranges_and_comparisons_are_right(drawn):
    value = {name: number for number, name in enumerate(written_scenes.NUMBERS)}
    for item in of_task(drawn, "range"):
        said, low, high = re.match(r"(\w+) .*fewer than (\d+), \d+ to (\d+)", item.prompt).groups()
        number = int(said) if said.isdigit() else value[said.lower()]
        expected = "fewer" if number < int(low) else "more" if number > int(high) else "to"
        assert expected in item.answer.split()
    for item in of_task(drawn, "comparison"):
        said = re.match(r"(\w+) (\w+) and (\w+) (\w+) are seen. Which are (\w+): (\w+) or (\w+)", item.prompt).groups()
        first_is_more = value[said[0].lower()] > value[said[2]]
        assert item.answer == said[5 if first_is_more == (said[4] == "more") else 6]


def test_places_in_written_scenes_are_those_of_the_sentence(drawn):
    for item in of_task(drawn, "comprehension"):
        found = re.search(r"(?:Where|In which region).* the (\w+)(?: lie)?\?$", item.prompt)
        if found:
            asked = found[1]
            sentence = next(part for part in item.prompt.split(". ") if asked in re.findall("[a-z]+", part.lower()))
            assert item.answer.replace("-", " ") in sentence.lower()


def test_written_pairs_parse_and_cover_every_type():
    kinds = Counter()
    for seed in range(600):
        prompt, answer = written_scenes.pair(random.Random(seed))
        assert re.fullmatch(r"Question: [A-Z][^?]*[?.] Answer: \S.*", answer), answer
        asked = re.search(r"Write an? (.+) question and", prompt)
        kinds[asked[1] if asked and asked[1] else ""] += 1
    assert set(QUESTION_TYPES) <= set(kinds)


def test_yes_and_no_are_about_equally_frequent():
    rng = random.Random(5)
    counted = Counter(item.answer for item in (texts.example(rng) for _ in range(5000)) if item.answer in ("yes", "no"))
    assert 0.4 < counted["yes"] / counted.total() < 0.6
