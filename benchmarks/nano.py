"""What nano can do: new scenes, a foreign style, captions, self-written pairs, the phantom, speed.

    python -m benchmarks.nano                                                # all of it; the phantom's ceiling trains
    python -m benchmarks.nano --scenes 20 --part scenes,captions --out look.json       # a look at it
    python -m benchmarks.nano --part phantom --ceiling-split calibration --ceiling-rate 3e-4   # choose the rate here

scenes    accuracy per question type on scenes that training never draws (seeds in a namespace of their own)
foreign   the same in the style that training never draws
captions  object F1: (colour, shape) named in the caption against those in the scene
pairs     sampled question/answer texts: do they parse, are they true, which types, how varied
phantom   image-blind majority, zero-shot, and ceiling: fine-tuned on the truth of every train picture
speed     loading, answering, generating, memory

Greedy unless said otherwise, and seeded: the same weights and machine give the same rates.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from benchmarks import nano_phantom, nano_speed
from benchmarks.report import RESULTS, Figure, Report, command_line, share
from leaml.errors import LeamlError
from leaml.evaluation.metrics import Rate, blind_majority, by, rate
from leaml.evaluation.scoring import normalise, score
from leaml.models import prompts
from leaml.models.framing import Framing
from leaml.models.load import fingerprint, load
from leaml.models.pairs import parse_pair
from leaml.models.writing import Request, Sampling, write
from leaml.nano.scene_questions import Asked, ask_several, objects_in, readings
from leaml.nano.scenes import FOREIGN, TRAINING, Scene, Style, draw_scene
from leaml.options import GenerateOptions
from leaml.records import QUESTION_TYPES, Question
from leaml.training.generate import TEXT_TOKENS

PARTS = ("scenes", "foreign", "captions", "pairs", "phantom", "speed")
QUESTIONS_PER_SCENE = 10
BLIND_SCENES = 4
"""Other scenes that the image-blind rule is fitted on, per scene that is asked about."""
ANSWER_TOKENS, CAPTION_TOKENS = 24, 160
OVERALL_BAR, TYPE_BAR, FOREIGN_BAR, CAPTION_BAR = 0.95, 0.90, 0.80, 0.90
PARSED_BAR, TRUE_BAR, TYPE_SHARE_BAR, SAME_QUESTION_BAR = 0.95, 0.85, 0.05, 0.15
ANY_TYPE = "any type"
"""What a generator was asked for that was asked for no type."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A scene that is asked about, and its name, by which intervals are clustered."""

    name: str
    scene: Scene


def draw(style: Style, count: int, purpose: str = "") -> list[Drawn]:
    """New scenes. Training draws from other seeds: "dense …", "questions …", "tokenizer …"."""
    names = [f"benchmark {purpose}scene {number}" for number in range(count)]
    return [Drawn(name, draw_scene(random.Random(name), style)) for name in names]


def questions_on(drawn: Drawn) -> list[Question]:
    """Questions of mixed types on a scene, whose name stands where a picture's path would."""
    asked = ask_several(drawn.scene, random.Random(f"{drawn.name} questions"), QUESTIONS_PER_SCENE)
    return [Question(Path(drawn.name), a.question, a.answer, a.type, "test", choices=a.choices) for a in asked]


# ---- scenes and the foreign style ----------------------------------------------------------------------------------


def measure_scenes(model: nn.Module, framing: Framing, style: Style, count: int) -> list[Figure]:
    """Accuracy in a style, overall and by question type, beside an image-blind rule fitted on other scenes."""
    scenes = draw(style, count)
    questions = [question for drawn in scenes for question in questions_on(drawn)]
    pictures = {Path(drawn.name): drawn.scene.picture for drawn in scenes}
    correct = answered_right(model, framing, questions, pictures)
    others = [q for drawn in draw(style, BLIND_SCENES * count, "blind ") for q in questions_on(drawn)]
    part = "foreign" if style.foreign else "scenes"
    bars = (FOREIGN_BAR, None) if style.foreign else (OVERALL_BAR, TYPE_BAR)
    return accuracy_figures(part, questions, correct, blind_majority(others, questions), *bars)


