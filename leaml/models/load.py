"""Load any image-text-to-text model of transformers with its processor, or `"nano"`, which ships with the project.

    loaded = load("nano")
    loaded.model, loaded.processor, loaded.device_reason, loaded.dtype_reason

Weights come from safetensors alone, and no code that came with a model is ever run. Pictures are prepared by the PIL
backend, with or without torchvision: the two backends resize differently, and an answer must not depend on what else
is installed.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForImageTextToText
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
from transformers.utils import cached_file

import leaml
from leaml.errors import ModelError
from leaml.models.processors import load_processor
from leaml.models.quantised import choose_weights, keep_differentiable, quantisation, remember_full_weights, samples

NANO = Path(leaml.__file__).parents[1] / "assets" / "nano"
"""Where the embedded model stands."""

LFS_NOTE = b"version https://git-lfs"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt")
ANOTHER_MODEL = "Choose a model such as Qwen3-VL, SmolVLM, Gemma 3 or LLaVA."


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that answers questions about pictures, and why it runs where and how it does."""

    model: Any
    """A `PreTrainedModel` in evaluation mode."""
    processor: Any
    name: str
    """As it was asked for: `nano`, the name on a hub, or the folder."""
    device_reason: str
    dtype_reason: str
    weights_reason: str


def load(
    name_or_folder: str | Path,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    precision: str = "auto",
) -> Loaded:
    """Load model and processor.

    Args:
        name_or_folder: `"nano"`, a folder, or a name on the Hugging Face hub (`owner/name`).
        device: where to run; chosen with a reason where not given.
        dtype: in which precision to compute, and to hold weights in full; chosen with a reason where not given.
        precision: of the language model's linear layers: `full`, `8bit`, `4bit`, or `auto` for a choice with a reason.

    Raises:
        ModelError: no such model, weights only as pickle, not an image-text-to-text model, a model that needs code of
            its own, missing weights, a missing package, or not enough memory.
    """
    source, is_folder = _locate(name_or_folder)
    device, device_reason = choose_device(device)
    dtype, dtype_reason = choose_dtype(device, dtype)
    options = {"local_files_only": is_folder, "trust_remote_code": False}
    with _translated_errors(str(name_or_folder)), _quiet(is_folder):
        config = AutoConfig.from_pretrained(source, **options)
        _refuse_other_tasks(config, str(name_or_folder))
        processor = load_processor(source, config, options)
        weights, weights_reason = choose_weights(precision, device, _size(source) if is_folder else 0, config)
        fewer_bits = quantisation(weights, config, dtype)
        # Weights in fewer bits are put where they stay while they are read.
        placed = {} if weights == "full" else {"device_map": {"": device}}
        model, found = AutoModelForImageTextToText.from_pretrained(
            source, config=config, dtype=dtype, use_safetensors=True, output_loading_info=True,
            quantization_config=fewer_bits, **placed, **options,
        )  # fmt: skip
        _refuse_missing_weights(found["missing_keys"], str(name_or_folder))
        model = model.eval() if placed else model.to(device).eval()
        if fewer_bits is not None:
            remember_full_weights(model, _folder_of(source, is_folder))
        keep_differentiable(model)
    return Loaded(model, processor, str(name_or_folder), device_reason, dtype_reason, weights_reason)


def choose_device(device: str | torch.device | None = None) -> tuple[torch.device, str]:
    """The device to run on, and why."""
    if device is not None:
        return torch.device(device), f"{device}: as asked for"
    if torch.cuda.is_available():
        return torch.device("cuda"), f"cuda: {torch.cuda.get_device_name()} is here"
    if torch.backends.mps.is_available():
        return torch.device("mps"), "mps: this Mac's GPU is here"
    return torch.device("cpu"), "cpu: no GPU that this PyTorch can use was found"


