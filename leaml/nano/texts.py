"""Text-only training examples that teach nano to say every word of `assets/nano/words.txt`.

A word whose embedding was never trained cannot be said by an adapter that leaves the embeddings frozen. These examples
make each word an answer word without a picture: copying, ordering, definitions, lists, and reading comprehension over
short written scenes, with questions like those asked of pictures.

`example_at(seed, index)` is deterministic, independent of order and cheap, so a trainer resumes from an index alone.
`pass_length()` indices (about 300) make one pass; in each, every word of the list is an answer word at least once.

    python -m leaml.nano.texts            # prints some examples
"""

import random
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path

from leaml.nano import written_scenes
from leaml.nano.written_scenes import NOUNS, article, plural

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "nano"

SLICE_SIZES = (8, 9, 10)
"""Words per copying example, in turn. An answer of at most 12 words leaves room for no more."""

CATEGORIES = {
    "a colour": "red yellow green blue purple pink brown black white gray magenta cyan",
    "a shape": "circle square rectangle triangle ellipse pentagon hexagon cube sphere cylinder",
    "a number": "three four five six seven eight nine ten eleven twelve thirteen twenty",
    "an animal": "dog cat bird horse fish",
    "food": "bread apple banana fruit",
    "a part of the eye": "retina macula cornea pupil iris",
    "a blood cell": "neutrophil lymphocyte monocyte eosinophil basophil platelet erythrocyte",
    "a sport": "basketball football volleyball tennis badminton hockey soccer",
    "a tool of endoscopy": "forceps snare catheter endoscope",
    "a fault of a product": "crack scratch dent rust corrosion",
    "a part of a chart": "axis legend title histogram",
    "an organ": "lung liver kidney brain stomach bladder spleen pancreas",
    "a bone or joint": "rib skull spine knee shoulder wrist elbow",
    "a part of the bowel": "colon rectum cecum ileum duodenum",
    "a person in sport": "player referee goalkeeper coach defender athlete",
    "a size": "small large tiny huge medium",
}
"""Kinds and some of their words. No word stands under two kinds, and none fits another kind."""

Words = Sequence[str]
Text = tuple[str, str]  # prompt, answer


@dataclass(frozen=True, slots=True)
class TextExample:
    """A prompt and its answer; `words` are the words of the list that the answer trains; `task` names the kind."""

    prompt: str
    answer: str
    words: tuple[str, ...]
    task: str


@lru_cache(maxsize=1)
def _words() -> tuple[str, ...]:
    return tuple((ASSETS / "words.txt").read_text(encoding="ascii").split())


def words() -> list[str]:
    """The words of the committed list, sorted."""
    return list(_words())


@lru_cache(maxsize=1)
def definitions() -> dict[str, str]:
    """Word → one-line definition."""
    lines = (ASSETS / "definitions.txt").read_text(encoding="ascii").splitlines()
    return dict(line.split(": ", 1) for line in lines)


def _contains(word: str) -> bool:
    """Whether the sorted list holds this word."""
    place = bisect_left(_words(), word)
    return place < len(_words()) and _words()[place] == word


def _others(rng: random.Random, number: int, *excluded: str) -> list[str]:
    """Distinct words of the list, none of them excluded."""
    drawn = rng.sample(_words(), number + len(excluded))
    return [word for word in drawn if word not in excluded][:number]


def _with_others(rng: random.Random, word: str, low: int = 2, high: int = 5) -> list[str]:
    """The word among a few others, in random order."""
    group = [word, *_others(rng, rng.randint(low, high), word)]
    rng.shuffle(group)
    return group


# --- A whole slice of the list as the answer ---------------------------------------------------------------


def _copy(rng: random.Random, group: Words) -> Text:
    wording = rng.choice(
        ("Repeat: {}.", "Copy these words: {}.", "Say again: {}.", "Write the same words: {}.", "Read this: {}.")
    )
    return wording.format(" ".join(group)), " ".join(group)


def _separate(rng: random.Random, group: Words) -> Text:
    name, separator = rng.choice((("commas", ", "), ("semicolons", "; ")))
    wording = rng.choice(("Repeat with {} between: {}.", "Write with {}: {}.", "List with {}: {}."))
    return wording.format(name, " ".join(group)), separator.join(group)


def _lower_case(rng: random.Random, group: Words) -> Text:
    change = rng.choice((str.upper, str.title, str.capitalize))
    wording = rng.choice(("Write in lower case: {}.", "Repeat in small letters: {}."))
    return wording.format(" ".join(map(change, group))), " ".join(group)


def _without_digits(rng: random.Random, group: Words) -> Text:
    mixed = list(group)
    for _ in range(rng.randint(1, 4)):
        mixed.insert(rng.randint(0, len(mixed)), str(rng.randint(0, 99)))
    wording = rng.choice(("Repeat without the digits: {}.", "Leave out the digits: {}."))
    return wording.format(" ".join(mixed)), " ".join(group)


