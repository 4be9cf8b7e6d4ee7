"""Small random models of the families of the README's table, each with its processor, saved as a hub would have them.

    folder = save("qwen3_vl", tmp_path)        # to load with leaml.models.load

Every picture gets a number of image tokens of its own where the family has it so: split into crops, or resized by its
aspect. Chat templates have the shape of the family's own.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from leaml.models.processors import image_only
from tests import tiny_models
from tests.tiny_models import PATCH, PICTURE, TEXT, VISION, WIDTH

VOCABULARY = 1600
"""PaliGemma's processor adds 1,152 tokens for places and shapes."""
LANGUAGE = TEXT | {"vocab_size": VOCABULARY, "num_hidden_layers": 2, "max_position_embeddings": 512}
SIDE = {"height": PICTURE, "width": PICTURE}
LONGEST = {"longest_edge": PICTURE}
CROPS = [[PICTURE, 2 * PICTURE], [2 * PICTURE, PICTURE]]
TOKENS = (PICTURE // PATCH) ** 2
"""Image tokens of one crop, where nothing merges them."""

IM_START = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPOKEN = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}:{% else %}: {% endif %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
SHOUTED = (
    "{% for message in messages %}{% if message['role'] == 'user' %}USER: {% else %}ASSISTANT: {% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{% if message['role'] == 'user' %} {% else %}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
TURNS = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<start_of_image>{% else %}{{ part['text'] | trim }}{% endif %}{% endfor %}"
    "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


def save(family: str, folder: Path, seed: int = 0) -> Path:
    """Writes model and processor of a family into `folder`; the same at every call with the same seed."""
    torch.manual_seed(seed)
    model, processor = FAMILIES[family]()
    tiny_models.fill(model, seed).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


# --- The families ------------------------------------------------------------------------------------------

SMOL = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>"]
SMOL_NAMES = dict(zip(("fake_image_token", "image_token", "end_of_utterance_token", "global_image_token"), SMOL))


def idefics3() -> tuple[Any, Any]:
    """Cut into crops, as SmolVLM-256M and 500M have it."""
    words = tiny_models.tokenizer(SMOL, image_token="<image>")
    pictures = transformers.Idefics3ImageProcessorPil(size={"longest_edge": 2 * PICTURE}, max_image_size=LONGEST)
    processor = transformers.Idefics3Processor(pictures, words, image_seq_len=TOKENS // 4, chat_template=SPOKEN)
    config = transformers.Idefics3Config(
        vision_config=VISION, text_config=transformers.LlamaConfig(**LANGUAGE), scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"), pad_token_id=0,
    )  # fmt: skip
    return transformers.Idefics3ForConditionalGeneration(config), processor


def smolvlm2() -> tuple[Any, Any]:
    words = tiny_models.tokenizer(SMOL, **SMOL_NAMES)
    pictures = transformers.SmolVLMImageProcessorPil(size={"longest_edge": 2 * PICTURE}, max_image_size=LONGEST)
    family = image_only(transformers.SmolVLMProcessor)
    processor = family(pictures, words, None, image_seq_len=TOKENS // 4, chat_template=SPOKEN)
    config = transformers.SmolVLMConfig(
        vision_config=VISION, text_config=transformers.LlamaConfig(**LANGUAGE), scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"), pad_token_id=0,
    )  # fmt: skip
    return transformers.SmolVLMForConditionalGeneration(config), processor


QWEN = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]


def _qwen(family: type, model: type, config: type, text: dict[str, Any], vision: dict[str, Any], patch: int):
    """Resized by aspect, with three-way rotary positions."""
    names = ("vision_bos_token", "vision_eos_token", "image_token", "video_token")
    words = tiny_models.tokenizer(QWEN, **dict(zip(names, QWEN, strict=True)))
    pictures = transformers.Qwen2VLImageProcessorPil(
        patch_size=patch, size={"shortest_edge": 4 * patch**2, "longest_edge": 64 * patch**2}
    )
    template = IM_START.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    processor = image_only(family)(pictures, words, chat_template=template)
    ids = dict(zip(("vision_start", "vision_end", "image", "video"), map(words.convert_tokens_to_ids, QWEN)))
    return model(config(
        text_config=LANGUAGE | text, vision_config={"depth": 2, "num_heads": 2, "patch_size": patch} | vision,
        **{f"{name}_token_id": token for name, token in ids.items()},
    )), processor  # fmt: skip


MROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}}


def qwen2_vl() -> tuple[Any, Any]:
    vision = {"embed_dim": 24, "hidden_size": WIDTH, "mlp_ratio": 2}
    return _qwen(
        transformers.Qwen2VLProcessor, transformers.Qwen2VLForConditionalGeneration, transformers.Qwen2VLConfig,
        MROPE, vision, PATCH,
    )  # fmt: skip


def qwen2_5_vl() -> tuple[Any, Any]:
    vision = {"hidden_size": 24, "out_hidden_size": WIDTH, "intermediate_size": 40, "window_size": 32}
    return _qwen(
        transformers.Qwen2_5_VLProcessor, transformers.Qwen2_5_VLForConditionalGeneration,
        transformers.Qwen2_5_VLConfig, MROPE, vision | {"fullatt_block_indexes": [1]}, PATCH,
    )  # fmt: skip


def qwen3_vl() -> tuple[Any, Any]:
    vision = {"hidden_size": 24, "out_hidden_size": WIDTH, "intermediate_size": 40, "num_position_embeddings": 64}
    rope = {"rope_parameters": MROPE["rope_parameters"] | {"mrope_interleaved": True, "mrope_section": [2, 1, 1]}}
    return _qwen(
        transformers.Qwen3VLProcessor, transformers.Qwen3VLForConditionalGeneration, transformers.Qwen3VLConfig,
        rope, vision | {"deepstack_visual_indexes": [0]}, PATCH,
    )  # fmt: skip


def llava() -> tuple[Any, Any]:
    """With a tokenizer that puts a space before every text, as those of Llama 2 do."""
    words = spaced_tokenizer(["<image>"], image_token="<image>")
    pictures = transformers.CLIPImageProcessorPil(size={"shortest_edge": PICTURE}, crop_size=SIDE)
    processor = transformers.LlavaProcessor(
        pictures, words, patch_size=PATCH, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=SHOUTED,
    )  # fmt: skip
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**VISION), text_config=transformers.LlamaConfig(**LANGUAGE),
        image_token_id=words.convert_tokens_to_ids("<image>"), vision_feature_layer=-1,
    )  # fmt: skip
    return transformers.LlavaForConditionalGeneration(config), processor


