"""Loading models and processors from folders, and saying no in the user's words."""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from leaml.errors import ModelError
from leaml.models import load as loading
from leaml.models.load import choose_device, choose_dtype, fingerprint, load
from tests import tiny_models


@pytest.fixture
def folder(tmp_path):
    """A small Idefics3 and its processor, saved."""
    model, processor = tiny_models.idefics3()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    return tmp_path


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_folder_loads_with_the_same_answers_and_says_why_where_and_how(folder):
    model, processor = tiny_models.idefics3()
    batch = tiny_models.pictures_and_questions(processor)
    loaded = load(folder, device="cpu", dtype=torch.float32)
    assert loaded.name == str(folder) and not loaded.model.training
    assert loaded.device_reason == "cpu: as asked for" and loaded.dtype_reason == "float32: as asked for"
    again = tiny_models.pictures_and_questions(loaded.processor)
    assert all(torch.equal(again[name], batch[name]) for name in batch)
    with torch.no_grad():
        assert torch.equal(loaded.model(**again).logits, model(**batch).logits)
    assert fingerprint(loaded.model) == fingerprint(model) == fingerprint(model.to(torch.bfloat16))
    assert fingerprint(tiny_models.idefics3(seed=1)[0]) != fingerprint(model)


def test_pictures_are_prepared_by_pil(folder):
    assert type(load(folder).processor.image_processor).__name__ == "Idefics3ImageProcessorPil"


def test_nano_stands_beside_the_package(folder, monkeypatch):
    assert loading.NANO.parts[-2:] == ("assets", "nano")
    monkeypatch.setattr(loading, "NANO", folder)
    assert load("nano").name == "nano"


def test_a_family_with_video_loads_for_pictures_without_torchvision(tmp_path):
    model, (pictures, words) = tiny_models.qwen2_5_vl()
    words.chat_template = tiny_models.CHAT_TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    for part in (model, pictures, words):
        part.save_pretrained(tmp_path)
    loaded = load(tmp_path, device="cpu")
    batch = tiny_models.pictures_and_questions(loaded.processor)
    image_tokens = (batch["input_ids"] == model.config.image_token_id).sum(1)
    assert image_tokens.tolist() == [4, 4, 4]  # 32 pixels, patches of 8, merged 2 × 2
    assert loaded.model(**batch).logits.isfinite().all()
    assert isinstance(loaded.processor, transformers.Qwen2_5_VLProcessor)


def test_the_choice_of_device_and_precision_comes_with_a_reason(monkeypatch):
    device, reason = choose_device()
    assert reason.startswith(device.type)
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert choose_dtype(cpu)[0] == torch.bfloat16
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    dtype, reason = choose_dtype(cpu)
    assert dtype == torch.float32 and "no bfloat16 instructions" in reason


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json"):
        load(tmp_path)
    with pytest.raises(ModelError, match="There is no model folder"):
        load(tmp_path / "nowhere")
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="holds an adapter, not a model"):
        load(str(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_damaged_config_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json cannot be read"):
        load(folder)


def test_pickled_weights_are_refused_and_never_opened(folder):
    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(ModelError, match="pickle only"):
        load(folder)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match="no weights"):
        load(folder)


def test_damaged_weights_are_refused(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(folder)


def test_damaged_weights_say_so(folder):
    (folder / "model.safetensors").write_bytes(b"\xff" * 4000)
    with pytest.raises(ModelError, match="its weights are damaged") as caught:
        load(folder)
    assert "Let its download finish" in caught.value.fix


def test_a_half_downloaded_folder_is_refused_before_anything_is_loaded(folder):
    model, _ = tiny_models.idefics3()
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="100KB")
    parts = sorted(folder.glob("model-*.safetensors"))
    assert len(parts) > 2 and load(folder, device="cpu")
    parts[1].unlink()
    with pytest.raises(ModelError, match=f"lacks 1 of the {len(parts)} parts of its weights, such as {parts[1].name}"):
        load(folder)
    (folder / "model.safetensors.index.json").write_text("[]")
    with pytest.raises(ModelError, match=r"index\.json cannot be read"):
        load(folder)


def test_a_note_of_git_lfs_is_not_taken_for_weights(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(ModelError, match="only notes where the weights are") as caught:
        load(folder)
    assert "git lfs pull" in caught.value.fix


def test_a_tokenizer_without_a_token_for_pictures_is_refused(folder):
    tiny_models.tokenizer([]).save_pretrained(folder)
    with pytest.raises(ModelError, match="has no token for pictures"):
        load(folder)


def test_incomplete_weights_are_refused_instead_of_filled_with_noise(folder):
    weights = load_file(folder / "model.safetensors")
    missing = next(name for name in weights if name.endswith("down_proj.weight"))
    del weights[missing]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"lacks 1 of its weights, such as {missing}"):
        load(folder)


def test_a_text_model_is_refused(tmp_path):
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny_models.TEXT))
    model.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"\(llama\) does not read pictures"):
        load(tmp_path)


def test_a_model_with_code_of_its_own_is_refused_and_its_code_not_run(folder):
    (folder / "own.py").write_text("raise SystemExit('run')\n")
    change_config(folder, model_type="own", auto_map={"AutoConfig": "own.Config"})
    with pytest.raises(ModelError, match="Python code of its own"):
        load(folder)


def test_an_unknown_kind_of_model_is_refused(folder):
    change_config(folder, model_type="from_the_future")
    with pytest.raises(ModelError, match="from_the_future"):
        load(folder)


def test_a_folder_without_a_processor_is_refused(tmp_path):
    tiny_models.idefics3()[0].save_pretrained(tmp_path)
    with pytest.raises(ModelError):
        load(tmp_path)
