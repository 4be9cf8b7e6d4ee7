"""How nano is built: its sizes, tokenizer, processor and chat template. Standard Idefics3 classes, nothing of our own.

    processor = build_processor(build_tokenizer())
    torch.manual_seed(0)
    model = build_model(processor.tokenizer)      # random weights
"""

import random
from collections.abc import Iterator

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    LlamaConfig,
    PreTrainedTokenizerFast,
)

from leaml.models import prompts
from leaml.nano import texts
from leaml.nano.scene_questions import ask, caption
from leaml.nano.scenes import draw_scene
from leaml.records import QUESTION_TYPES

IMAGE_SIDE = 128
PATCH_SIDE = 8
PIXEL_SHUFFLE = 2
TOKENS_PER_SIDE = IMAGE_SIDE // PATCH_SIDE // PIXEL_SHUFFLE
VOCABULARY_SIZE = 4096
SPECIAL_TOKENS = (
    "<pad>", "<|im_start|>", "<end_of_utterance>", "<unk>",
    "<fake_token_around_image>", "<image>", "<global-img>", "User:", "Assistant:",
)  # fmt: skip
CHAT_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}:"
    "{% if message['content'] is string %}{{ ' ' + message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ ' ' + part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<end_of_utterance>{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""As SmolVLM's, with a space before every text: a word is the same token at the start of an answer as inside one."""

VISION = dict(
    hidden_size=192, intermediate_size=576, num_hidden_layers=4, num_attention_heads=6,
    image_size=IMAGE_SIDE, patch_size=PATCH_SIDE,
)  # fmt: skip
LANGUAGE = dict(
    vocab_size=VOCABULARY_SIZE, hidden_size=256, intermediate_size=512, num_hidden_layers=5, num_attention_heads=8,
    num_key_value_heads=4, max_position_embeddings=2048, tie_word_embeddings=True, rms_norm_eps=1e-5,
)  # fmt: skip


def corpus(scenes: int = 1500, written: int = 12000) -> Iterator[str]:
    """The text that the tokenizer learns from: all that nano is trained on, and each word of the list in each form."""
    for index in range(scenes):
        rng = random.Random(f"tokenizer {index}")
        scene = draw_scene(rng)
        yield " " + caption(scene, rng)
        for kind in QUESTION_TYPES:
            asked = ask(scene, rng, kind)
            if asked:
                yield f" {asked.question}"
                yield f" {asked.answer}"
                yield " " + prompts.pair_text(asked.question, asked.answer)
        yield f" {prompts.CAPTION} {prompts.write_pair(rng.choice([None, *QUESTION_TYPES]))}"
    for index in range(written):
        example = texts.example_at(0, index)
        yield f" {example.prompt}"
        yield f" {example.answer}"
    for word in texts.words():
        yield f" {word} {word.capitalize()}. {word}-{word}" + f" {word}" * 20


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer; every text can be written in it, words of nano's list mostly as one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<pad>",
        unk_token="<unk>",
        padding_side="left",
        extra_special_tokens={"image_token": "<image>", "end_of_utterance_token": "<end_of_utterance>"},
        model_max_length=LANGUAGE["max_position_embeddings"],
    )


def build_processor(tokenizer: PreTrainedTokenizerFast) -> Idefics3Processor:
    """Pictures are resized to 128 × 128 and never split."""
    pictures = Idefics3ImageProcessorPil(
        size={"longest_edge": IMAGE_SIDE}, max_image_size={"longest_edge": IMAGE_SIDE}, do_image_splitting=False
    )
    return Idefics3Processor(
        image_processor=pictures, tokenizer=tokenizer, image_seq_len=TOKENS_PER_SIDE**2, chat_template=CHAT_TEMPLATE
    )


def build_model(tokenizer: PreTrainedTokenizerFast) -> Idefics3ForConditionalGeneration:
    """Nano with random weights; seed torch first."""
    text = LlamaConfig(
        **LANGUAGE,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config = Idefics3Config(
        vision_config=VISION,
        text_config=text,
        scale_factor=PIXEL_SHUFFLE,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    model = Idefics3ForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model
