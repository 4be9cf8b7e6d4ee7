"""Pretraining with a model in miniature: the same run twice, stopped and resumed, on a full disk; what it teaches."""

import errno
import json
import random
from collections import Counter, namedtuple
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from leaml.models import prompts
from leaml.nano import build, pretrain, scene_prose, scenes, texts
from leaml.nano.pretrain import Framing, Recipe, dense_batch, question_batch, turns_of
from leaml.nano.scene_phrases import points_surely
from leaml.nano.scene_questions import objects_in, readings
from leaml.nano.scenes import draw_scene
from leaml.records import QUESTION_TYPES
from leaml.training import checkpoint

TINY = Recipe(dense_steps=4, dense_rows=2, steps=4, rows=2, questions=4, save_every=2, loader_processes=0)
STAGES = ("dense", "whole")


@pytest.fixture(scope="module", autouse=True)
def miniature():
    """Nano's own classes and tokenizer, in a size that trains in moments, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"hidden_size": 48, "intermediate_size": 32}.items():
            patch.setitem(build.VISION, name, value)
        small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
        for name, value in {**small, "num_key_value_heads": 2}.items():
            patch.setitem(build.LANGUAGE, name, value)
        yield
    torch.set_num_threads(threads)


def run(folder: Path, *more: str, **changes: int) -> int:
    """The command line with the tiny recipe; returns its exit code."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(replace(TINY, **changes)).items()]
    return pretrain.main(["--work", str(folder), "--device", "cpu", *options, *more])


def stop_at(patch: pytest.MonkeyPatch, stage: str, step: int, error: BaseException) -> None:
    """Lets `error` strike while the progress of a step is logged."""
    plain = pretrain._Log.__call__

    def log(self, progress):
        if (self.stage, progress.step) == (stage, step):
            raise error
        plain(self, progress)

    patch.setattr(pretrain._Log, "__call__", log)


def newest_step(folder: Path) -> int | None:
    path = checkpoint.newest(folder)
    return None if path is None else checkpoint.load(path).step


def ends(folder: Path) -> dict[str, torch.Tensor]:
    """Weights and optimiser state at the end of both stages."""
    found = {}
    for stage in STAGES:
        saved = checkpoint.load(checkpoint.newest(folder / stage))
        assert saved.step == 4
        for part in ("weights", "adamw", "muon"):
            found |= {f"{stage} {part} {name}": value for name, value in saved.tensors[part].items()}
    return found


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert [name for name, value in first.items() if not torch.equal(value, second[name])] == []


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory) -> Path:
    """The folder of a run that nothing interrupted, with the model that it shipped."""
    folder = tmp_path_factory.mktemp("whole_run")
    assert run(folder / "work", "--out", str(folder / "out")) == 0
    return folder


# --- Same seed, same weights -------------------------------------------------------------------------------


def test_same_seed_trains_the_same_weights(whole_run, tmp_path):
    assert run(tmp_path) == 0
    assert_same(ends(tmp_path), ends(whole_run / "work"))


def test_another_seed_trains_others(whole_run, tmp_path):
    assert run(tmp_path, seed=1) == 0
    first, second = ends(tmp_path), ends(whole_run / "work")
    assert not all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_loader_process_changes_nothing(whole_run, tmp_path):
    assert run(tmp_path, loader_processes=1) == 0
    assert_same(ends(tmp_path), ends(whole_run / "work"))


@pytest.mark.parametrize(("stage", "step", "kept"), [("dense", 3, 2), ("whole", 1, None), ("whole", 3, 2)])
def test_a_run_stopped_half_way_goes_on_to_the_same_weights(whole_run, tmp_path, capsys, stage, step, kept):
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, stage, step, KeyboardInterrupt())
        assert run(tmp_path) == 130
    assert capsys.readouterr().err == f"Stopped. {pretrain.GO_ON}\n"
    assert newest_step(tmp_path / stage) == kept
    assert run(tmp_path) == 0
    assert_same(ends(tmp_path), ends(whole_run / "work"))


def test_both_stages_tell_their_progress_in_the_log(whole_run):
    rows = [json.loads(line) for line in (whole_run / "work" / "log.jsonl").read_text().splitlines()]
    assert [(row["stage"], row["step"], row["of"]) for row in rows] == [("dense", 4, 4), ("whole", 4, 4)]
    assert all(row["loss"] > 0 for row in rows)
    assert "shape" in rows[0]
    assert "loss text" in rows[1]


# --- A full disk -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stage", "saves", "kept"), [("dense", 1, 2), ("whole", 3, 2)])
def test_a_full_disk_leaves_the_last_whole_checkpoint_and_a_message(
    whole_run, tmp_path, capsys, monkeypatch, stage, saves, kept
):
    asked = []

    def usage(path):
        asked.append(path)
        return namedtuple("Usage", "free")(10**12 if len(asked) <= saves else 10**6)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.shutil, "disk_usage", usage)
        assert run(tmp_path) == 2
    message = capsys.readouterr().err
    assert message.startswith("The disk is full: a checkpoint needs")
    assert "Free some space" in message
    assert "Traceback" not in message
    assert newest_step(tmp_path / stage) == kept
    assert run(tmp_path) == 0
    assert_same(ends(tmp_path), ends(whole_run / "work"))


def test_a_disk_that_fills_while_a_checkpoint_is_written_leaves_the_one_before(whole_run, tmp_path, capsys):
    plain, written = checkpoint.save_file, []

    def save_file(tensors, path):
        written.append(path)
        if len(written) > 4:  # in the midst of the second checkpoint
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(tensors, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save_file", save_file)
        assert run(tmp_path) == 2
    assert "The disk is full" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "dense").iterdir()] == ["step-00000002"]
    assert run(tmp_path) == 0
    assert_same(ends(tmp_path), ends(whole_run / "work"))


