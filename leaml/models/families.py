"""Models to choose from: licence, size, and what of them was tested how. No torch.

    for known in KNOWN:
        known.model, known.licence, known.bytes("4bit")

Sizes: counted on the classes of transformers 5.23, built without weights from configurations after the published ones.
Licences and gates: to the best of our knowledge, written without a look at the pages of the day. What the page says
when a model is fetched is what counts, and `leaml download` shows it first.
"""

from dataclasses import dataclass

BITS = {"full": 16, "8bit": 8, "4bit": 4.127}
"""Of one weight of the language model's linear layers. NF4 with double quantisation spends 0.127 bits on its scales
(QLoRA, arXiv 2305.14314, section 3)."""
WHOLE_WAY = "small with random weights: prompt, loss, scores, both adapters, generating, choices, saving, merging"
CARDS = (6, 8, 12, 16, 24, 48)
"""Memory of usual graphics cards, in GiB."""
FITS = 0.7
"""Of a card's memory, what weights may take: activations and an adapter need the rest."""
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Known:
    """A model to choose.

    model: how it is named to the program. family: what transformers calls its kind. gated: given only to people who
    have accepted its terms. weights: how many, `linears` of them in the linear layers of the language model.
    """

    model: str
    family: str
    licence: str
    weights: int
    linears: int
    gated: bool = False

    def bytes(self, precision: str = "full") -> int:
        """Of its weights in `full` (bf16), `8bit` or `4bit`: what lies outside of the linear layers stays in bf16."""
        return round((self.linears * BITS[precision] + (self.weights - self.linears) * BITS["full"]) / 8)

    def gib(self, precision: str = "full") -> str:
        """The same as people read it."""
        size = self.bytes(precision) / GIB
        return f"{size:.1f}" if size >= 0.1 else f"{size:.2f}"

    def card(self, precision: str = "full") -> int | None:
        """Of `CARDS`, the smallest that leaves room to learn beside these weights; None where none does."""
        return next((card for card in CARDS if self.bytes(precision) <= FITS * card * GIB), None)

    @property
    def size(self) -> str:
        """How many weights, as people read it."""
        return f"{self.weights / 1e9:.1f} B" if self.weights >= 1e9 else f"{self.weights / 1e6:.0f} M"


APACHE, GEMMA, LLAMA = "Apache 2.0", "Gemma terms", "Llama 2 community"
HEALTH = "Health AI Developer Foundations"
RESEARCH = "Qwen research (not for commercial use)"

KNOWN = (
    Known("nano", "idefics3", f"{APACHE}, with this program", 5_767_488, 2_949_120),
    Known("HuggingFaceTB/SmolVLM-256M-Instruct", "idefics3", APACHE, 256_484_928, 106_168_320),
    Known("HuggingFaceTB/SmolVLM-500M-Instruct", "idefics3", APACHE, 507_482_304, 314_572_800),
    Known("HuggingFaceTB/SmolVLM-Instruct", "idefics3", APACHE, 2_246_272_880, 1_610_612_736),
    Known("HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "smolvlm", APACHE, 507_482_304, 314_572_800),
    Known("HuggingFaceTB/SmolVLM2-2.2B-Instruct", "smolvlm", APACHE, 2_246_784_880, 1_610_612_736),
    Known("Qwen/Qwen3-VL-2B-Instruct", "qwen3_vl", APACHE, 2_127_532_032, 1_409_286_144),
    Known("Qwen/Qwen3-VL-4B-Instruct", "qwen3_vl", APACHE, 4_437_815_808, 3_633_315_840),
    Known("Qwen/Qwen3-VL-8B-Instruct", "qwen3_vl", APACHE, 8_767_123_696, 6_945_767_424),
    Known("Qwen/Qwen2.5-VL-3B-Instruct", "qwen2_5_vl", RESEARCH, 3_754_622_976, 2_774_532_096),
    Known("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2_5_vl", APACHE, 8_292_166_656, 6_525_288_448),
    Known("Qwen/Qwen2-VL-2B-Instruct", "qwen2_vl", APACHE, 2_208_985_600, 1_310_195_712),
    Known("google/medgemma-4b-it", "gemma3", HEALTH, 4_300_079_472, 3_208_642_560, gated=True),
    Known("google/gemma-3-4b-it", "gemma3", GEMMA, 4_300_079_472, 3_208_642_560, gated=True),
    Known("google/paligemma2-3b-mix-224", "paligemma", GEMMA, 3_032_242_416, 2_024_275_968, gated=True),
    Known("OpenGVLab/InternVL3_5-2B-HF", "internvl", APACHE, 2_348_273_664, 1_409_286_144),
    Known("OpenGVLab/InternVL3_5-4B-HF", "internvl", APACHE, 4_732_415_488, 3_633_315_840),
    Known("llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "llava_onevision", APACHE, 893_675_552, 357_826_560),
    Known("llava-hf/llava-onevision-qwen2-7b-ov-hf", "llava_onevision", APACHE, 8_030_348_832, 6_525_288_448),
    Known("llava-hf/llava-v1.6-mistral-7b-hf", "llava_next", APACHE, 7_566_747_648, 6_979_321_856),
    Known("llava-hf/llava-1.5-7b-hf", "llava", LLAMA, 7_063_427_072, 6_476_005_376),
)
"""From those that are easiest to get, by family. Those of InternVL are counted as they are stored: with an output head
of its own, which a configuration that ties it to the embeddings spares."""
