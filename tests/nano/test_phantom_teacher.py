"""The simulated teacher's answers rest on the statements of its captions."""

import json
from pathlib import Path

import pytest

from leaml.evaluation.scoring import score
from leaml.nano import phantom_teacher
from leaml.nano.phantom import QUESTIONS, SEED, all_questions
from leaml.nano.phantom_captions import NEVER_SPOKEN_OF

SAMPLE = Path(__file__).parents[2] / "sample_data" / "colonoscopy-phantom"
INDICES = [index for index in range(300) if index % 7 < 5]


def right_share(pairs) -> float:
    known = {(q.image, q.question): q for q in all_questions(SEED, 300)}
    judged = [(known.get((pair.image, pair.question)), pair) for pair in pairs]
    return sum(bool(q) and score(q.answer, p.answer, q.type, q.choices).correct for q, p in judged) / len(judged)


def test_a_teacher_who_never_errs_answers_every_question_that_it_speaks_of():
    pairs = phantom_teacher.answers(SEED, INDICES, wrong=0.0, silent=0.0)
    assert right_share(pairs) == 1.0
    spoken = {template.question for template in QUESTIONS} - set(phantom_teacher.UNSPOKEN)
    assert {pair.question for pair in pairs} == spoken


@pytest.mark.parametrize("wrong", [0.1, 0.3, 0.5])
def test_errors_come_at_about_the_rate_that_is_asked_for(wrong):
    share = right_share(phantom_teacher.answers(SEED, INDICES, wrong))
    assert 1 - share == pytest.approx(wrong, abs=0.1)


def test_what_is_never_spoken_of_is_never_answered():
    assert len(phantom_teacher.UNSPOKEN) == 4 and len(NEVER_SPOKEN_OF) == 3  # the box: whether, and its colour
    asked = {pair.question for pair in phantom_teacher.answers(SEED, INDICES, wrong=0.3)}
    assert not asked & set(phantom_teacher.UNSPOKEN)


def test_captions_at_the_rate_of_the_sample_are_the_sample_s():
    rows = [json.loads(line) for line in (SAMPLE / "captions.jsonl").read_text(encoding="utf-8").splitlines()]
    indices = [int(row["image"][-9:-4]) for row in rows]
    options = json.loads((SAMPLE / "phantom.json").read_text(encoding="utf-8"))["options"]
    made = phantom_teacher.captions(options["seed"], indices, options["wrong"], options["silent"])
    assert [caption.caption for caption in made] == [row["caption"] for row in rows]


@pytest.mark.parametrize(
    ("said", "question", "answer"),
    [
        ({"instruments": ("forceps",)}, "Which instruments are shown", "forceps"),  # a snare, called so by habit
        ({"instruments": ()}, "Which instruments are shown", "none"),
        ({"instruments": ("forceps", "snare")}, "Which instruments are shown", "forceps; snare"),
        ({"polyps": 0}, "What type of polyp", "none"),
        ({"polyps": 0}, "Is there a polyp", "no"),
        ({"polyps": 2, "kind": "flat"}, "What type of polyp", "flat"),
        ({"polyps": 2}, "What type of polyp", None),
        ({"polyps": 1, "instruments": (), "stool": True}, "Which findings", None),
        ({"polyps": 1, "instruments": (), "stool": True, "bubbles": False}, "Which findings", "polyp; stool"),
        ({"polyps": 1}, "Is there text", None),
    ],
)
def test_answers_are_read_from_what_was_said(said, question, answer):
    template = next(template for template in QUESTIONS if template.question.startswith(question))
    assert phantom_teacher.answer_from(said, template) == answer