def answered_right(
    model: nn.Module, framing: Framing, questions: Sequence[Question], pictures: dict[Path, Image.Image]
) -> list[bool]:
    requests = [Request(pictures[question.image], question.question) for question in questions]
    written = write(model, framing, requests, ANSWER_TOKENS)
    return [score(q.answer, w.text, q.type, q.choices).correct for q, w in zip(questions, written, strict=True)]


def accuracy_figures(
    part: str,
    questions: Sequence[Question],
    correct: Sequence[bool],
    blind: Sequence[bool],
    bar: float | None,
    type_bar: float | None,
) -> list[Figure]:
    """Overall, the worst type, the image-blind rule, and both by type. Clusters are pictures."""
    clusters = [str(question.image) for question in questions]
    types = by(questions, correct, "type")
    worst = min(types, key=lambda name: types[name].value)
    figures = [
        Figure(part, "accuracy", rate(correct, clusters), bar=bar),
        Figure(part, "accuracy of the worst type", types[worst], bar=type_bar, note=worst),
        Figure(part, "image-blind majority", rate(blind, clusters)),
    ]
    by_type = by(questions, blind, "type")
    order = [name for name in QUESTION_TYPES if name in types]
    for name in order:
        figures.append(Figure(part, f"accuracy, {name}", types[name], bar=type_bar, detail=True))
        figures.append(Figure(part, f"image-blind majority, {name}", by_type[name], detail=True))
    return figures


# ---- captions ------------------------------------------------------------------------------------------------------


def measure_captions(model: nn.Module, framing: Framing, count: int) -> list[Figure]:
    scenes = draw(TRAINING, count)
    written = write(model, framing, [Request(d.scene.picture, prompts.CAPTION) for d in scenes], CAPTION_TOKENS)
    return caption_figures(scenes, [one.text for one in written])


def caption_figures(scenes: Sequence[Drawn], captions: Sequence[str]) -> list[Figure]:
    """How well captions name the objects, as multisets of (colour, shape).

    F1 = 2 · matched / (shown + named) is the share of mentions, in the scene or in the caption, that have a partner on
    the other side: a ratio of sums over scenes, so that the intervals of a rate hold for it. Its n counts mentions.
    """
    shown_right, named_right, shown_in, named_in, exact = [], [], [], [], []
    for drawn, text in zip(scenes, captions, strict=True):
        shown = Counter((item.colour, item.shape) for item in drawn.scene.items)
        named = Counter(objects_in(text))
        matched = (shown & named).total()
        shown_right += [place < matched for place in range(shown.total())]
        named_right += [place < matched for place in range(named.total())]
        shown_in += [drawn.name] * shown.total()
        named_in += [drawn.name] * named.total()
        exact.append(shown == named)
    mentions = "n counts objects shown plus objects named"
    f1 = share(shown_right + named_right, shown_in + named_in)
    return [
        Figure("captions", "object F1", f1, bar=CAPTION_BAR, note=mentions),
        Figure("captions", "objects shown that are named", share(shown_right, shown_in)),
        Figure("captions", "objects named that are shown", share(named_right, named_in)),
        Figure("captions", "captions with every object right", share(exact, [drawn.name for drawn in scenes])),
    ]


# ---- self-written pairs --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WrittenPair:
    """A text that a generator wrote, and what became of it.

    `question` is None where the text does not parse. `type` is that of the template that reads the question on this
    scene, None where none does: words of its own, or no single true answer here.
    """

    scene: str
    asked: str
    question: str | None = None
    type: str | None = None
    true: bool = False


