"""What `benchmarks.throughput` works on: two models, and the sample project's pictures with six questions on each.

    work = WORKS["nano"](torch.device("cpu"), torch.float32)
    work.model, work.framing, work.examples[0].turns
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks.report import ROOT
from leaml.models.framing import Framing
from leaml.models.load import NANO, load
from leaml.models.structure import base_model
from leaml.nano.build import CHAT_TEMPLATE
from leaml.training.batches import Example, Turn

SAMPLE = ROOT / "sample_data" / "colonoscopy-phantom"
QUESTIONS = 6
"""On each picture."""
MIDDLE_SIDE, MIDDLE_PATCH, MIDDLE_SHUFFLE = 512, 16, 2
MIDDLE_VISION = dict(hidden_size=384, intermediate_size=1152, num_hidden_layers=4, num_attention_heads=6)
MIDDLE_LANGUAGE = dict(
    hidden_size=512, intermediate_size=1408, num_hidden_layers=8, num_attention_heads=8, num_key_value_heads=4,
    max_position_embeddings=2048, rms_norm_eps=1e-5, tie_word_embeddings=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Work:
    """One model, and what it is asked."""

    name: str
    model: Any
    processor: Any
    framing: Framing
    examples: list[Example]
    """Pictures as files, each with `QUESTIONS` questions; an answer weighs as many as it has tokens, as TRL has it."""

    def words(self) -> str:
        count = sum(parameter.numel() for parameter in base_model(self.model).parameters())
        tokens = len(self.framing.look([self.examples[0].image])[0].ids)
        return f"{count / 1e6:.1f} M parameters, {tokens} tokens before a question, {QUESTIONS} questions per picture"


def work(name: str, model: Any, processor: Any, folder: Path = SAMPLE) -> Work:
    """The model with the questions of the project in `folder`."""
    framing = Framing(processor)
    asked: dict[str, list[Turn]] = {}
    for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        weight = float(len(framing.token_ids(framing.answer_text(row["answer"]))))
        asked.setdefault(row["image"], []).append(Turn(row["question"], row["answer"], weight))
    enough = [(image, turns) for image, turns in asked.items() if len(turns) >= QUESTIONS]
    return Work(
        name, model.eval(), processor, framing,
        [Example(folder / image, tuple(turns[:QUESTIONS])) for image, turns in enough],
    )  # fmt: skip


def nano(device: torch.device, dtype: torch.dtype) -> Work:
    """The embedded model: 64 image tokens for a picture."""
    loaded = load("nano", device, dtype)
    return work("nano", loaded.model, loaded.processor)


def middle(device: torch.device, dtype: torch.dtype) -> Work:
    """Nano's family with random weights: 1,024 patches and 256 image tokens for a picture."""
    words = transformers.AutoTokenizer.from_pretrained(NANO, local_files_only=True)
    side = {"longest_edge": MIDDLE_SIDE}
    processor = transformers.Idefics3Processor(
        transformers.Idefics3ImageProcessorPil(size=side, max_image_size=side, do_image_splitting=False), words,
        image_seq_len=(MIDDLE_SIDE // MIDDLE_PATCH // MIDDLE_SHUFFLE) ** 2, chat_template=CHAT_TEMPLATE,
    )  # fmt: skip
    config = transformers.Idefics3Config(
        vision_config=MIDDLE_VISION | {"image_size": MIDDLE_SIDE, "patch_size": MIDDLE_PATCH},
        text_config=transformers.LlamaConfig(**MIDDLE_LANGUAGE, vocab_size=len(words), eos_token_id=words.eos_token_id),
        scale_factor=MIDDLE_SHUFFLE, image_token_id=words.convert_tokens_to_ids("<image>"),
        pad_token_id=words.pad_token_id, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.Idefics3ForConditionalGeneration(config).to(device, dtype)
    model.generation_config.pad_token_id = words.pad_token_id
    return work("middle", model, processor)


WORKS: dict[str, Callable[[torch.device, torch.dtype], Work]] = {"nano": nano, "middle": middle}
