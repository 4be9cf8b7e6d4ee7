"""Checkpoints that are whole or not there, without pickle.

    ROOT/step-00000120/adapter.safetensors  optimizer.safetensors  …  state.json  manifest.json

`save` writes into a temporary folder on the same disk, the manifest with every file's sha256 last, brings all of it to
the disk, and then renames the folder: a process that is killed, or a disk that fills up, leaves the previous checkpoint
as it was. `newest` finds the last one whose files agree with its manifest, `load` reads it. The state of optimiser and
random generators, without which no run goes on bit for bit, is turned into plain tensors and JSON here, and back.
"""

import errno
import hashlib
import json
import logging
import os
import random
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from leaml.errors import StorageError, TrainingError

log = logging.getLogger(__name__)

SPARE_BYTES = 32 * 2**20
"""What must stay free beside the checkpoint itself: log lines, records, the file system's own."""

_UNFINISHED = ".unfinished-"
_FOLDER = re.compile(r"step-(\d{8,})(\.replaced)?")
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_FULL_DISK_WORDS = re.compile(r"No space left|StorageFull|QuotaExceeded|os error (28|112|122)\b")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What `save` was given: the step, tensors by file and name (on the CPU), and the JSON state."""

    step: int
    tensors: dict[str, dict[str, torch.Tensor]]
    state: dict[str, Any]


def save(
    root: Path, step: int, tensors: dict[str, dict[str, torch.Tensor]], state: dict[str, Any], keep: int = 2
) -> Path:
    """Write a checkpoint and delete older ones; returns its folder, `root/step-00000120`.

    Args:
        root: folder of one run's checkpoints; made if need be. Only one process at a time saves into it.
        step: how many steps are done.
        tensors: file name without suffix -> tensor name -> tensor. A tensor that shares its memory with another one of
            the same file is written twice.
        state: what JSON can hold. Tuples come back as lists, keys as text.
        keep: how many of the newest whole checkpoints stay, this one included.

    Raises:
        StorageError: the disk is full or cannot be written to. Nothing is left behind, earlier ones are untouched.
    """
    if keep < 1:
        raise ValueError(f"keep must be at least 1, not {keep}")
    written_state = json.dumps(state)  # first: what JSON cannot hold must fail before anything is touched
    with _as_storage_error(root):
        root.mkdir(parents=True, exist_ok=True)
        for leftover in root.glob(f"{_UNFINISHED}*"):  # of a run that was killed while it saved
            shutil.rmtree(leftover)
        _check_room(root, tensors)
        temporary, folder = root / f"{_UNFINISHED}{step}", root / f"step-{step:08d}"
        try:
            temporary.mkdir()
            for name, group in tensors.items():
                save_file(_storable(group), temporary / f"{name}.safetensors")
            (temporary / "state.json").write_text(written_state, encoding="utf-8")
            _write_manifest(temporary, step)
            _force_to_disk(temporary)
            _put_in_place(temporary, folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)  # the error that is on its way says more
            raise
        _prune(root, folder, keep)
    return folder


@contextmanager
def _as_storage_error(root: Path) -> Iterator[None]:
    """Turn the operating system's and safetensors' write errors into a StorageError that says what to do."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) in _FULL_DISK or _FULL_DISK_WORDS.search(str(error)):
            raise _disk_full(f"no checkpoint could be written to {root}") from error
        raise StorageError(
            f"Checkpoints in {root} cannot be written or deleted: {error}.",
            "Check who may write to this folder, then resume.",
        ) from error


def _disk_full(what: str) -> StorageError:
    return StorageError(
        f"The disk is full: {what}. Earlier checkpoints are untouched.", "Free some space on this disk, then resume."
    )


def _check_room(root: Path, tensors: dict[str, dict[str, torch.Tensor]]) -> None:
    needed = SPARE_BYTES + sum(tensor.nbytes for group in tensors.values() for tensor in group.values())
    free = shutil.disk_usage(root).free
    if free < needed:
        raise _disk_full(f"a checkpoint needs {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free at {root}")


