"""Reading pairs: whatever dress they come in, all of them, and nothing that is none."""

import random

import pytest

from leaml.models import prompts
from leaml.models.pairs import parse_pair, parse_pairs, read_answer
from leaml.models.prompts import parse_choices, question_type
from leaml.nano.scene_questions import ask
from leaml.nano.scenes import draw_scene
from leaml.records import QUESTION_TYPES

POLYP = ("Is there a polyp?", "yes")
COUNT = ("How many polyps are there?", "2")
FENCED = """```json
[
  {"question": "Is there a polyp?", "answer": "yes"},
  {"question": "How many polyps are there?", "answer": 2}
]
```"""
CHATTY = """Sure! Here are two question-answer pairs based on the image:

1. **Question:** Is there a polyp?
   **Answer:** Yes.

2. **Question:** How many polyps are there?
   **Answer:** 2

Let me know if you would like more questions!"""
HEADED = """### Question 1
Is there a polyp?

### Answer 1
yes

### Question 2
How many polyps are there?

### Answer 2
2"""
TABLE = """| # | Question | Answer |
|---|---|---|
| 1 | Is there a polyp? | yes |
| 2 | How many polyps are there? | 2 |"""


# --- One pair ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Question: Is there a polyp? Answer: yes",
        "question: Is there a polyp? answer: yes",
        "QUESTION:Is there a polyp?ANSWER:yes",
        "  Question : Is there  a polyp?\n Answer :\n yes \n",
        "Q: Is there a polyp?\nA: yes",
        "q:Is there a polyp? a:yes.",
        "Q1: Is there a polyp?\nA1: yes",
        "Q1. Is there a polyp?\nA1. yes",
        "Q1) Is there a polyp? A1) yes",
        "**Q:** Is there a polyp?\n**A:** yes",
        "Q: Is there a polyp?\nAnswer: yes",
        "Question 1: Is there a polyp?\nAnswer 1: yes",
        "Question #1: Is there a polyp?\nAnswer #1: yes",
        "Question (yes/no): Is there a polyp?\nAnswer: yes",
        "Yes/no question: Is there a polyp?\nCorrect answer: yes",
        "Question: Is there a polyp?\nAns: yes",
        "Question: Is there a polyp?\nResponse: yes",
        "Question: Is there a polyp? Answer: yes.",
        "Question: Is there a polyp Answer: yes",
        "Question: Is there a polyp. Answer: yes",
        'Question: "Is there a polyp?" Answer: "yes."',
        "Question: “Is there a polyp?” Answer: ‘yes’",
        "**Question:** Is there a polyp?\n**Answer:** yes",
        "**Question**: Is there a polyp?\n\n**Answer**: **yes**",
        "*Question:* _Is there a polyp?_\n*Answer:* _yes_",
        "- Question: Is there a polyp?\n- Answer: yes",
        "> Question: Is there a polyp?\n> Answer: yes",
        "### Question\nIs there a polyp?\n### Answer\nyes",
        "## Question:\n\nIs there a polyp?\n\n## Answer:\n\nyes\n",
        "**Question**\nIs there a polyp?\n**Answer**\nyes",
        "### Question\nhere it is. Question: Is there a polyp? Answer: yes",
        '{"question": "Is there a polyp?", "answer": "yes"}',
        '{"Question": "Is there a polyp?", "Answer": "yes", "type": "yes/no"}',
        '{"answer": "yes", "question": "Is there a polyp?"}',
        '{"q": "Is there a polyp?", "a": "yes"}',
        "{'question': 'Is there a polyp?', 'answer': 'yes'}",
        '{"question": "Is there a polyp?", "answer": "yes"',
        '```json\n{"question": "Is there a polyp?",\n "answer": "yes",}\n```',
        '{"question": "Is there a polyp?", "answer": true}',
        '{"pairs": [{"question": "Is there a polyp?", "answer": ["yes"]}]}',
        "<question>Is there a polyp?</question>\n<answer>yes</answer>",
        "<think>They want a question: easy. Answer: whatever.</think>\nQuestion: Is there a polyp?\nAnswer: yes",
        "```\nQuestion: Is there a polyp?\nAnswer: yes\n```",
        "Question: Is there a polyp? Answer: \\boxed{yes}",
        "Question: Is there a polyp? Answer: yes<|im_end|>",
        "Question: Is there a polyp?\nType: yes/no\nAnswer: yes",
        "Question: Is there a polyp?\nAnswer: yes\nExplanation: a round lesion rises from the wall.",
        "Question: Is there a polyp? Answer: yes. Explanation: a round lesion rises from the wall.",
        "Question: Is there a polyp? Answer: yes\nThe polyp is red.",
        "Question: 1. Is there a polyp?\nAnswer: - yes",
        "Answer: yes\nQuestion: Is there a polyp?",
        "Is there a polyp?\nAnswer: yes",
        "Here is a question for this image. Is there a polyp? (Answer: yes)",
        "Is there a polyp? Yes".replace("Yes", "yes"),
        "1. Is there a polyp? - yes",
        "- Is there a polyp? → **yes**",
        "Is there a polyp?\n\nyes",
        "| Is there a polyp? | yes |",
        "Question: Is there a polyp？ Answer：yes",
        "Question: Is there\x00 a\u202e polyp?\tAnswer: yes\x07",
        "Question: Is it Question: Is there a polyp? Answer: yes",
        "Question: What then? Question: Is there a polyp? Answer: yes",
    ],
)
def test_a_pair_is_read_however_it_was_written(text):
    assert parse_pairs(text) == [POLYP]
    assert parse_pair(text) == POLYP


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        (
            "Question: Where are the bubbles? Name every region. Answer: center; upper-left",
            ("Where are the bubbles? Name every region.", "center; upper-left"),
        ),
        ("Question: Name every finding. Answer: polyp; stool", ("Name every finding.", "polyp; stool")),
        ("Question: ポリープはありますか？ Answer: はい。", ("ポリープはありますか?", "はい")),
        ("Question: ¿Hay un pólipo? Answer: sí", ("¿Hay un pólipo?", "sí")),
        ("Frage: Sieht man einen Polypen?\nAntwort: ja", ("Sieht man einen Polypen?", "ja")),
        ("Question: How large is it? Answer: 5.5 mm", ("How large is it?", "5.5 mm")),
        ("Question: How much is covered? Answer: over 16 %.", ("How much is covered?", "over 16 %")),
        ("Question: Which mark is A: the star? Answer: A", ("Which mark is A: the star?", "A")),
        ("Question: What is seen? Answer: A polyp. It is red.", ("What is seen?", "A polyp. It is red")),
        ('{"question": "Where is it?", "answer": ["center", "upper-left"]}', ("Where is it?", "center; upper-left")),
        (
            "Question: What colour is it?\nA) red\nB) blue\nC) green\nAnswer: B",
            ("What colour is it: red, blue or green?", "blue"),
        ),
        (
            "Question: What colour is it? Options: (A) red (B) blue\nAnswer: (A) red",
            ("What colour is it: red or blue?", "red"),
        ),
        ("Q: What colour is it?\nA. red\nB. blue\nAnswer: B. blue", ("What colour is it: red or blue?", "blue")),
        ("Question: Is it red or blue? Answer: red (as far as seen)", ("Is it red or blue?", "red (as far as seen)")),
    ],
)
def test_question_and_answer_keep_their_words(text, pair):
    assert parse_pairs(text) == [pair]