def judge(text: str, drawn: Drawn, asked: str) -> WrittenPair:
    """Whether a pair's text parses, and whether its answer is true of the scene. Unreadable counts as not true."""
    parsed = parse_pair(text)
    if parsed is None:
        return WrittenPair(drawn.name, asked)
    question, answer = parsed
    read = list(readings(question, drawn.scene))
    if not read:
        return WrittenPair(drawn.name, asked, question)
    held: Asked | None = next((a for a in read if score(a.answer, answer, a.type, a.choices).correct), None)
    return WrittenPair(drawn.name, asked, question, (held or read[0]).type, held is not None)


def measure_pairs(model: nn.Module, framing: Framing, count: int, seed: int) -> list[Figure]:
    """One sampled text per scene for every type, and one for no type."""
    scenes = draw(TRAINING, count)
    options = GenerateOptions(seed=seed)
    wanted = [(drawn, asked) for drawn in scenes for asked in (*QUESTION_TYPES, ANY_TYPE)]
    requests = [
        Request(drawn.scene.picture, prompts.write_pair(None if asked == ANY_TYPE else asked))
        for drawn, asked in wanted
    ]
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        written = write(model, framing, requests, TEXT_TOKENS, Sampling(options.temperature, options.top_p))
    return pair_figures([judge(one.text, *task) for one, task in zip(written, wanted, strict=True)])


def pair_figures(pairs: Sequence[WrittenPair]) -> list[Figure]:
    """What share parses, is true, is of each type, and asks the same. Clusters are scenes."""
    parsed = [pair for pair in pairs if pair.question is not None]
    readable = [pair for pair in parsed if pair.type is not None]
    figures = [
        Figure("pairs", "parse", _share(pairs, lambda p: p.question is not None), bar=PARSED_BAR),
        Figure("pairs", "true of those that parse", _share(parsed, lambda p: p.true), bar=TRUE_BAR),
        Figure(
            "pairs", "not readable by the templates", _share(parsed, lambda p: p.type is None),
            note="of those that parse; counted as not true",
        ),
        Figure("pairs", "true of those that are readable", _share(readable, lambda p: p.true)),
    ]  # fmt: skip
    typed = [pair for pair in parsed if pair.asked != ANY_TYPE]
    untyped = [pair for pair in parsed if pair.asked == ANY_TYPE]
    figures.append(Figure("pairs", "of the type asked for", _share(typed, lambda p: p.type == p.asked)))
    for label, chosen in (("asked for a type", typed), ("asked for no type", untyped)):
        figures += _variety(label, chosen)
    for asked in (*QUESTION_TYPES, ANY_TYPE):
        chosen = [pair for pair in parsed if pair.asked == asked]
        figures.append(Figure("pairs", f"true, asked for {asked}", _share(chosen, lambda p: p.true), detail=True))
    for kind in QUESTION_TYPES:
        chosen = [pair for pair in readable if pair.type == kind]
        figures.append(Figure("pairs", f"true, read as {kind}", _share(chosen, lambda p: p.true), detail=True))
    return figures


def _variety(label: str, parsed: Sequence[WrittenPair]) -> list[Figure]:
    """The rarest type, the most frequent single question, and the share of every type."""
    if not parsed:
        same = Figure("pairs", f"most frequent question, {label}", None, bar=SAME_QUESTION_BAR, at_most=True)
        return [Figure("pairs", f"rarest type, {label}", None, bar=TYPE_SHARE_BAR), same]
    shares = {kind: _share(parsed, lambda p, kind=kind: p.type == kind) for kind in QUESTION_TYPES}
    rarest = min(shares, key=lambda kind: shares[kind].value)
    counts = Counter(normalise(pair.question) for pair in parsed)
    often = max(sorted(counts), key=counts.get)
    same = _share(parsed, lambda p: normalise(p.question) == often)
    return [
        Figure("pairs", f"rarest type, {label}", shares[rarest], bar=TYPE_SHARE_BAR, note=rarest),
        Figure(
            "pairs", f"most frequent question, {label}", same, bar=SAME_QUESTION_BAR, at_most=True, note=repr(often)
        ),
        *(Figure("pairs", f"share of {kind}, {label}", shares[kind], detail=True) for kind in QUESTION_TYPES),
    ]