def llava_next() -> tuple[Any, Any]:
    words = tiny_models.tokenizer(["<image>"], image_token="<image>")
    pictures = transformers.LlavaNextImageProcessorPil(
        size={"shortest_edge": PICTURE}, crop_size=SIDE, image_grid_pinpoints=CROPS
    )
    processor = transformers.LlavaNextProcessor(
        pictures, words, patch_size=PATCH, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=SHOUTED,
    )  # fmt: skip
    config = transformers.LlavaNextConfig(
        vision_config=transformers.CLIPVisionConfig(**VISION), text_config=transformers.MistralConfig(**LANGUAGE),
        image_token_id=words.convert_tokens_to_ids("<image>"), vision_feature_layer=-1, image_grid_pinpoints=CROPS,
    )  # fmt: skip
    return transformers.LlavaNextForConditionalGeneration(config), processor


def llava_onevision() -> tuple[Any, Any]:
    words = tiny_models.tokenizer(["<image>", "<video>"], image_token="<image>", video_token="<video>")
    pictures = transformers.LlavaOnevisionImageProcessorPil(size=SIDE, image_grid_pinpoints=CROPS)
    processor = image_only(transformers.LlavaOnevisionProcessor)(
        pictures, words, num_image_tokens=TOKENS, vision_feature_select_strategy="full",
        chat_template=IM_START.replace("IMAGE", "<image>"),
    )  # fmt: skip
    config = transformers.LlavaOnevisionConfig(
        vision_config=transformers.SiglipVisionConfig(**VISION, vision_use_head=False),
        text_config=transformers.Qwen2Config(**LANGUAGE), image_grid_pinpoints=CROPS,
        image_token_id=words.convert_tokens_to_ids("<image>"), video_token_id=words.convert_tokens_to_ids("<video>"),
    )  # fmt: skip
    return transformers.LlavaOnevisionForConditionalGeneration(config), processor


