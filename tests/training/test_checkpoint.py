"""Checkpoints: whole or not there, and enough to go on bit for bit."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import torch
from safetensors import SafetensorError

from leaml.errors import StorageError, TrainingError
from leaml.training import checkpoint

ROOT = Path(__file__).resolve().parents[2]


def some_tensors(value: float = 1.0) -> dict[str, dict[str, torch.Tensor]]:
    return {"adapter": {"weight": torch.full((2, 3), value), "scale": torch.tensor(value)}}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def damage(folder: Path, file: str = "adapter.safetensors") -> None:
    path = folder / file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path):
    folder = checkpoint.save(tmp_path / "run", 120, some_tensors(2.5), {"epoch": 3, "best": 0.25})
    assert folder.name == "step-00000120"
    assert checkpoint.newest(tmp_path / "run") == folder
    loaded = checkpoint.load(folder)
    assert (loaded.step, loaded.state) == (120, {"epoch": 3, "best": 0.25})
    assert set(loaded.tensors) == {"adapter"}
    for name, tensor in some_tensors(2.5)["adapter"].items():
        assert torch.equal(loaded.tensors["adapter"][name], tensor)


def test_no_checkpoints_means_none(tmp_path):
    assert checkpoint.newest(tmp_path) is None
    assert checkpoint.newest(tmp_path / "absent") is None


def test_only_the_newest_are_kept(tmp_path):
    for step in (1, 2, 10, 9, 100):
        checkpoint.save(tmp_path, step, some_tensors(), {}, keep=2)
    assert names(tmp_path) == ["step-00000010", "step-00000100"]


def test_the_one_just_written_is_kept_even_if_later_steps_are_there(tmp_path):
    for step in (20, 30, 10):
        checkpoint.save(tmp_path, step, some_tensors(), {}, keep=2)
    assert names(tmp_path) == ["step-00000010", "step-00000030"]


def test_pruning_counts_whole_checkpoints_only(tmp_path):
    for step in (1, 2):
        checkpoint.save(tmp_path, step, some_tensors(), {})
    damage(tmp_path / "step-00000002")
    checkpoint.save(tmp_path, 3, some_tensors(), {})
    assert names(tmp_path) == ["step-00000001", "step-00000003"]


def test_the_same_step_can_be_saved_again(tmp_path):
    checkpoint.save(tmp_path, 5, some_tensors(1.0), {"try": 1})
    checkpoint.save(tmp_path, 5, some_tensors(2.0), {"try": 2})
    assert names(tmp_path) == ["step-00000005"]
    assert checkpoint.load(tmp_path / "step-00000005").state == {"try": 2}


def test_one_that_was_being_replaced_when_the_process_died_is_still_found(tmp_path):
    folder = checkpoint.save(tmp_path, 5, some_tensors(), {})
    folder.rename(folder.with_name("step-00000005.replaced"))
    assert checkpoint.newest(tmp_path).name == "step-00000005.replaced"
    checkpoint.save(tmp_path, 5, some_tensors(), {})
    assert names(tmp_path) == ["step-00000005"]


@pytest.mark.parametrize("file", ["adapter.safetensors", "state.json", "manifest.json"])
def test_a_damaged_newest_is_skipped_and_refused(tmp_path, file):
    previous = checkpoint.save(tmp_path, 1, some_tensors(), {"a": 1})
    broken = checkpoint.save(tmp_path, 2, some_tensors(), {"a": 2})
    damage(broken, file)
    assert checkpoint.newest(tmp_path) == previous
    with pytest.raises(StorageError, match="not whole"):
        checkpoint.load(broken)


@pytest.mark.parametrize("file", ["adapter.safetensors", "state.json", "manifest.json"])
def test_one_with_a_missing_file_is_skipped_and_refused(tmp_path, file):
    broken = checkpoint.save(tmp_path, 2, some_tensors(), {})
    (broken / file).unlink()
    assert checkpoint.newest(tmp_path) is None
    with pytest.raises(StorageError, match=f"{file} is missing"):
        checkpoint.load(broken)


def test_a_manifest_cannot_name_files_elsewhere(tmp_path):
    broken = checkpoint.save(tmp_path, 2, some_tensors(), {})
    manifest = json.loads((broken / "manifest.json").read_text())
    manifest["files"]["../elsewhere.safetensors"] = "0"
    (broken / "manifest.json").write_text(json.dumps(manifest))
    assert checkpoint.newest(tmp_path) is None


def test_nothing_in_a_checkpoint_is_pickle(tmp_path):
    model, optimizer = trainable()
    train(model, optimizer, 0, 2)
    random_tensors, random_values = checkpoint.random_state()
    tensors = {"model": model.state_dict(), "optimizer": checkpoint.optimizer_tensors(optimizer)}
    folder = checkpoint.save(tmp_path, 2, tensors | {"random": random_tensors}, {"random": random_values})
    assert names(folder) == [
        "manifest.json", "model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json",
    ]  # fmt: skip
    for path in folder.iterdir():
        content = path.read_bytes()
        # safetensors opens with the length of its header, JSON with a brace; pickle and zip do neither
        header = content if path.suffix == ".json" else content[8 : 8 + int.from_bytes(content[:8], "little")]
        assert isinstance(json.loads(header), dict)


def test_tied_and_transposed_tensors_are_saved(tmp_path):
    weight = torch.arange(6.0).reshape(2, 3)
    tensors = {"model": {"embed": weight, "head": weight, "transposed": weight.T, "part": weight[1]}}
    loaded = checkpoint.load(checkpoint.save(tmp_path, 1, tensors, {})).tensors["model"]
    for name, tensor in tensors["model"].items():
        assert torch.equal(loaded[name], tensor)


FULL_DISK_ERRORS = [
    OSError(errno.ENOSPC, "No space left on device"),
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
]


@pytest.mark.parametrize("error", FULL_DISK_ERRORS, ids=["os", "safetensors"])
def test_a_disk_that_fills_up_in_mid_save_leaves_nothing_behind(tmp_path, monkeypatch, error):
    previous = checkpoint.save(tmp_path, 1, some_tensors(), {})

    def save_half(tensors, path):
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(checkpoint, "save_file", save_half)
    with pytest.raises(StorageError, match="disk is full") as raised:
        checkpoint.save(tmp_path, 2, some_tensors(), {})
    assert "Free some space" in raised.value.fix
    assert names(tmp_path) == ["step-00000001"]
    assert checkpoint.newest(tmp_path) == previous


def test_too_little_room_is_said_beforehand(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, 1, some_tensors(), {})
    usage = checkpoint.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    with pytest.raises(StorageError, match=r"needs 34 MB, and 1 MB are free"):
        checkpoint.save(tmp_path, 2, some_tensors(), {})
    assert names(tmp_path) == ["step-00000001"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written") as raised:
        checkpoint.save(tmp_path / "run", 1, some_tensors(), {})
    assert raised.value.fix


def test_state_that_json_cannot_hold_fails_before_anything_is_written(tmp_path):
    with pytest.raises(TypeError):
        checkpoint.save(tmp_path / "run", 1, some_tensors(), {"tensor": torch.zeros(1)})
    assert not (tmp_path / "run").exists()


SAVE_AND_DIE = """
import os, signal, sys
from pathlib import Path
import torch
from leaml.training import checkpoint

