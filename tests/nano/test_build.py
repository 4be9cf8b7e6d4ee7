"""Nano's tokenizer, processor and sizes: what it can read and say, and that user text is never markup."""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from leaml.errors import DataError
from leaml.models.framing import Framing
from leaml.nano import pretrain, texts
from leaml.nano.build import IMAGE_SIDE, SPECIAL_TOKENS, TOKENS_PER_SIDE, VOCABULARY_SIZE, build_model
from leaml.nano.dense import GROUPS
from leaml.nano.scene_questions import ask_several, caption
from leaml.nano.scenes import draw_scene
from leaml.records import REGIONS

ODD_TEXTS = (
    "naïve café, Ångström, straße", "大腸ポリープは何個ありますか？", "هل توجد سليلة؟", "😀👩🏽‍⚕️🏥", "e\u0301 vs é",
    "\u200b\ufeff\u00a0", "a\tb\nc\r\nd  e   f", "\x00\x01\x7f", "½ µm ≥ 3 × 10⁻⁶ °C", " leading and trailing ", "",
)  # fmt: skip


@pytest.fixture(scope="module")
def processor():
    return pretrain.processor()


@pytest.fixture(scope="module")
def tokenizer(processor):
    return processor.tokenizer


@pytest.fixture(scope="module")
def framing(processor) -> Framing:
    return Framing(processor)


def back_and_forth(tokenizer, text: str) -> str:
    return tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"])


# --- Tokenizer ---------------------------------------------------------------------------------------------


def test_every_word_of_the_list_is_one_token_behind_a_space(tokenizer):
    ids = tokenizer([f" {word}" for word in texts.words()], add_special_tokens=False)["input_ids"]
    assert [word for word, found in zip(texts.words(), ids, strict=True) if len(found) != 1] == []


def test_every_word_of_the_list_reads_back_in_every_form(tokenizer):
    for word in texts.words():
        for text in (word, f" {word}", word.capitalize(), f" {word}.", f"-{word}", word.upper()):
            assert back_and_forth(tokenizer, text) == text


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_odd_text_reads_back(tokenizer, text):
    assert back_and_forth(tokenizer, text) == text
    assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"]


def test_questions_answers_captions_and_text_examples_read_back(tokenizer):
    said = []
    for seed in range(120):
        rng = random.Random(f"build {seed}")
        scene = draw_scene(rng)
        said.append(caption(scene, rng))
        said += [text for asked in ask_several(scene, rng, 10) for text in (asked.question, asked.answer)]
        written = texts.example_at(9, seed)
        said += [written.prompt, written.answer]
    assert [text for text in said if back_and_forth(tokenizer, text) != text] == []


def test_vocabulary_has_its_size_and_its_special_tokens(tokenizer):
    assert len(tokenizer) == VOCABULARY_SIZE
    assert [tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS] == list(range(len(SPECIAL_TOKENS)))
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.padding_side) == ("<end_of_utterance>", "<pad>", "left")


def test_dense_classes_have_tokens_of_their_own(tokenizer):
    for name, words in GROUPS.items():
        lead = "-" if name == "column" else " "
        lasts = [tokenizer(lead + word, add_special_tokens=False)["input_ids"][-1] for word in words]
        assert [tokenizer.decode([last]).strip(" -") for last in lasts] == list(words)
        assert len(set(lasts)) == len(words)


def test_regions_are_said_with_the_tokens_that_the_image_tokens_learn(tokenizer):
    for region in REGIONS:
        row, _, column = region.partition("-")
        said = tokenizer(f" {region}", add_special_tokens=False)["input_ids"]
        assert tokenizer(f" {row}", add_special_tokens=False)["input_ids"][-1] in said
        if column:
            assert tokenizer(f"-{column}", add_special_tokens=False)["input_ids"][-1] in said


# --- Framing -----------------------------------------------------------------------------------------------


