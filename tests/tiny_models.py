"""Small random models of several families, built offline in milliseconds, with the real classes of transformers.

`idefics3` (nano's family) and `qwen2_5_vl` come with a processor; the others are models alone. `qwen2_5_vl` and
`llava_pixtral` have gated feed-forward triples in their vision tower too: what looks for neurons must tell the two
apart.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

WIDTH, LAYERS, NEURONS, VOCABULARY, PICTURE, PATCH = 32, 3, 48, 320, 32, 8

TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "intermediate_size": NEURONS,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
VISION = {
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": PICTURE,
    "patch_size": PATCH,
}
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
IDEFICS3_TOKENS = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>"]
QWEN_TOKENS = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]


def tokenizer(special: list[str], **named: str) -> transformers.PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with `special` tokens, `named` among them (`image_token="<image>"`)."""
    bytes_only = Tokenizer(BPE())
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<pad>", "<s>", "</s>", "<unk>", *special, "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bytes_only.train_from_iterator(["What is shown in the image? a polyp in the colon. yes no"], trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=bytes_only,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        padding_side="left",
        extra_special_tokens=named,
    )


def idefics3(seed: int = 0) -> tuple[Any, Any]:
    """Model and processor of nano's family."""
    words = tokenizer(IDEFICS3_TOKENS, image_token="<image>")
    pictures = transformers.Idefics3ImageProcessorPil(
        size={"longest_edge": PICTURE}, max_image_size={"longest_edge": PICTURE}, do_image_splitting=False
    )
    processor = transformers.Idefics3Processor(
        image_processor=pictures,
        tokenizer=words,
        image_seq_len=(PICTURE // PATCH // 2) ** 2,
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<image>"),
    )
    config = transformers.Idefics3Config(
        vision_config=VISION,
        text_config=transformers.LlamaConfig(**TEXT, tie_word_embeddings=True),
        scale_factor=2,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
        tie_word_embeddings=True,
    )
    return _random(transformers.Idefics3ForConditionalGeneration, config, seed), processor


def qwen2_5_vl(seed: int = 0) -> tuple[Any, Any]:
    """Model and image-only parts of a processor of a family whose own processor wants torchvision for video."""
    words = tokenizer(QWEN_TOKENS, image_token="<|image_pad|>", video_token="<|video_pad|>")
    pictures = transformers.Qwen2VLImageProcessorPil(patch_size=PATCH, min_pixels=PICTURE**2, max_pixels=PICTURE**2)
    ids = {name: words.convert_tokens_to_ids(token) for name, token in zip("seiv", QWEN_TOKENS, strict=True)}
    config = transformers.Qwen2_5_VLConfig(
        text_config=TEXT | {"rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}},
        vision_config={
            "hidden_size": 24, "out_hidden_size": WIDTH, "intermediate_size": 40, "depth": 2, "num_heads": 2,
            "patch_size": PATCH, "window_size": 32, "fullatt_block_indexes": [1],
        },
        vision_start_token_id=ids["s"], vision_end_token_id=ids["e"],
        image_token_id=ids["i"], video_token_id=ids["v"],
    )  # fmt: skip
    return _random(transformers.Qwen2_5_VLForConditionalGeneration, config, seed), (pictures, words)


def llava_pixtral(seed: int = 0, text: Any = None) -> Any:
    """LLaVA: a Pixtral tower (gated feed-forwards) and a Llama, or the language model of the config `text`."""
    tower = transformers.PixtralVisionConfig(
        hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2, image_size=PICTURE,
        patch_size=PATCH, head_dim=12,
    )  # fmt: skip
    config = transformers.LlavaConfig(
        vision_config=tower,
        text_config=text or transformers.LlamaConfig(**TEXT),
        image_token_id=5,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    return _random(transformers.LlavaForConditionalGeneration, config, seed)


def gemma3(seed: int = 0) -> Any:
    """Gemma 3: a SigLIP tower and a Gemma 3 language model."""
    config = transformers.Gemma3Config(
        vision_config=VISION | {"vision_use_head": False},
        text_config=TEXT | {"sliding_window": 64},
        mm_tokens_per_image=4,
        image_token_id=5,
        boi_token_index=6,
        eoi_token_index=7,
    )
    return _random(transformers.Gemma3ForConditionalGeneration, config, seed)


def fused(seed: int = 0) -> Any:
    """LLaVA around a Phi-3, whose gate and up are one matrix."""
    sizes = {name: value for name, value in TEXT.items() if name != "head_dim"}
    return llava_pixtral(seed, transformers.Phi3Config(**sizes))


def experts(seed: int = 0) -> Any:
    """LLaVA around a Qwen3 mixture of experts, dense in its first layer."""
    text = transformers.Qwen3MoeConfig(
        **TEXT, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16, mlp_only_layers=[0]
    )
    return llava_pixtral(seed, text)


def pictures_and_questions(processor: Any, rows: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    """A left-padded batch: one random picture and one question per row, the questions of different lengths.

    Returns:
        `input_ids` and `attention_mask`: (rows, tokens); `pixel_values` and what else the family wants.
    """
    generator = torch.Generator().manual_seed(seed)
    talks = []
    for row in range(rows):
        pixels = torch.randint(0, 256, (PICTURE, PICTURE, 3), generator=generator, dtype=torch.uint8)
        picture = {"type": "image", "image": Image.fromarray(pixels.numpy())}
        question = {"type": "text", "text": "Is there a polyp?" + " Where is it?" * row}
        talks.append([{"role": "user", "content": [picture, question]}])
    batch = processor.apply_chat_template(
        talks,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={"padding": True},
    )
    return dict(batch)


def noise(folder: Path, count: int) -> list[Path]:
    """Pictures of noise in `folder`, 00.png, 01.png, …, all different."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:02}.png" for number in range(count)]
    for number, path in enumerate(paths):
        pixels = np.random.default_rng(number).integers(0, 256, (PICTURE, PICTURE, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


def text_only(rows: int = 2, tokens: int = 9, seed: int = 0) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask`: (rows, tokens), for a family without a processor here."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(20, VOCABULARY, (rows, tokens), generator=generator)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _random(model_class: type, config: Any, seed: int) -> Any:
    """A model of `config` with random weights."""
    return fill(model_class(config), seed)


def fill(model: Any, seed: int = 0) -> Any:
    """The model in evaluation mode, with random weights, large enough that every neuron makes a difference."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return model.eval()