root, at = Path(sys.argv[1]), sys.argv[2]
tensors = {"first": {"weight": torch.zeros(1000)}, "second": {"weight": torch.zeros(1000)}}
checkpoint.save(root, 1, tensors, {"step": 1})

def die(*ignored, **also_ignored):
    os.kill(os.getpid(), signal.SIGKILL)

if at == "second file":
    real = checkpoint.save_file
    checkpoint.save_file = lambda group, path: die() if path.stem == "second" else real(group, path)
else:
    setattr(checkpoint, at, die)
checkpoint.save(root, 2, tensors, {"step": 2})
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("at", ["second file", "_put_in_place"])
def test_a_kill_in_mid_save_keeps_the_previous_one(tmp_path, at):
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    died = subprocess.run([sys.executable, "-c", SAVE_AND_DIE, str(tmp_path), at], env=environment, timeout=120)
    assert died.returncode == -signal.SIGKILL
    assert names(tmp_path) == [".unfinished-2", "step-00000001"]
    newest = checkpoint.newest(tmp_path)
    assert checkpoint.load(newest).state == {"step": 1}
    checkpoint.save(tmp_path, 3, some_tensors(), {})
    assert names(tmp_path) == ["step-00000001", "step-00000003"]


# Going on with training


def trainable() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Dropout(0.3), torch.nn.Linear(16, 2))
    return model, torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)