def internvl() -> tuple[Any, Any]:
    special = ["<IMG_CONTEXT>", "<img>", "</img>", "<video>"]
    names = ("context_image_token", "start_image_token", "end_image_token", "video_token")
    words = tiny_models.tokenizer(special, **dict(zip(names, special, strict=True)))
    pictures = transformers.GotOcr2ImageProcessorPil(size=SIDE, crop_to_patches=True, min_patches=1, max_patches=3)
    processor = image_only(transformers.InternVLProcessor)(
        pictures, words, image_seq_length=TOKENS // 4, chat_template=IM_START.replace("IMAGE", "<IMG_CONTEXT>\n")
    )
    vision = VISION | {"image_size": [PICTURE] * 2, "patch_size": [PATCH] * 2}
    config = transformers.InternVLConfig(
        vision_config=vision, text_config=transformers.Qwen2Config(**LANGUAGE), image_seq_length=TOKENS // 4,
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"), tie_word_embeddings=False,
    )  # fmt: skip
    return transformers.InternVLForConditionalGeneration(config), processor


def gemma3() -> tuple[Any, Any]:
    """Image tokens see each other both ways; every other layer looks back a few tokens only. MedGemma is one."""
    special = ["<start_of_image>", "<end_of_image>", "<image_soft_token>", "<start_of_turn>", "<end_of_turn>"]
    names = ("boi_token", "eoi_token", "image_token")
    words = tiny_models.tokenizer(special, **dict(zip(names, special)))
    pictures = transformers.Gemma3ImageProcessorPil(size=SIDE)
    processor = transformers.Gemma3Processor(pictures, words, image_seq_length=4, chat_template=TURNS)
    ids = dict(zip(("boi_token_index", "eoi_token_index", "image_token_id"), map(words.convert_tokens_to_ids, special)))
    config = transformers.Gemma3Config(
        vision_config=VISION | {"vision_use_head": False}, mm_tokens_per_image=4, **ids,
        text_config=LANGUAGE | {"sliding_window": 24, "layer_types": ["sliding_attention", "full_attention"]},
    )  # fmt: skip
    return transformers.Gemma3ForConditionalGeneration(config), processor


def paligemma() -> tuple[Any, Any]:
    """No chat template: picture, question, a new line; picture and question are read both ways."""
    words = tiny_models.tokenizer(["<image>"], image_token="<image>")
    pictures = transformers.SiglipImageProcessorPil(size=SIDE, image_seq_length=TOKENS)
    processor = transformers.PaliGemmaProcessor(pictures, words)
    config = transformers.PaliGemmaConfig(
        vision_config=VISION | {"vision_use_head": False, "projection_dim": WIDTH}, projection_dim=WIDTH,
        text_config=LANGUAGE | {"model_type": "gemma"}, image_token_id=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    return transformers.PaliGemmaForConditionalGeneration(config), processor


FAMILIES: dict[str, Callable[[], tuple[Any, Any]]] = {
    build.__name__: build
    for build in (
        idefics3, smolvlm2, qwen2_vl, qwen2_5_vl, qwen3_vl, llava, llava_next, llava_onevision, internvl, gemma3,
        paligemma,
    )
}  # fmt: skip


def spaced_tokenizer(special: list[str], **named: str) -> transformers.PreTrainedTokenizerFast:
    """A tokenizer that writes spaces as ▁ and puts one before every text it is given."""
    words = Tokenizer(BPE(unk_token="<unk>", byte_fallback=True))
    words.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    words.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    words.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    trainer = BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<s>", "</s>", "<unk>", *special, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    words.train_from_iterator(["USER: What is shown in the image? a polyp in the colon. yes no ASSISTANT:"], trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        padding_side="left", extra_special_tokens=named,
    )  # fmt: skip
