"""Load any image-text-to-text model of transformers with its processor, or `"nano"`, which ships with the project.

    loaded = load("nano")                       # or a folder, or owner/name@revision of the hub
    loaded.model, loaded.processor, loaded.device_reason, loaded.dtype_reason

Nothing is fetched: a model of the hub is the one that `leaml download` has put on this computer. Weights come from
safetensors alone, and no code that came with a model is ever run. Pictures are prepared by the PIL backend, with or
without torchvision: the two backends resize differently, and an answer must not depend on what else is installed.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForImageTextToText

import leaml
from leaml.errors import ModelError
from leaml.models import hub
from leaml.models.folders import ANOTHER_MODEL, refuse_unusable, weights_in
from leaml.models.processors import load_processor
from leaml.models.quantised import choose_weights, keep_differentiable, quantisation, remember_full_weights, samples

NANO = Path(leaml.__file__).parents[1] / "assets" / "nano"
"""Where the embedded model stands."""

FROM_DISK = {"local_files_only": True, "trust_remote_code": False}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that answers questions about pictures, and why it runs where and how it does."""

    model: Any
    """A `PreTrainedModel` in evaluation mode."""
    processor: Any
    name: str
    """`nano`, the folder, or `owner/name@commit` of the hub."""
    device_reason: str
    dtype_reason: str
    weights_reason: str
    attention_reason: str

    @property
    def reasons(self) -> tuple[str, ...]:
        """All of them, in a fixed order."""
        return self.device_reason, self.dtype_reason, self.weights_reason, self.attention_reason


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model's files lie, what it is called, and what to do where they are not whole."""

    folder: Path
    name: str
    again: str


def locate(name_or_folder: str | Path) -> Place:
    """Where a model lies on this computer. Raises ModelError: nowhere."""
    folder = NANO if name_or_folder == "nano" else Path(os.path.expanduser(name_or_folder))
    if folder.is_dir():
        return Place(folder, str(name_or_folder), "Let its download finish, or copy the whole folder again.")
    name = str(name_or_folder)
    if not isinstance(name_or_folder, str) or hub.named(name) is None:
        raise ModelError(f"There is no model folder {folder}.", "Give a folder, a name such as owner/name, or nano.")
    found = hub.cached(name)
    if found is None:
        raise ModelError(f"{name} is not on this computer.", hub.how_to_fetch(name))
    return Place(found.folder, hub.pinned(name), f"Go on with its download: {hub.download_command(name)}")


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
    place = locate(name_or_folder)
    source = str(place.folder)
    refuse_unusable(place.folder, place.name, place.again)
    device, device_reason = choose_device(device)
    dtype, dtype_reason = choose_dtype(device, dtype)
    with _translated_errors(place), _quiet():
        config = AutoConfig.from_pretrained(source, **FROM_DISK)
        processor = load_processor(source, config, FROM_DISK, place.name)
        size = sum(file.stat().st_size for file in weights_in(place.folder))
        weights, weights_reason = choose_weights(precision, device, size, config)
        fewer_bits = quantisation(weights, config, dtype)
        # Weights in fewer bits are put where they stay while they are read.
        placed = {} if weights == "full" else {"device_map": {"": device}}
        model, found = AutoModelForImageTextToText.from_pretrained(
            source, config=config, dtype=dtype, use_safetensors=True, output_loading_info=True,
            quantization_config=fewer_bits, **placed, **FROM_DISK,
        )  # fmt: skip
        _refuse_missing_weights(found["missing_keys"], place)
        model = model.eval() if placed else model.to(device).eval()
        if fewer_bits is not None:
            remember_full_weights(model, place.folder)
        keep_differentiable(model)
    if hub.named(place.name):
        model.name_or_path = hub.named(place.name)[0]  # what adapters name as their base
    return Loaded(model, processor, place.name, device_reason, dtype_reason, weights_reason, attention_reason(model))


def choose_device(device: str | torch.device | None = None) -> tuple[torch.device, str]:
    """The device to run on, and why.

    Raises:
        ModelError: an NVIDIA card was asked for, and this PyTorch cannot use one.
    """
    if device is not None:
        device = torch.device(device)
        if device.type == "cuda" and not torch.cuda.is_available():
            what, fix = why_no_cuda() or ("no NVIDIA card is here", "Choose the processor (cpu).")
            raise ModelError(f"The model cannot run on {device}: {what}.", fix)
        return device, f"{device}: as asked for"
    if torch.cuda.is_available():
        return torch.device("cuda"), f"cuda: {torch.cuda.get_device_name()} is here"
    if torch.backends.mps.is_available():
        return torch.device("mps"), "mps: this Mac's GPU is here"
    if unusable := why_no_cuda():
        return torch.device("cpu"), f"cpu: {unusable[0]}. {unusable[1]}"
    return torch.device("cpu"), "cpu: no GPU that this PyTorch can use was found"


def why_no_cuda() -> tuple[str, str] | None:
    """Why an NVIDIA card that is here cannot be used, and what to do; None where there is none."""
    if shutil.which("nvidia-smi") is None:
        return None
    if torch.version.cuda is None:
        what = f"this PyTorch ({torch.__version__}) is a build without CUDA, though an NVIDIA card's driver is here"
        return what, "Install a CUDA build by the command that pytorch.org/get-started shows, into .venv."
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        if "too old" in str(error):
            what = f"the NVIDIA driver here is too old for this PyTorch, which is built for CUDA {torch.version.cuda}"
            return what, "Update the driver (nvidia.com/drivers), or install a PyTorch build for an older CUDA."
        return f"the NVIDIA card cannot be used ({_first_line(error)})", "Look at what nvidia-smi says."
    return None


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


def attention_reason(model: Any) -> str:
    """Which attention kernel the language model runs with, and why: the fused one, wherever its family has it."""
    kernel = model.config.get_text_config()._attn_implementation
    if kernel == "sdpa":
        return "sdpa: PyTorch's fused attention, which takes the masks that let questions share a picture"
    return f"{kernel}: this family has no fused attention (sdpa)"


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


def _refuse_missing_weights(missing: set[str], place: Place) -> None:
    """transformers would fill them with noise and go on."""
    if missing:
        raise ModelError(f"{place.name} lacks {len(missing)} of its weights, such as {min(missing)}.", place.again)


@contextmanager
def _translated_errors(place: Place) -> Iterator[None]:
    """Turn what transformers and PyTorch raise into a `ModelError` that says what to do."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        fix = "Try 4-bit loading, a smaller model, or the CPU."
        raise ModelError(f"Not enough GPU memory for {place.name}.", fix) from error
    except MemoryError as error:
        raise ModelError(f"Not enough memory for {place.name}.", "Try a smaller model.") from error
    except ImportError as error:
        what = f"{place.name} needs a package that is missing: {_first_line(error)}"
        raise ModelError(what, "Install it.") from error
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        if "trust_remote_code" in str(error):
            what = f"{place.name} needs Python code of its own, which is never run here."
            raise ModelError(what, ANOTHER_MODEL) from error
        raise ModelError(f"{place.name} cannot be loaded: {_first_line(error)}", place.again) from error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bar over files that are here."""
    shown = transformers.logging.is_progress_bar_enabled()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers.logging.enable_progress_bar()