def _storable(group: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors as safetensors takes them: contiguous, and no two of them in the same memory."""
    storable: dict[str, torch.Tensor] = {}
    seen: set[tuple[torch.device, int]] = set()
    for name, tensor in group.items():
        tensor = tensor.detach().contiguous()
        memory = (tensor.device, tensor.untyped_storage().data_ptr())
        storable[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return storable


def _write_manifest(folder: Path, step: int) -> None:
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    manifest = json.dumps({"format": 1, "step": step, "files": files}, indent=1)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _force_to_disk(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb+") as handle:  # Windows flushes only what is open for writing
            os.fsync(handle.fileno())
    _force_names_to_disk(folder)


def _force_names_to_disk(folder: Path) -> None:
    """Bring a folder's list of names to the disk. Windows has no such call, and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put_in_place(temporary: Path, final: Path) -> None:
    """Rename the temporary folder. One of the same step stays valid under another name until the new one is there."""
    replaced = final.with_name(f"{final.name}.replaced")
    if final.exists():
        if replaced.exists():
            shutil.rmtree(replaced)
        final.rename(replaced)
    temporary.rename(final)
    _force_names_to_disk(final.parent)
    if replaced.exists():
        shutil.rmtree(replaced)


def _prune(root: Path, written: Path, keep: int) -> None:
    """Delete all but the one just written and the `keep - 1` newest whole ones beside it."""
    kept = 1
    for folder in _folders(root):
        if folder == written:
            continue
        if kept < keep and _fault(folder) is None:
            kept += 1
        else:
            shutil.rmtree(folder)


def newest(root: Path) -> Path | None:
    """Folder of the newest checkpoint whose checksums agree, or None. Broken ones are skipped, and logged."""
    for folder in _folders(root):
        fault = _fault(folder)
        if fault is None:
            return folder
        log.warning("Checkpoint %s is skipped: %s", folder, fault)
    return None


def load(path: Path) -> Checkpoint:
    """Read the checkpoint in folder `path`, tensors to the CPU.

    Raises:
        StorageError: the checkpoint is not whole.
    """
    fault = _fault(path)
    if fault is not None:
        raise StorageError(f"Checkpoint {path} is not whole: {fault}.", "Resume from an earlier one, or start again.")
    manifest = _read_json(path / "manifest.json")
    files = [path / name for name in manifest["files"] if name.endswith(".safetensors")]
    tensors = {file.stem: load_file(file) for file in files}
    return Checkpoint(manifest["step"], tensors, _read_json(path / "state.json"))


def _folders(root: Path) -> list[Path]:
    """All checkpoint folders under `root`, whole or not, newest step first."""
    if not root.is_dir():
        return []
    found = [(match, path) for path in root.iterdir() if (match := _FOLDER.fullmatch(path.name))]
    found.sort(key=lambda pair: (int(pair[0][1]), pair[0][2] is None), reverse=True)
    return [path for _, path in found]


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _fault(folder: Path) -> str | None:
    """What is wrong with a checkpoint's files, in a few words; None if they agree with the manifest."""
    try:
        files = _read_json(folder / "manifest.json")["files"]
        for name in {"state.json", *files}:
            if Path(name).name != name:
                return f"its manifest names a file outside of it ({name})"
            if _sha256(folder / name) != files[name]:
                return f"{name} is damaged"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"it cannot be read ({error})"
    return None


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """State of an optimiser as flat names, `INDEX.NAME` -> tensor; empty before its first step.

    Learning rate and the other options are not in it: they belong to the run's options and its schedule.

    Raises:
        TypeError: the optimiser keeps something that is no tensor.
    """
    flat: dict[str, torch.Tensor] = {}
    for index, values in optimizer.state_dict()["state"].items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                flat[f"{index}.{name}"] = value
            elif value is not None:
                raise TypeError(f"{type(optimizer).__name__} keeps {name} as {type(value).__name__}, not as a tensor")
    return flat


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Give an optimiser the state that `optimizer_tensors` took from one over the same parameters.

    Raises:
        TrainingError: the parameters differ in number or shape.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for flat_name, tensor in tensors.items():
        index, name = flat_name.split(".", 1)
        state.setdefault(int(index), {})[name] = tensor.clone()  # the optimiser will write into it
    for index, values in state.items():
        moment = values.get("exp_avg", values.get("momentum_buffer"))
        if index >= len(parameters) or (moment is not None and moment.shape != parameters[index].shape):
            raise TrainingError(
                f"The checkpoint is of other parameters than these {len(parameters)}: number {index + 1} does not fit.",
                "Resume with the model and the options that the run was started with.",
            )
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def random_state() -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """State of the global generators of torch (CPU, every CUDA device), numpy and Python: tensors, and JSON."""
    tensors = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"cuda.{number}": state for number, state in enumerate(torch.cuda.get_rng_state_all())}
    kind, keys, position, has_gauss, gauss = numpy.random.get_state()
    tensors["numpy"] = torch.from_numpy(keys.astype(numpy.int64))
    numpy_state = {"kind": kind, "position": int(position), "has_gauss": int(has_gauss), "gauss": float(gauss)}
    version, words, next_gauss = random.getstate()
    return tensors, {"numpy": numpy_state, "python": [version, list(words), next_gauss]}


def restore_random_state(tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    """Set the random generators to what `random_state` returned. CUDA devices that are not here are left out."""
    torch.set_rng_state(tensors["torch"])
    for number in range(torch.cuda.device_count()):
        if f"cuda.{number}" in tensors:
            torch.cuda.set_rng_state(tensors[f"cuda.{number}"], number)
    saved = state["numpy"]
    keys = tensors["numpy"].numpy().astype(numpy.uint32)
    numpy.random.set_state((saved["kind"], keys, saved["position"], saved["has_gauss"], saved["gauss"]))
    version, words, next_gauss = state["python"]
    random.setstate((version, tuple(words), next_gauss))