def train(model: torch.nn.Module, optimizer: torch.optim.Optimizer, first: int, last: int) -> None:
    """Steps that draw from every generator: torch (dropout), numpy and Python."""
    for _ in range(first, last):
        inputs = torch.randn(8, 4) + float(numpy.random.randn()) + random.gauss(0, 1)
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()


def start(seed: int) -> None:
    torch.manual_seed(seed)
    numpy.random.seed(seed)
    random.seed(seed)


def test_resumed_training_ends_with_the_same_weights(tmp_path):
    start(5)
    model, optimizer = trainable()
    train(model, optimizer, 0, 9)

    start(5)
    stopped, stopped_optimizer = trainable()
    train(stopped, stopped_optimizer, 0, 5)
    random_tensors, random_values = checkpoint.random_state()
    tensors = {"model": stopped.state_dict(), "optimizer": checkpoint.optimizer_tensors(stopped_optimizer)}
    checkpoint.save(tmp_path, 5, tensors | {"random": random_tensors}, {"random": random_values})

    start(777)
    resumed, resumed_optimizer = trainable()
    loaded = checkpoint.load(checkpoint.newest(tmp_path))
    resumed.load_state_dict(loaded.tensors["model"])
    checkpoint.restore_optimizer(resumed_optimizer, loaded.tensors["optimizer"])
    checkpoint.restore_random_state(loaded.tensors["random"], loaded.state["random"])
    train(resumed, resumed_optimizer, loaded.step, 9)

    for name, weight in model.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], weight), name


def test_an_optimiser_before_its_first_step_has_no_state(tmp_path):
    model, optimizer = trainable()
    loaded = checkpoint.load(checkpoint.save(tmp_path, 0, {"optimizer": checkpoint.optimizer_tensors(optimizer)}, {}))
    checkpoint.restore_optimizer(optimizer, loaded.tensors["optimizer"])
    train(model, optimizer, 0, 1)


def test_restoring_an_optimiser_leaves_the_given_tensors_alone():
    model, optimizer = trainable()
    train(model, optimizer, 0, 1)
    kept = {name: tensor.clone() for name, tensor in checkpoint.optimizer_tensors(optimizer).items()}
    given = dict(kept)
    checkpoint.restore_optimizer(optimizer, given)
    before = {name: tensor.clone() for name, tensor in given.items()}
    train(model, optimizer, 1, 3)
    assert all(torch.equal(given[name], before[name]) for name in before)


def test_optimiser_state_of_other_parameters_is_refused():
    model, optimizer = trainable()
    train(model, optimizer, 0, 1)
    tensors = checkpoint.optimizer_tensors(optimizer)
    other = torch.nn.Linear(3, 3)
    with pytest.raises(TrainingError, match="number 1 does not fit"):
        checkpoint.restore_optimizer(torch.optim.AdamW(other.parameters()), tensors)


def test_bfloat16_weights_and_moments_survive(tmp_path):
    weight = torch.nn.Parameter(torch.randn(4, 4, dtype=torch.bfloat16))
    optimizer = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimizer.step()
    tensors = checkpoint.optimizer_tensors(optimizer)
    loaded = checkpoint.load(checkpoint.save(tmp_path, 1, {"optimizer": tensors}, {})).tensors["optimizer"]
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


@pytest.mark.gpu
def test_random_numbers_of_the_gpu_come_back(tmp_path):
    tensors, values = checkpoint.random_state()
    expected = torch.rand(5, device="cuda")
    checkpoint.restore_random_state(tensors, values)
    assert torch.equal(torch.rand(5, device="cuda"), expected)
