"""Whether a folder holds a model that can be loaded: asked of its files, before anything is opened as a model.

    refuse_unusable(folder, "owner/name", "Fetch it again.")        # ModelError
    refuse_names("owner/name", ["config.json", "pytorch_model.bin"], "…")    # the same of a list of files
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from leaml.errors import ModelError
from leaml.models.hub import INDEX, parts_of

ANOTHER_MODEL = "Choose a model such as Qwen3-VL, SmolVLM, Gemma 3 or LLaVA."
WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
"""What transformers calls files of weights; the same weights may lie beside them for other programs."""
LFS_NOTE = b"version https://git-lfs"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt")


def weights_in(folder: Path) -> list[Path]:
    """The files of weights in a folder, sorted."""
    return sorted(file for file in folder.iterdir() if WEIGHTS.fullmatch(file.name))


def refuse_unusable(folder: Path, name: str, again: str) -> None:
    """By all that its files show.

    Args:
        name: what the model is called in front of the user.
        again: what to do where the folder is not whole.

    Raises:
        ModelError: it is no model, not whole, damaged, of a kind that cannot be used, or has no safe weights.
    """
    config = _config_in(folder, name, again)
    if config is not None:
        refuse_kind(name, config)
    refuse_names(name, [file.name for file in folder.iterdir()], again)
    try:
        named = parts_of(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"The {INDEX} of {name} cannot be read: {error}.", again) from error
    if missing := sorted(part for part in named if not (folder / part).is_file()):
        what = f"{name} lacks {len(missing)} of the {len(named)} parts of its weights, such as {missing[0]}."
        raise ModelError(what, again)
    for file in weights_in(folder):
        _refuse_damaged(file, name, again)


def refuse_names(name: str, files: Iterable[str], again: str = "Choose its safetensors version.") -> None:
    """By the names of its files alone, such as a hub lists them. Raises ModelError: no model, or no safe weights."""
    files = set(files)
    suffixes = {PurePath(file).suffix for file in files}
    if "adapter_config.json" in files and "config.json" not in files:
        raise ModelError(f"{name} holds an adapter, not a model.", "Load its base model, then add the adapter.")
    if any(map(WEIGHTS.fullmatch, files)):
        if "config.json" not in files:
            raise ModelError(f"{name} has no config.json.", again)
        return
    if suffixes & set(PICKLE_SUFFIXES):
        what = f"{name} holds its weights as pickle only, which can run code when it is opened."
        raise ModelError(what, "Get the model's safetensors files.")
    if ".gguf" in suffixes:
        raise ModelError(f"{name} holds GGUF files, for other programs.", "Choose the model that they were made of.")
    if "config.json" not in files:
        raise ModelError(f"{name} has no config.json.", "Give the folder that a model was saved into.")
    raise ModelError(f"{name} has no weights (*.safetensors).", again)


def refuse_kind(name: str, config: Mapping[str, Any]) -> None:
    """By its config.json. Raises ModelError: it needs code of its own, or is not an image-text-to-text model."""
    kind = config.get("model_type")
    if kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:  # with code of its own beside it or not: that is not run
        return
    if config.get("auto_map"):
        what = f"{name} needs Python code of its own (auto_map in its config.json), which is never run here."
        raise ModelError(what, ANOTHER_MODEL)
    if kind in CONFIG_MAPPING:
        raise ModelError(f"{name} ({kind}) does not read pictures and write text.", ANOTHER_MODEL)
    what = f"{name} is of a kind that this version of transformers does not know ({kind})."
    raise ModelError(what, f"A newer LEAML Studio may know it. {ANOTHER_MODEL}")


def _config_in(folder: Path, name: str, again: str) -> Mapping[str, Any] | None:
    path = folder / "config.json"
    if not path.is_file():
        return None
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The config.json of {name} cannot be read: {error}.", again) from error
    if not isinstance(config, dict):
        raise ModelError(f"The config.json of {name} cannot be read: it holds no settings.", again)
    return config


def _refuse_damaged(file: Path, name: str, again: str) -> None:
    """By the header, which says how long the file must be."""
    with file.open("rb") as opened:
        if opened.read(len(LFS_NOTE)) == LFS_NOTE:
            raise ModelError(f"{file} only notes where the weights are (Git LFS).", "Run git lfs pull in that folder.")
    try:
        with safe_open(file, "pt"):
            pass
    except SafetensorError as error:
        raise ModelError(f"{name} cannot be loaded: {file.name} is damaged or cut off ({error}).", again) from error
