"""One base in memory, and what is refused to be put on top of it."""

import pytest
from safetensors.torch import load_file, save_file

from leaml.errors import ModelError
from leaml.jobs.loading import Models
from leaml.models.adapters import add_lora
from leaml.models.load import load
from leaml.store.project import Adapter


@pytest.fixture
def adapter(model, tmp_path) -> Adapter:
    """A LoRA of the small model, as one that was brought from elsewhere: no run tells which weights it began with."""
    add_lora(load(model).model, 2, 2).save_pretrained(tmp_path / "lora")
    return Adapter(1, "adapted 1", "answers", "lora", tmp_path / "lora", None, model, 1, 1, "")


def test_reasons_of_all_that_was_chosen_stand_in_the_log(model, capsys):
    reasons = load(model).reasons
    capsys.readouterr()
    Models(model)
    said = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert said[0] == model and said[1:5] == list(reasons) and len(said) == 6
    assert all(": " in reason for reason in reasons)


def test_an_adapter_with_the_shapes_of_another_model_is_named_so(adapter, model):
    Models(model).use(adapter)
    file = adapter.path / "adapter_model.safetensors"
    save_file({name: weight[:, :-1].contiguous() for name, weight in load_file(file).items()}, file)
    with pytest.raises(ModelError, match=r"adapted 1 does not fit .*: its weights have the shapes of") as caught:
        Models(model).use(adapter)
    assert "Choose the model that it was trained on" in caught.value.fix


@pytest.mark.parametrize("damage", [b"", b"\xff" * 4000])
def test_a_damaged_adapter_says_so(adapter, model, damage):
    (adapter.path / "adapter_model.safetensors").write_bytes(damage)
    with pytest.raises(ModelError, match="adapted 1 cannot be loaded"):
        Models(model).use(adapter)