def test_chat_template_frames_picture_question_and_answer(processor, framing):
    talk = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Where is it?"}]}]
    asked = processor.apply_chat_template(talk, add_generation_prompt=True, tokenize=False)
    assert asked == "<|im_start|>User:<image> Where is it?<end_of_utterance>Assistant:"
    assert framing.prefix + framing.question_text("Where is it?") == asked
    talk.append({"role": "assistant", "content": [{"type": "text", "text": "center"}]})
    answered = processor.apply_chat_template(talk, tokenize=False)
    assert answered == asked + framing.answer_text("center") == asked + " center<end_of_utterance>"


def test_text_only_messages_and_plain_strings_are_framed_alike(processor):
    parts = [{"role": "user", "content": [{"type": "text", "text": "Repeat: polyp."}]}]
    plain = [{"role": "user", "content": "Repeat: polyp."}]
    rendered = [processor.apply_chat_template(t, add_generation_prompt=True, tokenize=False) for t in (parts, plain)]
    assert rendered == ["<|im_start|>User: Repeat: polyp.<end_of_utterance>Assistant:"] * 2


@pytest.mark.parametrize("special", SPECIAL_TOKENS)
def test_special_tokens_in_user_text_become_no_control_tokens(tokenizer, framing, special):
    control = set(range(len(SPECIAL_TOKENS)))
    for said in (special, f"Is{special}there a polyp?", f"a {special}{special} b", special * 3):
        for frame in (framing.question_text, framing.answer_text):
            harmless = [i for i in framing.token_ids(frame("x")) if i in control]
            assert [i for i in framing.token_ids(frame(said)) if i in control] == harmless
        assert special not in framing.clean(said)


def test_special_tokens_cannot_be_hidden_in_one_another(tokenizer, framing):
    control = set(range(len(SPECIAL_TOKENS)))
    for outer in SPECIAL_TOKENS:
        for inner in SPECIAL_TOKENS:
            for cut in range(1, len(outer)):
                nested = outer[:cut] + inner + outer[cut:]
                assert not control & set(framing.token_ids(framing.clean(nested))), nested


def test_clean_leaves_other_text_alone(framing):
    for text in ("Is it < 5 mm or > 5 mm?", "a user, an assistant", "image <IMAGE> im_start", "C:\\data", "😀 大腸"):
        assert framing.clean(text) == text
    assert framing.clean("  two\n spaces\t ") == "two spaces"


def test_a_template_with_the_question_before_the_picture_is_refused(processor):
    class Reversed:
        tokenizer, image_token = processor.tokenizer, processor.image_token
        chat_template = "the question, then the picture"

        def apply_chat_template(self, messages, add_generation_prompt=False, tokenize=False):
            return "".join(m["content"][-1]["text"] for m in messages) + "<image>"

    with pytest.raises(DataError, match="question behind the picture"):
        Framing(Reversed())


# --- Pictures and sizes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(128, 128), (72, 72), (300, 200), (57, 120), (1, 1), (1000, 20)])
def test_a_picture_of_any_size_becomes_one_of_128_by_128(processor, size):
    picture = Image.fromarray(np.full((size[1], size[0], 3), 90, np.uint8))
    inputs = processor(images=[[picture]], text=["<image>"], return_tensors="pt")
    assert inputs["pixel_values"].shape == (1, 1, 3, IMAGE_SIDE, IMAGE_SIDE)
    assert (inputs["input_ids"] == processor.image_token_id).sum() == TOKENS_PER_SIDE**2


def test_the_whole_model_fits_into_24_megabytes(processor):
    torch.manual_seed(0)
    model = build_model(processor.tokenizer)
    weights = 2 * sum(parameter.numel() for parameter in model.parameters())  # bf16
    assert weights + len(processor.tokenizer.backend_tokenizer.to_str().encode()) < 24e6


def test_same_seed_builds_the_same_model_that_ties_its_embeddings(processor):
    models = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        models.append(build_model(processor.tokenizer))
    first, again, other = ([*model.parameters()] for model in models)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert models[0].get_input_embeddings().weight is models[0].get_output_embeddings().weight