# --- Several -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Question: Is there a polyp? Answer: yes Question: How many polyps are there? Answer: 2",
        "Q: Is there a polyp? A: yes Q: How many polyps are there? A: 2",
        "Q1: Is there a polyp?\nA1: yes\n\nQ2: How many polyps are there?\nA2: 2",
        "1. Is there a polyp?\nAnswer: yes\n2. How many polyps are there?\nAnswer: 2",
        "1. Is there a polyp? (Answer: yes)\n2. How many polyps are there? (Answer: 2)",
        "1. Is there a polyp? yes\n2. How many polyps are there? 2",
        "1) Is there a polyp?\n   - yes\n2) How many polyps are there?\n   - 2\n\nThat is all.",
        "- **Is there a polyp?** yes\n- **How many polyps are there?** 2",
        "Answer: yes\nQuestion: Is there a polyp?\n\nAnswer: 2\nQuestion: How many polyps are there?",
        '{"question": "Is there a polyp?", "answer": "yes"}\n{"question": "How many polyps are there?", "answer": "2"}',
        '{"Q1": "Is there a polyp?", "A1": "yes", "Q2": "How many polyps are there?", "A2": 2}',
        "<q>Is there a polyp?</q><a>yes</a><q>How many polyps are there?</q><a>2</a>",
        "Question: Is there a polyp?\nAnswer: yes\nQuestion: Where?\nQuestion: How many polyps are there?\nAnswer: 2",
        "Question: Is there a polyp? Answer: yes Question: Is there a polyp? Answer: yes\n"
        "Question: How many polyps are there? Answer: 2 Question: Is there a sna",
        FENCED,
        HEADED,
        TABLE,
    ],
)
def test_every_pair_of_a_text_is_read(text):
    assert parse_pairs(text) == [POLYP, COUNT]


