"""Loading models and processors from folders, and saying no in the user's words."""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from leaml.errors import ModelError
from leaml.models import load as loading
from leaml.models.load import attention_reason, choose_device, choose_dtype, fingerprint, load
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
    with pytest.raises(ModelError, match="There is no model folder"):
        load("~nobody-of-this-name/model")
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="holds an adapter, not a model"):
        load(str(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_damaged_config_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json of .* cannot be read"):
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


@pytest.mark.parametrize("damage", [lambda whole: whole[:1000], lambda whole: whole[:-1], lambda whole: b"\xff" * 4000])
def test_damaged_weights_are_refused_by_the_name_of_their_file(folder, damage):
    weights = folder / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged or cut off") as caught:
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
    with pytest.raises(ModelError, match=r"index\.json of .* cannot be read"):
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


def test_a_model_with_code_of_its_own_that_transformers_knows_loads_without_that_code(folder):
    (folder / "own.py").write_text("raise SystemExit('run')\n")
    change_config(folder, auto_map={"AutoConfig": "own.Config"})
    assert type(load(folder).model).__name__ == "Idefics3ForConditionalGeneration"


def test_an_unknown_kind_of_model_is_refused(folder):
    change_config(folder, model_type="from_the_future")
    with pytest.raises(ModelError, match=r"does not know \(from_the_future\)"):
        load(folder)


def test_a_folder_without_a_processor_is_refused(tmp_path):
    tiny_models.idefics3()[0].save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(tmp_path)


def test_weights_for_other_programs_are_not_counted_and_not_taken_for_the_models_own(folder):
    (folder / "consolidated.safetensors").write_bytes(b"of another program")
    assert load(folder).name == str(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights"):
        load(folder)


# --- The card ----------------------------------------------------------------------------------------------


@pytest.fixture
def unusable_card(monkeypatch):
    """An NVIDIA card that torch cannot use: `unusable_card("13.0", "…")` is torch's build, and what it says."""

    def says(build: str | None, error: str = "") -> None:
        def init():
            raise RuntimeError(error)

        monkeypatch.setattr(loading.shutil, "which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.cuda, "init", init)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        monkeypatch.setattr(torch.version, "cuda", build)

    return says


def test_a_build_without_cuda_beside_an_nvidia_card_is_said_with_the_next_step(unusable_card):
    unusable_card(None)
    device, reason = choose_device()
    assert device.type == "cpu" and "a build without CUDA" in reason and "pytorch.org/get-started" in reason
    with pytest.raises(ModelError, match=r"cannot run on cuda: this PyTorch .* is a build without CUDA") as caught:
        choose_device("cuda")
    assert "Install a CUDA build" in caught.value.fix


def test_a_driver_that_is_too_old_is_said_with_the_next_step(unusable_card):
    unusable_card("13.0", "The NVIDIA driver on your system is too old (found version 11040). Please update")
    device, reason = choose_device()
    assert device.type == "cpu" and "too old for this PyTorch, which is built for CUDA 13.0" in reason
    assert "Update the driver" in reason
    unusable_card("13.0", "CUDA unknown error")
    assert "cannot be used (CUDA unknown error). Look at what nvidia-smi says." in choose_device()[1]


def test_without_a_card_nothing_is_said_of_one(unusable_card, monkeypatch):
    unusable_card(None)
    monkeypatch.setattr(loading.shutil, "which", lambda name: None)
    assert choose_device()[1] == "cpu: no GPU that this PyTorch can use was found"
    with pytest.raises(ModelError, match="no NVIDIA card is here"):
        choose_device("cuda")


def test_the_attention_kernel_comes_with_its_reason(folder):
    loaded = load(folder, device="cpu")
    assert loaded.attention_reason.startswith("sdpa: PyTorch's fused attention")
    loaded.model.set_attn_implementation("eager")
    assert attention_reason(loaded.model) == "eager: this family has no fused attention (sdpa)"