def _share(pairs: Sequence[WrittenPair], holds: Callable[[WrittenPair], bool]) -> Rate | None:
    return share([holds(pair) for pair in pairs], [pair.scene for pair in pairs])


# ---- the command ---------------------------------------------------------------------------------------------------


def measure(part: str, model: nn.Module, framing: Framing, given: argparse.Namespace) -> list[Figure]:
    """The figures of one part."""
    if part == "scenes":
        return measure_scenes(model, framing, TRAINING, given.scenes)
    if part == "foreign":
        return measure_scenes(model, framing, FOREIGN, given.scenes)
    if part == "captions":
        return measure_captions(model, framing, given.scenes)
    if part == "pairs":
        return measure_pairs(model, framing, given.scenes, given.seed)
    if part == "phantom":
        ceiling = nano_phantom.Ceiling(
            given.ceiling_steps, given.ceiling_rate, given.ceiling_pictures, given.ceiling_split, given.seed, given.work
        )
        return nano_phantom.measure(given.model, model, framing, ceiling)
    asked = [(d.scene.picture, q.question) for d in draw(TRAINING, 64) for q in questions_on(d)]
    return nano_speed.measure(given.model, model, framing, asked)


def run(given: argparse.Namespace, report: Report) -> None:
    """Measures part after part; the file is written after each, so that a late failure costs one part."""
    loaded = load(given.model)
    framing = Framing(loaded.processor)
    weights = sum(parameter.numel() for parameter in loaded.model.parameters())
    where = f"fingerprint {fingerprint(loaded.model)}; {loaded.device_reason}; {loaded.dtype_reason}"
    report.add([Figure("model", "parameters", float(weights), note=where)])
    print(report.text(), flush=True)
    for part in given.part:
        began = time.monotonic()
        report.add(measure(part, loaded.model, framing, given))
        report.write(given.out)
        print(report.text([part]), flush=True)
        print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _parts(text: str) -> list[str]:
    chosen = [part.strip() for part in text.split(",")]
    if unknown := set(chosen) - set(PARTS):
        raise argparse.ArgumentTypeError(f"unknown part {min(unknown)!r}; known are {', '.join(PARTS)}")
    return [part for part in PARTS if part in chosen]


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.nano", description=__doc__.split("\n")[0])
    options.add_argument("--model", default="nano", help="nano, or the folder of another model (default %(default)s)")
    options.add_argument("--out", type=Path, help="JSON file (default benchmarks/results/nano.json)")
    options.add_argument("--scenes", type=_positive, default=300, help="new scenes (default %(default)s)")
    options.add_argument("--part", type=_parts, default=list(PARTS), help=f"some of {','.join(PARTS)} (default all)")
    options.add_argument("--seed", type=int, default=0, help="of sampled texts and of the ceiling's training")
    options.add_argument("--ceiling-steps", type=_positive, default=1500, help="training steps (default %(default)s)")
    options.add_argument("--ceiling-rate", type=float, default=5e-4, help="peak learning rate (default %(default)s)")
    options.add_argument("--ceiling-pictures", type=_positive, default=8, help="per step (default %(default)s)")
    options.add_argument("--ceiling-split", choices=("test", "calibration"), default="test",
                         help="calibration: to choose steps and rate; writes nano-calibration.json")  # fmt: skip
    options.add_argument("--work", type=Path, help="keeps the ceiling's checkpoints, and resumes from them")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns 0, or 2 with one line on stderr. A missed bar is a finding, not a failure."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    given = parser().parse_args(arguments)
    name = "nano.json" if given.ceiling_split == "test" else "nano-calibration.json"
    given.out = given.out or RESULTS / name
    report = Report(command_line("benchmarks.nano", arguments))
    try:
        run(given, report)
    except LeamlError as error:
        print(error, file=sys.stderr)
        return 2
    missed = report.missed()
    print(f"\n{len(missed)} bars missed" + "".join(f"\n  {figure.part}: {figure.line()}" for figure in missed))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