def test_chatter_around_pairs_is_no_pair():
    assert parse_pairs(CHATTY) == [("Is there a polyp?", "Yes"), COUNT]


# --- None --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "A red star lies above a ring.", "Question:", "Answer: yes", "Question: Answer:",
        "Question: Is it red? Answer:", "Question: Is it red? Answer: ...", "Question: ? Answer: no",
        'Question: Is it red? Answer: ""', "Question: Is it red? Answer: N/A", "Question: Is it red? Answer: [answer]",
        "Question: [your question] Answer: [the answer]", "Question: <question>\nAnswer: <answer>",
        "Answer: yes Question: Is it red?", "Question: polyp Answer: yes", "Question: Is it red?", "Q: Is it red?\nA:",
        "Question: Is it red? Answer: Question: Is it blue?", "Is it red?", "1. Is it red?\n2. Is it blue?",
        '{"question": "Is it red?"}', '{"question": null, "answer": null}', '{"question": {}, "answer": []}',
        "I'm sorry, but I can't help with medical images.", "As an AI model, I cannot answer: ask a doctor.",
        f"Question: Is it {'very ' * 100}red? Answer: yes", f"Question: Is it red? Answer: {'yes ' * 100}",
        ":" * 50, "Question" * 2000, "question: " * 2000, "Question: Is it? Answer: " + "\n" * 5000,
        "\ud800Question: \udfff", "[" * 20_000, '{"question":' * 2000, "A) " * 5000, "Question 1 " * 1500,
    ],
)  # fmt: skip
def test_what_is_no_pair_is_none(text):
    assert parse_pairs(text) == [] and parse_pair(text) is None


def test_reading_never_raises_and_ends_soon():
    rng = random.Random(0)
    pieces = (
        "Question:", "Answer:", "Q:", "A:", "Q1.", "A)", "?", "\n", " or ", ", ", ": ", "is the ", '"', "*", "\x00",
        "é", "名", "yes", "{", "}", "[", "<a>", "</think>", "### Answer\n", "|", "- ", "\\boxed{",
    )  # fmt: skip
    for _ in range(3000):
        text = "".join(rng.choices(pieces, k=rng.randrange(16)))
        assert all(question and answer for question, answer in parse_pairs(text))
        assert isinstance(read_answer(text), str)
        assert isinstance(parse_choices(text), tuple)
        assert question_type(text, text[::-1]) in QUESTION_TYPES


def test_what_was_written_as_a_pair_reads_back():
    rng = random.Random(1)
    scenes = [draw_scene(rng) for _ in range(40)]
    asked = [ask(scene, rng, kind) for scene in scenes for kind in QUESTION_TYPES]
    for one in filter(None, asked):
        assert parse_pairs(prompts.pair_text(one.question, one.answer)) == [(one.question, one.answer)]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", "yes"), (" Yes.\nIt is red.", "Yes"), ("2 Question: Is it red? Answer: no", "2"), ("**red**", "red"),
        ("no. Explanation: nothing rises", "no"), ("…", ""), ("", ""), ("\\boxed{4}", "4"), ("- blue", "blue"),
    ],
)  # fmt: skip
def test_an_answer_alone_is_read(text, answer):
    assert read_answer(text) == answer