def _alphabetical(rng: random.Random, group: Words) -> Text:
    wording = rng.choice(("Order by the alphabet: {}.", "Write in alphabetical order: {}."))
    return wording.format(", ".join(group)), " ".join(sorted(group))


def _reverse_alphabetical(rng: random.Random, group: Words) -> Text:
    wording = rng.choice(("Order from z to a: {}.", "Write in reverse alphabetical order: {}."))
    return wording.format(", ".join(group)), " ".join(sorted(group, reverse=True))


def _backwards(rng: random.Random, group: Words) -> Text:
    wording = rng.choice(("Repeat backwards, last word first: {}.", "Reverse the order of: {}."))
    return wording.format(" ".join(group)), " ".join(reversed(group))


# --- One given word as the answer --------------------------------------------------------------------------


def _position(rng: random.Random, word: str) -> Text:
    group = _with_others(rng, word)
    name, place = rng.choice((("first", 0), ("second", 1), ("last", -1)))
    group.remove(word)
    group.insert(place if place >= 0 else len(group), word)
    wording = rng.choice(("Which word is {}: {}?", "Say the {} word: {}.", "What is the {} word of: {}?"))
    return wording.format(name, ", ".join(group)), word


def _neighbour(rng: random.Random, word: str) -> Text:
    group = _with_others(rng, word)
    at = group.index(word)
    if at > 0:
        return f"Which word comes after '{group[at - 1]}': {', '.join(group)}?", word
    return f"Which word comes before '{group[1]}': {', '.join(group)}?", word


def _repeated(rng: random.Random, word: str) -> Text:
    group = _with_others(rng, word)
    group.insert(rng.randint(0, len(group)), word)
    wording = rng.choice(("Which word stands here twice: {}?", "Which word is repeated: {}?"))
    return wording.format(", ".join(group)), word


def _spelled(rng: random.Random, word: str) -> Text:
    wording = rng.choice(("Put the letters together: {}.", "Which word is spelled: {}?"))
    return wording.format(" ".join(word)), word


def _beginning(rng: random.Random, word: str) -> Text:
    start = word[: rng.randint(1, 3)]
    group = [other for other in _with_others(rng, word) if other == word or not other.startswith(start)]
    return f"Which word begins with '{start}': {', '.join(group)}?", word


def _number_of(rng: random.Random, word: str) -> Text | None:
    """Plural and singular forms, where the list holds both."""
    if word in NOUNS:
        return rng.choice(("What is the singular of {}?", "Write the singular: {}.")).format(plural(word)), word
    singular = next((noun for noun in NOUNS if noun[:1] == word[:1] and plural(noun) == word), None)
    return singular and (rng.choice(("What is the plural of {}?", "Write the plural: {}.")).format(singular), word)


def _meaning(rng: random.Random, word: str) -> Text | None:
    if word not in definitions():
        return None
    if rng.random() < 0.5:
        group = [word, *rng.sample([other for other in definitions() if other != word], rng.randint(1, 3))]
        rng.shuffle(group)
        return f"Which of these means {definitions()[word]}: {', '.join(group)}?", word
    wording = rng.choice(("Which word means: {}?", "What do we call this: {}?", "Name it: {}."))
    return wording.format(definitions()[word]), word


def _category(rng: random.Random, word: str) -> Text | None:
    kind = next((kind for kind, members in CATEGORIES.items() if word in members.split()), None)
    if kind is None:
        return None
    strangers = [other for name, members in CATEGORIES.items() if name != kind for other in members.split()]
    group = [word, *rng.sample(strangers, rng.randint(1, 4))]
    rng.shuffle(group)
    wording = rng.choice(("Which of these is {}: {}?", "Choose the one that is {}: {}."))
    return wording.format(kind, ", ".join(group)), word


# --- Free tasks --------------------------------------------------------------------------------------------


def _definition(rng: random.Random) -> Text:
    word, meaning = rng.choice(list(definitions().items()))
    wordings = ["What does '{}' mean?", "Define: {}.", "Explain the word '{}'.", "What is meant by '{}'?"]
    # Only what can be counted takes an article: "a polyp", yet never "a malaria".
    if re.match(r"an? (?!game|disease|change|cancer)", meaning):
        wordings += [f"What is {article(word)} {{}}?"] * 3
    return rng.choice(wordings).format(word), meaning


def _defined_word(rng: random.Random) -> Text:
    text = _meaning(rng, rng.choice(list(definitions())))
    assert text is not None  # Every word drawn here has a definition.
    return text


def _kind(rng: random.Random) -> Text:
    kind, *wrong = rng.sample(list(CATEGORIES), 3)
    word = rng.choice(CATEGORIES[kind].split())
    kinds = [kind, *wrong]
    rng.shuffle(kinds)
    return f"What is '{word}': {kinds[0]}, {kinds[1]} or {kinds[2]}?", kind


def _membership(rng: random.Random) -> Text:
    asked, *others = _others(rng, rng.randint(3, 7))
    inside = rng.random() < 0.5
    group = [*others, asked] if inside else others
    rng.shuffle(group)
    wording = rng.choice(("Is '{}' in: {}?", "Is the word '{}' one of: {}?", "Does '{}' stand in this list: {}?"))
    return wording.format(asked, ", ".join(group)), "yes" if inside else "no"


