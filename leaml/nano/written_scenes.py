"""Short scenes in words, with questions like those asked of pictures: reading comprehension for nano's text examples.

Standard library only; no picture is drawn or meant. Every function takes a generator of random numbers and returns
(prompt, answer).
"""

import random
from dataclasses import dataclass

from leaml.records import REGIONS, SET_SEPARATOR

_NOUN_LINES = """
    angle animal area arrow artefact artifact ball bar basophil bolt bone book bubble building car cell chart
    circle cloud cluster column component cone crack cube curve cylinder defect dent diamond dot ear edge
    ellipse eosinophil erythrocyte eye finger fold gametocyte gland glove goal granule graph growth hand
    hemorrhoid hexagon hole house instrument jersey label landmark leak lesion letter leukocyte line lobe
    lymphocyte mole monocyte neutrophil nodule nut object oval parasite patch pattern pentagon plant platelet
    player point polyp racket rectangle reflection rib ring scan scratch screw semicircle shape slice sphere
    spot square stain star string thread tool tree triangle trophozoite ulcer vein vessel wall weld window
    wire
"""
NOUNS = tuple(_NOUN_LINES.split())
"""Nouns of the list whose regular plural is in the list, too."""

COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray", "cyan", "magenta",
)  # fmt: skip
SIZES = ("tiny", "small", "medium", "large", "huge")
NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip

Asked = tuple[str, str, str]  # question type, question, answer


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of a written scene, or several alike. Size and colour may be unsaid ("")."""

    noun: str
    count: int
    size: str
    colour: str
    region: str

    @property
    def name(self) -> str:
        """The noun in the number in which the scene uses it."""
        return self.noun if self.count == 1 else plural(self.noun)

    @property
    def phrase(self) -> str:
        """For example "two small red cells"."""
        described = " ".join(part for part in (self.size, self.colour, self.name) if part)
        return f"{article(described) if self.count == 1 else NUMBERS[self.count]} {described}"

    @property
    def be(self) -> str:
        return "is" if self.count == 1 else "are"

    @property
    def lie(self) -> str:
        return "lies" if self.count == 1 else "lie"

    @property
    def place(self) -> str:
        """The region as prose writes it."""
        return self.region.replace("-", " ")


def article(word: str) -> str:
    """The indefinite article, by the first letter."""
    return "an" if word[0] in "aeiou" else "a"


def plural(noun: str) -> str:
    """The regular plural."""
    return noun + ("es" if noun.endswith(("ch", "s")) else "s")


def _things(rng: random.Random, number: int) -> list[Thing]:
    """Things that differ in noun, size, colour and region, so that each property names one of them."""
    columns = (rng.sample(values, number) for values in (NOUNS, SIZES, COLOURS, REGIONS))
    things = []
    for noun, size, colour, region in zip(*columns, strict=True):
        count = rng.choice((1, 1, 1, 2, 3, 4, 5, 6))
        said_size, said_colour = rng.random() < 0.6, rng.random() < 0.7
        things.append(Thing(noun, count, size if said_size else "", colour if said_colour else "", region))
    return things


def _sentence(rng: random.Random, thing: Thing) -> str:
    phrase, place, be = thing.phrase, thing.place, thing.be
    return rng.choice((
        f"{phrase[0].upper()}{phrase[1:]} {thing.lie} {place}.",
        f"{phrase[0].upper()}{phrase[1:]} {be} seen in the {place}.",
        f"There {be} {phrase} in the {place}.",
        f"In the {place} {be} {phrase}.",
        f"The {place} shows {phrase}.",
    ))  # fmt: skip


def _another(rng: random.Random, values: tuple[str, ...], *taken: str) -> str:
    return rng.choice([value for value in values if value not in taken])


def _where(rng: random.Random, thing: Thing) -> Asked:
    does = "does" if thing.count == 1 else "do"
    question = rng.choice((
        f"Where {thing.be} the {thing.name}?",
        f"Where in the picture {thing.be} the {thing.name}?",
        f"In which region {does} the {thing.name} lie?",
    ))  # fmt: skip
    return "location", question, thing.region


def _how_many(rng: random.Random, thing: Thing) -> Asked:
    several = plural(thing.noun)
    question = rng.choice(
        (f"How many {several} are there?", f"How many {several} are visible?", f"Count the {several}.")
    )
    return "count", question, str(thing.count)


def _what_colour(rng: random.Random, thing: Thing) -> Asked:
    question = rng.choice((f"What colour {thing.be} the {thing.name}?", f"Which color {thing.be} the {thing.name}?"))
    return "colour", question, thing.colour


def _which(rng: random.Random, thing: Thing) -> Asked:
    """A choice of two colours or two sizes."""
    said, values = rng.choice([kind for kind in ((thing.colour, COLOURS), (thing.size, SIZES)) if kind[0]])
    first, second = rng.sample((said, _another(rng, values, said)), 2)
    return "single choice", f"{thing.be.capitalize()} the {thing.name} {first} or {second}?", said


def _what_lies(rng: random.Random, thing: Thing) -> Asked:
    question = rng.choice(
        (f"What lies {thing.place}?", f"What is in the {thing.place}?", f"What is seen {thing.place}?")
    )
    return "open", question, thing.phrase


def _is_it(rng: random.Random, things: list[Thing]) -> Asked:
    """Existence, colour or place, as often true as not."""
    thing, true = rng.choice(things), rng.random() < 0.5
    asks = ["existence", "existence", "place"] + ["colour"] * 2 * bool(thing.colour)
    asked = rng.choice(asks)
    if asked == "existence":
        noun = thing.noun if true else _another(rng, NOUNS, *(other.noun for other in things))
        question = rng.choice((f"Is there {article(noun)} {noun}?", f"Are there any {plural(noun)}?"))
    elif asked == "place":
        region = thing.region if true else _another(rng, REGIONS, thing.region)
        question = f"{thing.be.capitalize()} the {thing.name} in the {region.replace('-', ' ')}?"
    else:
        colour = thing.colour if true else _another(rng, COLOURS, thing.colour)
        question = f"{thing.be.capitalize()} the {thing.name} {colour}?"
    return "yes/no", question, "yes" if true else "no"


def _name_all(rng: random.Random, things: list[Thing]) -> Asked:
    """Every region that holds something, row by row, or which of three nouns occur."""
    if rng.random() < 0.5:
        regions = sorted((thing.region for thing in things), key=REGIONS.index)
        question = rng.choice(("Which regions hold something?", "Name every region that holds something."))
        return "multiple choice", question, SET_SEPARATOR.join(regions)
    present = [thing.noun for thing in things]
    choices = [*present, *(_another(rng, NOUNS, *present) for _ in range(3 - len(present)))]
    choices = list(dict.fromkeys(choices))
    rng.shuffle(choices)
    answer = SET_SEPARATOR.join(noun for noun in choices if noun in present)
    return "multiple choice", f"Which of these are named: {', '.join(choices)}?", answer


def _asked(rng: random.Random, things: list[Thing]) -> dict[str, Asked]:
    """One question of every type that the scene can answer."""
    thing = rng.choice(things)
    found = [_where(rng, thing), _how_many(rng, thing), _what_lies(rng, thing), _is_it(rng, things)]
    found.append(_name_all(rng, things))
    if thing.colour:
        found.append(_what_colour(rng, thing))
    if thing.colour or thing.size:
        found.append(_which(rng, thing))
    return {asked[0]: asked for asked in found}


def _scene(rng: random.Random) -> tuple[str, list[Thing]]:
    things = _things(rng, rng.choice((1, 1, 2)))
    return " ".join(_sentence(rng, thing) for thing in things), things


def comprehension(rng: random.Random) -> tuple[str, str]:
    """A written scene and a question on it; now and then on something that the scene says is absent."""
    scene, things = _scene(rng)
    if rng.random() < 0.15:
        absent = plural(_another(rng, NOUNS, *(thing.noun for thing in things)))
        present = plural(rng.choice(things).noun)
        asked, answer = rng.choice((
            (f"How many {absent} are there?", "0"),
            (f"Are any {absent} visible?", "no"),
            (f"Are any {present} visible?", "yes"),
        ))  # fmt: skip
        return f"{scene} No {absent} are seen. {asked}", answer
    _, question, answer = rng.choice(list(_asked(rng, things).values()))
    return f"{scene} {question}", answer


def pair(rng: random.Random) -> tuple[str, str]:
    """A written scene, to which nano writes a question and its answer, sometimes of a given type."""
    scene, things = _scene(rng)
    question_type, question, answer = rng.choice(list(_asked(rng, things).values()))
    wordings = ["Write a question and its answer.", "Ask a question about this and answer it."]
    wordings += [f"Write {article(question_type)} {question_type} question and its answer."] * 2
    return f"{scene} {rng.choice(wordings)}", f"Question: {question} Answer: {answer}"


def caption(rng: random.Random) -> tuple[str, str]:
    """Notes made into a caption."""
    thing = _things(rng, 1)[0]
    notes = [thing.name, thing.region, *filter(None, (thing.size, thing.colour))]
    if thing.count > 1:
        notes.append(str(thing.count))
    rng.shuffle(notes)
    wording = rng.choice(("Write a caption: {}.", "Make a caption from: {}."))
    return wording.format(", ".join(notes)), f"{thing.phrase} {thing.lie} {thing.place}"


def number_range(rng: random.Random) -> tuple[str, str]:
    """Which of three ranges a number falls into."""
    several, low = plural(rng.choice(NOUNS)), rng.randint(3, 9)
    high, number = low + rng.randint(3, 8), rng.randint(0, 20)
    ranges = (f"fewer than {low}", f"{low} to {high}", f"more than {high}")
    answer = ranges[(number >= low) + (number > high)]
    said = rng.choice((str(number), NUMBERS[number]))
    return f"{said.capitalize()} {several}. How many {several}: {ranges[0]}, {ranges[1]}, or {ranges[2]}?", answer


def comparison(rng: random.Random) -> tuple[str, str]:
    """Which of two things are more, or fewer."""
    (first, second), (few, many) = rng.sample(NOUNS, 2), sorted(rng.sample(range(1, 21), 2))
    counts = rng.sample((few, many), 2)
    asked = rng.choice(("more", "fewer"))
    answer = first if (counts[0] == many) == (asked == "more") else second
    named = [f"{NUMBERS[number]} {noun if number == 1 else plural(noun)}"
             for number, noun in zip(counts, (first, second), strict=True)]  # fmt: skip
    question = f"Which are {asked}: {plural(first)} or {plural(second)}?"
    return f"{named[0].capitalize()} and {named[1]} are seen. {question}", plural(answer)


def digits(rng: random.Random) -> tuple[str, str]:
    """Numbers as words and as digits."""
    number = rng.randrange(len(NUMBERS))
    if rng.random() < 0.5:
        return f"Write {number} as a word.", NUMBERS[number]
    return f"Write {NUMBERS[number]} in digits.", str(number)