def test_a_log_that_cannot_be_written_ends_the_run_with_a_message(tmp_path, capsys):
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, "dense", 3, OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "log.jsonl")))
        assert run(tmp_path) == 2
    message = capsys.readouterr().err
    assert message == f"{tmp_path / 'log.jsonl'} cannot be written: No space left on device. {pretrain.GO_ON}\n"
    assert newest_step(tmp_path / "dense") == 2


def test_a_work_folder_that_is_a_file_is_refused_with_a_message(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(tmp_path / "file") == 2
    assert "cannot be written" in capsys.readouterr().err


# --- What is shipped ---------------------------------------------------------------------------------------


def test_the_shipped_folder_loads_with_the_auto_classes(whole_run):
    folder = whole_run / "out"
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.bfloat16)
    processor = AutoProcessor.from_pretrained(folder)
    saved = checkpoint.load(checkpoint.newest(whole_run / "work" / "whole")).tensors["weights"]
    shipped = dict(model.named_parameters())
    learned = {name.removeprefix("nano."): value for name, value in saved.items() if name.startswith("nano.")}
    assert learned.keys() == shipped.keys()
    for name, value in learned.items():
        assert torch.equal(shipped[name], value.to(torch.bfloat16)), name
    assert model.generation_config.eos_token_id == processor.tokenizer.eos_token_id
    question = [{"role": "user", "content": [{"type": "image", "image": draw_scene(random.Random(1)).picture},
                                             {"type": "text", "text": "Is there a polyp?"}]}]  # fmt: skip
    read, built = (
        p.apply_chat_template(
            question, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
        for p in (processor, pretrain.processor())
    )
    assert all(torch.equal(read[name], built[name]) for name in ("input_ids", "pixel_values"))
    with torch.inference_mode():
        made = model.generate(**read.to(torch.bfloat16), max_new_tokens=3, do_sample=False)
    assert made.shape[1] > read["input_ids"].shape[1]


# --- What is taught ----------------------------------------------------------------------------------------


def test_the_vision_tower_begins_on_a_grid_and_ends_anywhere():
    def styles(done: float) -> list[scenes.Style]:
        return [pretrain.dense_style(random.Random(number), done) for number in range(60)]

    assert all(style.cells and style.jitter == 0 for style in styles(0.0))
    assert {style.cells for style in styles(0.0)} == {2, 4}
    assert all(0 < style.jitter < pretrain.MOST_JITTER for style in styles(0.4))
    assert {bool(style.cells) for style in styles(0.6)} == {True, False}
    assert {style.name for style in styles(1.0)} == {"crowded", "training"}


def test_a_batch_is_a_function_of_seed_and_step():
    framing = Framing(pretrain.processor())
    first, again, other = (question_batch(TINY, framing, step).questions for step in (3, 3, 4))
    assert torch.equal(first.inputs["input_ids"], again.inputs["input_ids"])
    assert torch.equal(first.inputs["pixel_values"], again.inputs["pixel_values"])
    assert not torch.equal(first.inputs["pixel_values"], other.inputs["pixel_values"])
    assert torch.equal(dense_batch(TINY, 1).pixel_values, dense_batch(TINY, 1).pixel_values)
    assert not torch.equal(dense_batch(TINY, 1).pixel_values, dense_batch(replace(TINY, seed=1), 1).pixel_values)


def test_every_picture_brings_one_text_that_does_not_see_it():
    recipe = replace(TINY, rows=3)
    batch = question_batch(recipe, Framing(pretrain.processor()), step=5).questions
    assert "text" in batch.kind_names
    kind = batch.kind_names.index("text")
    learned = batch.places[batch.kinds == kind]
    assert set(learned[:, 0].tolist()) == {0, 1, 2}
    sees = batch.inputs["attention_mask"][:, 0] == 0
    for row, place in learned.tolist():
        assert not sees[row, place][batch.segments[row] == 0].any()


def test_a_scene_is_asked_described_and_written_about():
    kinds = Counter()
    for seed in range(150):
        rng = random.Random(f"turns {seed}")
        scene = draw_scene(rng)
        for turn in turns_of(rng, scene, 6):
            kinds[turn.kind] += 1
            assert turn.sees_image
            if turn.kind == "caption":
                assert turn.prompt in pretrain.CAPTION_WORDINGS
                assert objects_in(turn.answer) == [(item.colour, item.shape) for item in scene.items]
            elif turn.kind == "prose":
                assert turn.prompt in scene_prose.WORDINGS
            elif turn.kind == "pair":
                question, answer = turn.answer.removeprefix("Question: ").split(" Answer: ")
                assert points_surely(question)
                assert turn.answer == prompts.pair_text(question, answer)
                assert answer in {asked.answer for asked in readings(question, scene)}
                asked_for = [kind for kind in QUESTION_TYPES if turn.prompt == prompts.write_pair(kind)]
                assert asked_for == [] or asked_for == [next(readings(question, scene)).type]
            else:
                assert turn.answer in {asked.answer for asked in readings(turn.prompt, scene)}
    assert kinds.keys() == {*QUESTION_TYPES, "caption", "prose", "pair"}
    assert 0.35 < kinds["caption"] / 150 < 0.65
    assert 1.0 < kinds["pair"] / 150 < 1.7  # none to three, and not every scene answers every type


def test_the_recipe_trains_every_word_of_the_list_as_an_answer_word_at_least_200_times():
    recipe = Recipe()
    trained = Counter()
    for index in range(recipe.steps * recipe.rows * recipe.texts):
        trained.update(texts.example_at(recipe.seed, index).words)
    assert min(trained[word] for word in texts.words()) >= 200