def choose_dtype(device: torch.device, dtype: torch.dtype | None = None) -> tuple[torch.dtype, str]:
    """The precision of the weights on `device`, and why: bf16 only where the hardware computes in it."""
    if dtype is not None:
        return dtype, f"{str(dtype).removeprefix('torch.')}: as asked for"
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16, "bfloat16: this GPU computes in it, at half the memory of float32"
    if device.type == "cpu":
        instructions = torch.cpu.get_capabilities()
        if any(instructions.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")):  # the last on ARM
            return torch.bfloat16, "bfloat16: this processor has instructions for it"
        return torch.float32, "float32: this processor has no bfloat16 instructions, so bfloat16 would be slower"
    return torch.float32, f"float32: bfloat16 is not supported well on this {device.type} device"


def fingerprint(model: Any) -> str:
    """A short hash that tells one model's weights from another's, in any precision.

    Names, shapes and at most 1,024 evenly spaced values of every parameter (as bfloat16) enter it, so that it takes
    moments at any size. Weights in 4 or 8 bits have the hash of the full ones that they were made of.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name, shape, sample in samples(model):
        digest.update(f"{name}{shape}".encode())
        digest.update(sample.view(torch.int16).numpy().tobytes())
    return digest.hexdigest()[:16]


def _locate(name_or_folder: str | Path) -> tuple[str, bool]:
    """Where to load from, and whether that is a folder here, whose files are checked before anything is loaded."""
    folder = NANO if name_or_folder == "nano" else Path(name_or_folder).expanduser()
    if folder.is_dir():
        _refuse_unusable_folder(folder)
        return str(folder), True
    looks_like_a_name = isinstance(name_or_folder, str) and name_or_folder.count("/") == 1
    if looks_like_a_name and not name_or_folder.startswith((".", "~", "/")):
        return name_or_folder, False
    raise ModelError(f"There is no model folder {folder}.", "Give a folder, a name such as owner/name, or nano.")


def _size(folder: str) -> int:
    """Bytes of the weights in a folder."""
    return sum(file.stat().st_size for file in Path(folder).glob("*.safetensors"))


def _folder_of(source: str, is_folder: bool) -> Path:
    """Where the files of a loaded model lie: in the folder itself, or in the hub's cache."""
    return Path(source) if is_folder else Path(cached_file(source, "config.json", local_files_only=True)).parent


def _refuse_unusable_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise ModelError(f"{folder} holds an adapter, not a model.", "Load its base model, then add the adapter.")
        raise ModelError(f"{folder} has no config.json.", "Give the folder that a model was saved into.")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model_type, own_code = config.get("model_type"), config.get("auto_map")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{folder / 'config.json'} cannot be read: {error}.", "Copy the model again.") from error
    if own_code and model_type not in CONFIG_MAPPING:
        raise ModelError(f"{folder} needs Python code of its own (auto_map), which is never run here.", ANOTHER_MODEL)
    if any(folder.glob("*.safetensors")):
        return _refuse_incomplete(folder)
    if any(file.suffix in PICKLE_SUFFIXES for file in folder.iterdir()):
        raise ModelError(
            f"{folder} holds its weights as pickle only, which can run code when it is opened.",
            "Get the model's safetensors files.",
        )
    raise ModelError(f"{folder} has no weights (*.safetensors).", "Copy the model again.")


def _refuse_incomplete(folder: Path) -> None:
    """By the list of parts that goes with large models, and by parts that are mere notes of where the weights are."""
    index = folder / "model.safetensors.index.json"
    try:
        named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()) if index.is_file() else set()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} cannot be read: {error}.", "Copy the model again.") from error
    if missing := sorted(name for name in named if not (folder / name).is_file()):
        raise ModelError(
            f"{folder} lacks {len(missing)} of the {len(named)} parts of its weights, such as {missing[0]}.",
            "Let its download finish, or copy the whole folder again.",
        )
    for file in folder.glob("*.safetensors"):
        with file.open("rb") as opened:
            if opened.read(len(LFS_NOTE)) == LFS_NOTE:
                raise ModelError(
                    f"{file} only notes where the weights are (Git LFS).", "Run git lfs pull in that folder."
                )


def _refuse_other_tasks(config: Any, name: str) -> None:
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise ModelError(f"{name} ({config.model_type}) does not read pictures and write text.", ANOTHER_MODEL)


def _refuse_missing_weights(missing: set[str], name: str) -> None:
    """transformers would fill them with noise and go on."""
    if missing:
        raise ModelError(
            f"{name} lacks {len(missing)} of its weights, such as {min(missing)}.", "Copy the model again."
        )


@contextmanager
def _translated_errors(name: str) -> Iterator[None]:
    """Turn what transformers and PyTorch raise into a `ModelError` that says what to do."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelError(f"Not enough GPU memory for {name}.", "Try a smaller model, or the CPU.") from error
    except MemoryError as error:
        raise ModelError(f"Not enough memory for {name}.", "Try a smaller model.") from error
    except ImportError as error:
        raise ModelError(f"{name} needs a package that is missing: {_first_line(error)}", "Install it.") from error
    except SafetensorError as error:
        what = f"{name} cannot be loaded: its weights are damaged ({_first_line(error)})."
        raise ModelError(what, "Let its download finish, or copy the model again.") from error
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        line = _first_line(error)
        if "trust_remote_code" in str(error):
            raise ModelError(f"{name} needs Python code of its own, which is never run here.", ANOTHER_MODEL) from error
        fix = "Copy the model again, or choose another one."
        if isinstance(error, OSError):
            fix = "Check the name and the connection, or give the folder of a whole model."
        raise ModelError(f"{name} cannot be loaded: {line}", fix) from error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


@contextmanager
def _quiet(is_folder: bool) -> Iterator[None]:
    """No progress bar over files that are already here; a download keeps its own."""
    silence = is_folder and transformers.logging.is_progress_bar_enabled()
    if silence:
        transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        if silence:
            transformers.logging.enable_progress_bar()
