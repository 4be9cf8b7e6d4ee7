"""What scoring costs: many candidate answers on one picture at once, and a test set of 1,000 questions.

    python -m benchmarks.scoring                       # on the sample project, writes benchmarks/results/scoring.json
    python -m benchmarks.scoring --questions 60 --rounds 2

Candidates: our one pass beside k separate passes, and beside one batch of k rows, as anyone would do it with
transformers; in turns, in one process. Each opens and prepares the picture once. Likelihoods are compared in float32.
Test set: answers alone, and with confidence, entropy and the answer without the picture, as the job that compares does.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import torch
from torch import nn

from benchmarks.report import RESULTS, ROOT, Figure, Report, command_line
from leaml.errors import LeamlError
from leaml.evaluation.confidence import choices_of, predict_surely
from leaml.evaluation.likelihoods import Candidates, log_probabilities
from leaml.evaluation.predict import predict
from leaml.models.features import SeenFraming
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.models.pictures import open_picture
from leaml.options import CompareOptions, PredictOptions
from leaml.records import REGIONS, Question
from leaml.store.formats import read_folder

SAMPLE = ROOT / "sample_data" / "colonoscopy-phantom"
FASTER, SECONDS, EQUAL = 5.0, 60.0, 1e-3
SIZES = (2, 4, 9)
"""Candidates: yes and no, a short choice, the nine regions."""


def separate(model: nn.Module, framing: Framing, candidates: Candidates, inputs: dict) -> list[float]:
    """Log-probability of each answer, a pass of its own for each, the picture prepared once."""
    return [_plain(model, framing, candidates.question, [answer], inputs)[0] for answer in candidates.answers]


def batched(model: nn.Module, framing: Framing, candidates: Candidates, inputs: dict) -> list[float]:
    """The same in one pass with one row for each answer."""
    return _plain(model, framing, candidates.question, candidates.answers, inputs)


@torch.inference_mode()
def _plain(
    model: nn.Module, framing: Framing, question: str, answers: Sequence[str], inputs: dict[str, torch.Tensor]
) -> list[float]:
    head = framing.token_ids(framing.question_text(question))
    ends = [framing.token_ids(framing.answer_text(answer)) for answer in answers]
    longest = max(map(len, ends))
    prefix = inputs["input_ids"][0].tolist()
    rows = torch.tensor([prefix + head + end + [0] * (longest - len(end)) for end in ends])
    seen = torch.tensor([[1] * (len(prefix) + len(head) + len(end)) + [0] * (longest - len(end)) for end in ends])
    pixels = {name: value.expand(len(rows), *value.shape[1:]) for name, value in inputs.items() if name != "input_ids"}
    start = len(prefix) + len(head)
    kept = torch.arange(start - 1, rows.shape[1] - 1)
    logits = model(input_ids=rows, attention_mask=seen, use_cache=False, logits_to_keep=kept, **pixels).logits
    chosen = logits.float().log_softmax(-1).gather(2, rows[:, start:, None])[..., 0]
    return (chosen * seen[:, start:]).sum(1).tolist()


def shared(model: nn.Module, framing: Framing, asked: Sequence[Candidates]) -> list[float]:
    """Log-probability of all answers to all questions on one picture, as the project scores them."""
    return [one.total for likelihoods in log_probabilities(model, framing, asked) for one in likelihoods]


# ---- candidates --------------------------------------------------------------------------------------------------


def candidates_on_one_picture(
    model: nn.Module, framing: Framing, questions: Sequence[Question], rounds: int
) -> list[Figure]:
    """Seconds and ratios for k answers to one question, and for all questions of a picture with all their choices."""
    picture = questions[0].image
    works = {
        f"{size} candidates": [Candidates(picture, "Where in the image is the largest polyp?", REGIONS[:size])]
        for size in SIZES
    }
    several = [Candidates(picture, one.question, choices_of(one)) for one in questions if choices_of(one)]
    answers = sum(len(one.answers) for one in several)
    works |= {f"{len(several)} questions, {answers} candidates": several}
    found = []
    for name, asked in works.items():
        found += _compared(model, framing, name, asked, rounds)
    return found


def _compared(
    model: nn.Module, framing: Framing, name: str, asked: Sequence[Candidates], rounds: int
) -> list[Figure]:
    def beside(way: Callable[..., list[float]]) -> list[list[float]]:
        inputs = framing.prefix_inputs([open_picture(asked[0].image)])
        return [way(model, framing, one, inputs) for one in asked]

    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: shared(model, framing, asked),
        "separate passes": lambda: beside(separate),
        "one batch": lambda: beside(batched),
    }
    for work in ways.values():
        work()
    seconds = defaultdict(list)
    for _ in range(rounds):
        for way, work in ways.items():
            began = time.perf_counter()
            work()
            seconds[way].append(time.perf_counter() - began)
    figures = [
        Figure("candidates", f"{name}: {way}", 1000 * median(its), "ms", detail=True) for way, its in seconds.items()
    ]
    enough = sum(len(one.answers) for one in asked) >= max(SIZES)  # k passes are at most k times slower
    for way in ("separate passes", "one batch"):
        ratio = median(theirs / ours for theirs, ours in zip(seconds[way], seconds["ours"], strict=True))
        bar = FASTER if enough and way == "separate passes" else None
        note = f"median of {rounds} rounds in turns"
        figures.append(Figure("candidates", f"{name}: times faster than {way}", ratio, "×", bar, note=note))
    return figures


def largest_difference(model: nn.Module, framing: Framing, questions: Sequence[Question]) -> float:
    """Between our log-probabilities and those of separate passes, over all choices of some questions."""
    asked = [Candidates(one.image, one.question, choices_of(one)) for one in questions if choices_of(one)]
    theirs = [
        value
        for one in asked
        for value in separate(model, framing, one, framing.prefix_inputs([open_picture(one.image)]))
    ]
    return max(abs(a - b) for a, b in zip(shared(model, framing, asked), theirs, strict=True))


# ---- a test set --------------------------------------------------------------------------------------------------


def whole_test_set(model: nn.Module, framing: Framing, questions: Sequence[Question]) -> list[Figure]:
    """Seconds for answers alone, and for answers with all that trust needs."""
    found = []
    works = {
        "answered": lambda: predict(model, SeenFraming(model, framing), questions, PredictOptions()),
        "answered with confidence": lambda: predict_surely(
            model, SeenFraming(model, framing), questions, CompareOptions()
        ),
    }
    for name, work in works.items():
        began = time.perf_counter()
        list(work())
        seconds, pictures = time.perf_counter() - began, len({one.image for one in questions})
        note = f"{pictures} pictures, {torch.get_num_threads()} threads, {model.dtype}"
        found.append(Figure("test set", f"{len(questions):,} questions {name}", seconds, "s", SECONDS, True, note))
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Prints the table; returns 0, or 2 with one line on stderr. A missed bar is a finding, not a failure."""
    words = sys.argv[1:] if words is None else list(words)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="nano", help="which model scores (default: nano)")
    parser.add_argument("--questions", type=int, default=1000, help="questions of the test set (default: 1000)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of the candidates (default: 9)")
    parser.add_argument("--out", type=Path, default=RESULTS / "scoring.json", help="where the report goes")
    arguments = parser.parse_args(words)
    report = Report(command_line("benchmarks.scoring", words))
    try:
        asked = [one for one in read_folder(SAMPLE).questions if one.split == "test"][: arguments.questions]
        own = [one for one in asked if one.image == asked[0].image]
        exact = load(arguments.model, dtype=torch.float32)
        loaded = load(arguments.model)
        framing = Framing(loaded.processor)
        report.add([
            Figure("candidates", "largest difference in log-probability, float32",
                   largest_difference(exact.model, Framing(exact.processor), asked[:40]), "", EQUAL, True),
            Figure("candidates", f"largest difference, {loaded.model.dtype}",
                   largest_difference(loaded.model, framing, asked[:40]), "", detail=True),
            *candidates_on_one_picture(loaded.model, framing, own, arguments.rounds),
            *whole_test_set(loaded.model, framing, asked),
        ])  # fmt: skip
        report.write(arguments.out)
    except LeamlError as error:
        print(error, file=sys.stderr)
        return 2
    print(report.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