def _count_words(rng: random.Random) -> Text:
    group = _others(rng, rng.randint(1, 9))
    wording = rng.choice(("How many words: {}?", "Count the words: {}.", "How many words are in this list: {}?"))
    return wording.format(", ".join(group)), str(len(group))


LIST_TASKS: dict[str, tuple[Callable[[random.Random, Words], Text], int]] = {
    "copy": (_copy, 8),
    "separate": (_separate, 3),
    "lower case": (_lower_case, 1),
    "without digits": (_without_digits, 2),
    "alphabetical": (_alphabetical, 2),
    "reverse alphabetical": (_reverse_alphabetical, 1),
    "backwards": (_backwards, 2),
}
"""Tasks that answer with all given words, and how often each is drawn."""

WORD_TASKS: dict[str, tuple[Callable[[random.Random, str], Text | None], int]] = {
    "position": (_position, 2),
    "neighbour": (_neighbour, 1),
    "repeated": (_repeated, 1),
    "spelled": (_spelled, 1),
    "beginning": (_beginning, 1),
    "number of": (_number_of, 3),
    "meaning": (_meaning, 4),
    "category": (_category, 4),
}
"""Tasks that answer with one given word; the last three return None where the word does not suit."""

FREE_TASKS: dict[str, tuple[Callable[[random.Random], Text], int]] = {
    "definition": (_definition, 3),
    "defined word": (_defined_word, 3),
    "kind": (_kind, 1),
    "membership": (_membership, 1),
    "count words": (_count_words, 1),
    "comprehension": (written_scenes.comprehension, 7),
    "pair": (written_scenes.pair, 4),
    "caption": (written_scenes.caption, 1),
    "range": (written_scenes.number_range, 1),
    "comparison": (written_scenes.comparison, 1),
    "digits": (written_scenes.digits, 1),
}
"""Tasks that choose their own answer."""


def _draw(rng: random.Random, tasks: dict[str, tuple[Callable, int]]) -> str:
    return rng.choices(list(tasks), [weight for _, weight in tasks.values()])[0]


def _list_text(rng: random.Random, group: Words) -> tuple[Text, str]:
    task = _draw(rng, LIST_TASKS)
    return LIST_TASKS[task][0](rng, group), task


def _word_text(rng: random.Random, word: str) -> tuple[Text, str]:
    while True:  # Ends: five of the tasks suit every word.
        task = _draw(rng, WORD_TASKS)
        text = WORD_TASKS[task][0](rng, word)
        if text is not None:
            return text, task


def _free_text(rng: random.Random) -> tuple[Text, str]:
    task = _draw(rng, FREE_TASKS)
    return FREE_TASKS[task][0](rng), task


def example(rng: random.Random, words: Words | None = None) -> TextExample:
    """One example. Its answer says every one of `words` (at most 10); without words it is one of the free tasks."""
    if words:
        (prompt, answer), task = _word_text(rng, words[0]) if len(words) == 1 else _list_text(rng, words)
    else:
        (prompt, answer), task = _free_text(rng)
    said = re.findall(r"\b[a-z]+\b", answer)
    return TextExample(prompt, answer, tuple(word for word in dict.fromkeys(said) if _contains(word)), task)


# --- Walking the list so that every word is trained equally ------------------------------------------------


@lru_cache(maxsize=1)
def _spans() -> tuple[tuple[int, int], ...]:
    """(begin, end) of each slice of a shuffled list."""
    spans, begin = [], 0
    while begin < len(_words()):
        end = min(begin + SLICE_SIZES[len(spans) % len(SLICE_SIZES)], len(_words()))
        spans.append((begin, end))
        begin = end
    return tuple(spans)


@lru_cache(maxsize=16)
def _shuffled(key: str) -> tuple[str, ...]:
    """The list in an order that the key alone decides."""
    return tuple(random.Random(key).sample(_words(), len(_words())))


def pass_length() -> int:
    """Indices in one pass: as many again as there are slices, since every second index takes a slice."""
    return 2 * len(_spans())


def example_at(seed: int, index: int) -> TextExample:
    """The example of one index: even ones copy or order a slice, the others ask for one word or are free, in turn."""
    rng = random.Random(f"text {seed} {index}")
    if index % 2 == 0:
        pass_number, position = divmod(index, pass_length())
        begin, end = _spans()[position // 2]
        return example(rng, _shuffled(f"slices {seed} {pass_number}")[begin:end])
    if index % 4 == 1:
        walk, position = divmod(index // 4, len(_words()))
        return example(rng, (_shuffled(f"single {seed} {walk}")[position],))
    return example(rng)


def examples(seed: int, start: int = 0) -> Iterator[TextExample]:
    """Examples without end, from index `start` on."""
    return (example_at(seed, index) for index in count(start))


if __name__ == "__main__":
    for shown in range(60):
        item = example_at(0, shown)
        print(f"[{item.task}] {item.prompt} -> {item.answer}")
