"""Load any image-text-to-text model of transformers with its processor, or `"nano"`, which ships with the project.

    loaded = load("nano")
    loaded.model, loaded.processor, loaded.device_reason, loaded.dtype_reason

Weights come from safetensors alone, and no code that came with a model is ever run. Pictures are prepared by the PIL
backend, with or without torchvision: the two backends resize differently, and an answer must not depend on what else
is installed.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.processing_utils import ProcessorMixin

import leaml
from leaml.errors import ModelError

NANO = Path(leaml.__file__).parents[1] / "assets" / "nano"
"""Where the embedded model stands."""

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


def load(
    name_or_folder: str | Path, device: str | torch.device | None = None, dtype: torch.dtype | None = None
) -> Loaded:
    """Load model and processor.

    Args:
        name_or_folder: `"nano"`, a folder, or a name on the Hugging Face hub (`owner/name`).
        device: where to run; chosen with a reason where not given.
        dtype: in which precision to hold the weights; chosen with a reason where not given.

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
        processor = _load_processor(source, config, options)
        model, found = AutoModelForImageTextToText.from_pretrained(
            source, config=config, dtype=dtype, use_safetensors=True, output_loading_info=True, **options
        )
        _refuse_missing_weights(found["missing_keys"], str(name_or_folder))
        model = model.to(device).eval()
    return Loaded(model, processor, str(name_or_folder), device_reason, dtype_reason)


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
    moments at any size.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        values = parameter.detach().flatten()
        sample = values[:: max(1, values.numel() // 1024)][:1024].to(torch.bfloat16).view(torch.int16).cpu()
        digest.update(f"{name}{tuple(parameter.shape)}".encode())
        digest.update(sample.numpy().tobytes())
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
        return
    if any(file.suffix in PICKLE_SUFFIXES for file in folder.iterdir()):
        raise ModelError(
            f"{folder} holds its weights as pickle only, which can run code when it is opened.",
            "Get the model's safetensors files.",
        )
    raise ModelError(f"{folder} has no weights (*.safetensors).", "Copy the model again.")


def _refuse_other_tasks(config: Any, name: str) -> None:
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise ModelError(f"{name} ({config.model_type}) does not read pictures and write text.", ANOTHER_MODEL)


def _refuse_missing_weights(missing: set[str], name: str) -> None:
    """transformers would fill them with noise and go on."""
    if missing:
        raise ModelError(
            f"{name} lacks {len(missing)} of its weights, such as {min(missing)}.", "Copy the model again."
        )


def _load_processor(source: str, config: Any, options: dict[str, Any]) -> Any:
    """The processor, with pictures on the PIL backend, and without video, which would need packages of its own."""
    family = PROCESSOR_MAPPING.get(type(config), None)
    if family is not None and "video_processor" in family.get_attributes():
        processor = image_only(family).from_pretrained(source, **options)
    else:
        processor = AutoProcessor.from_pretrained(source, **options)
    if not hasattr(processor, "image_processor"):
        raise ModelError(f"{source} has no processor for pictures.", "Copy its preprocessor_config.json too.")
    # `AutoProcessor(backend="pil")` would hand the word to the tokenizer and the video processor too, which know
    # another.
    if not type(processor.image_processor).__name__.endswith("Pil"):
        processor.image_processor = AutoImageProcessor.from_pretrained(source, backend="pil", **options)
    return processor


class _SkipMissingParts(ProcessorMixin):
    """Stands behind a family's processor class and leaves out the parts that it was not given."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*(part for part in parts if part is not None), **options)


class _WithoutVideo:
    """Stands before a family's processor class, and reads its parts but the video processor."""

    @classmethod
    def _get_arguments_from_pretrained(cls, *source: Any, **options: Any) -> list[Any]:
        return [*super()._get_arguments_from_pretrained(*source, **options), None]  # in the video processor's place


def image_only(family: type) -> type:
    """The processor class `family` for pictures and text alone, which needs none of the packages for video."""
    module = sys.modules[family.__module__]
    if getattr(module, "num2words", family) is None:
        module.num2words = str  # SmolVLM insists on this package, to spell out how many frames a video has
    attributes = [name for name in family.get_attributes() if name != "video_processor"]
    body = {
        "get_attributes": classmethod(lambda cls: attributes),
        "apply_chat_template": ProcessorMixin.apply_chat_template,  # SmolVLM's own asks the video processor first
    }
    return type(family.__name__, (_WithoutVideo, family, _SkipMissingParts), body)


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
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
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
