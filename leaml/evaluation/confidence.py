"""How sure a model is of its answers, and what it would say without the picture. Beside `predict`, which answers.

    for event in predict_surely(model, framing, questions, CompareOptions()): ...

    confidence       closed questions with choices: the probability of the one that was said, among the choices;
                     else the probability per token of what was written (geometric mean)
    probabilities    of the choices, by the likelihood of each as a whole answer
    blind_text       the same model's answer without the picture: where it is the same, the picture was not needed
    entropy          in nats: of the choices, or of sampled answers that mean different things (Kuhn et al. 2023)
"""

import math
from collections import Counter
from collections.abc import Generator, Hashable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import nn

from leaml.evaluation.likelihoods import Candidates, choice_probabilities
from leaml.evaluation.predict import predict
from leaml.evaluation.scoring import normalise, parse_choice, parse_count, parse_set
from leaml.models.features import kept
from leaml.models.framing import Framing
from leaml.models.writing import Request, Sampling, write
from leaml.options import CompareOptions
from leaml.records import Prediction, Progress, Question, Result

WEIGHED = ("yes/no", "single choice", "colour", "location")
"""Types whose choices are weighed against one another; an answer to other types names several, or is free."""
SAMPLING = Sampling(temperature=1.0, top_p=1.0)
"""The model's own distribution."""


def predict_surely(
    model: nn.Module, framing: Framing, questions: Sequence[Question], options: CompareOptions
) -> Generator[Progress | Prediction | Result, None, None]:
    """As `predict`, with the answer without the picture; where `trust`, with confidence and entropy.

    Raises:
        DataError: a picture cannot be read.
    """
    framing = kept(model, framing)  # pictures are seen twice: when an answer is written, and when it is weighed
    blind = without_picture(model, framing, [question.question for question in questions], options)
    waiting: list[Prediction] = []
    for event in predict(model, framing, questions, options):
        if isinstance(event, Prediction):
            waiting.append(replace(event, blind_text=blind[event.question.question]))
            continue
        yield from with_confidence(model, framing, waiting, options) if options.trust else waiting
        waiting = []
        yield event


def without_picture(
    model: nn.Module, framing: Framing, texts: Iterable[str], options: CompareOptions
) -> dict[str, str]:
    """What the model answers to each wording when it is asked without a picture."""
    wordings = list(dict.fromkeys(texts))
    requests = [Request(None, text) for text in wordings]
    answers = write(model, framing, requests, options.max_tokens, batch_size=options.batch_size)
    return {text: written.text for text, written in zip(wordings, answers, strict=True)}


def with_confidence(
    model: nn.Module, framing: Framing, predictions: Sequence[Prediction], options: CompareOptions
) -> list[Prediction]:
    """The predictions with confidence, the choices' probabilities and entropy filled in.

    Raises:
        DataError: a picture cannot be read.
    """
    asked = [(place, choices_of(said.question)) for place, said in enumerate(predictions)]
    weighed = [(place, choices) for place, choices in asked if choices]
    candidates = [
        Candidates(predictions[place].question.image, predictions[place].question.question, choices)
        for place, choices in weighed
    ]
    found = list(predictions)
    for (place, _), chances in zip(weighed, choice_probabilities(model, framing, candidates), strict=True):
        found[place] = replace(found[place], probabilities=chances, entropy=entropy(chances.values()))
    rest = [place for place, choices in asked if not choices]
    if options.samples and rest:
        sampled = sampled_entropy(model, framing, [predictions[place].question for place in rest], options)
        for place, value in zip(rest, sampled, strict=True):
            found[place] = replace(found[place], entropy=value)
    return [replace(said, confidence=confidence_of(said)) for said in found]


def choices_of(question: Question) -> tuple[str, ...]:
    """What the answer is one of, where the choices exclude each other and are known; else nothing."""
    if question.type not in WEIGHED:
        return ()
    given = question.choices or (("yes", "no") if question.type == "yes/no" else ())
    return tuple(dict.fromkeys(given)) if len(set(given)) > 1 else ()


def confidence_of(said: Prediction) -> float | None:
    """Between 0 and 1; None where nothing about the answer's likelihood is known."""
    choice = parse_choice(said.text, tuple(said.probabilities)) if said.probabilities else None
    if choice is not None:
        return min(1.0, said.probabilities[choice])
    return None if said.log_probability is None else min(1.0, math.exp(said.log_probability))


def entropy(probabilities: Iterable[float]) -> float:
    """Shannon entropy in nats."""
    return 0.0 - sum(p * math.log(p) for p in probabilities if p > 0)


def sampled_entropy(
    model: nn.Module, framing: Framing, questions: Sequence[Question], options: CompareOptions
) -> list[float]:
    """Entropy in nats of `options.samples` sampled answers to each question; those that mean the same count as one.

    Torch's own random state is left as it was.

    Raises:
        DataError: a picture cannot be read.
    """
    times = options.samples
    requests = [Request(question.image, question.question) for question in questions for _ in range(times)]
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        written = write(model, framing, requests, options.max_tokens, SAMPLING, options.batch_size)
    found = []
    for place, question in enumerate(questions):
        own = written[place * times : (place + 1) * times]
        counts = Counter(meaning(question, answer.text) for answer in own)
        found.append(entropy(count / times for count in counts.values()))
    return found


def meaning(question: Question, text: str) -> Hashable:
    """Equal for two answers to a question that say the same."""
    if question.type == "count":
        count = parse_count(text)
        return normalise(text) if count is None else count
    if question.choices:
        return parse_set(text, question.choices) or normalise(text)
    return normalise(text)
