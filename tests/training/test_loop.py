"""The training loop: learns, stops, saves when told, and goes on bit for bit where it was stopped."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from leaml.errors import TrainingError
from leaml.records import Progress, Result
from leaml.training import checkpoint
from leaml.training.loop import SAVE, FitOptions, fit

OPTIONS = FitOptions(steps=12, learning_rate=1e-2, warmup=3, weight_decay=0.1, save_every=100)


class Line(nn.Module):
    """A small network with dropout, so that the global random generator matters to a run."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))


def batch_at(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(step))
    return x, x.sum(1, keepdim=True)


def loss(model: Line, batch) -> tuple[torch.Tensor, dict[str, float]]:
    x, y = batch
    value = nn.functional.mse_loss(model.layers(x), y)
    return value, {"error": value.item() ** 0.5}


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()]).clone()


def run(model: nn.Module, options: FitOptions = OPTIONS, folder=None, groups=None) -> list[Progress | Result]:
    torch.manual_seed(1)
    return list(fit(model, batch_at, loss, options, folder, groups))


def stop_after(steps: int, folder, save: bool, options: FitOptions = OPTIONS) -> Line:
    """A new run that is closed after some steps, if wanted with a checkpoint first."""
    model = Line()
    torch.manual_seed(1)
    events = fit(model, batch_at, loss, options, folder)
    for _ in range(steps):
        next(events)
    if save:
        events.send(SAVE)
    events.close()
    return model


def stored_steps(folder) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in folder.iterdir())


# --- Learning and telling ----------------------------------------------------------------------------------


def test_training_lowers_the_loss_and_tells_every_step():
    *told, result = run(Line(), FitOptions(steps=80, learning_rate=2e-2, warmup=5))
    assert [event.step for event in told] == list(range(1, 81))
    assert {event.total for event in told} == {80}
    assert told[-1].figures["loss"] < 0.3 * told[0].figures["loss"]
    assert told[0].figures.keys() == {"loss", "error", "seconds per step", "memory", "peak memory"}
    assert told[1].figures["memory"] > told[1].figures["peak memory"] > 0
    assert "peak memory" not in told[2].figures, "the first steps have held all that is ever held"
    assert told[0].figures["error"] == pytest.approx(told[0].figures["loss"] ** 0.5)
    assert isinstance(result, Result)
    assert result.figures == {"loss": told[-1].figures["loss"], "steps": 80.0}


def test_the_model_is_in_training_mode_while_and_in_evaluation_mode_after():
    model = Line()
    events = fit(model, batch_at, loss, OPTIONS)
    next(events)
    assert model.training
    list(events)
    assert not model.training


def test_frozen_weights_stay_as_they_are():
    model = Line()
    model.layers[0].requires_grad_(False)
    before = [p.clone() for p in model.layers[0].parameters()]
    run(model)
    assert all(torch.equal(a, b) for a, b in zip(before, model.layers[0].parameters(), strict=True))
    assert all(p.grad is None for p in model.parameters())


def test_same_seed_ends_with_the_same_weights_and_another_loader_does_not_matter():
    models = [Line() for _ in range(3)]
    run(models[0])
    run(models[1])
    run(models[2], replace(OPTIONS, loader_processes=1))
    assert torch.equal(weights(models[0]), weights(models[1]))
    assert torch.equal(weights(models[0]), weights(models[2]))


def test_groups_scale_the_learning_rate():
    model = Line()
    first, last = model.layers[0], model.layers[3]
    before = [p.detach().clone() for p in first.parameters()]
    run(model, groups=[{"params": first.parameters(), "scale": 0.0}, {"params": last.parameters(), "scale": 1.0}])
    assert all(torch.equal(a, b) for a, b in zip(before, first.parameters(), strict=True))
    changed = Line()
    assert not torch.equal(last.weight, changed.layers[3].weight)


def test_muon_changes_an_orthogonal_groups_matrices_alike_in_every_direction():
    model = Line()
    first, last = model.layers[0], model.layers[3]
    before = first.weight.detach().clone(), last.weight.detach().clone()
    groups = [{"params": [first.weight], "orthogonal": True}, {"params": [first.bias, *last.parameters()]}]
    run(model, FitOptions(steps=1, learning_rate=1e-2, warmup=0), groups=groups)
    sizes = torch.linalg.svdvals(first.weight.detach() - before[0])
    assert len(sizes) == 3 and sizes.min() > 0.3 * sizes.max()
    # AdamW's first step is as long for each weight
    assert torch.allclose((last.weight.detach() - before[1]).abs(), torch.tensor(1e-2), rtol=1e-2)


def test_a_run_with_muon_goes_on_to_the_same_weights(tmp_path):
    def groups(model):
        return [
            {"params": [model.layers[0].weight], "orthogonal": True},
            {"params": [model.layers[0].bias, *model.layers[3].parameters()]},
        ]

    whole, first, resumed = Line(), Line(), Line()
    run(whole, groups=groups(whole))
    torch.manual_seed(1)
    events = fit(first, batch_at, loss, OPTIONS, tmp_path, groups(first))
    for _ in range(5):
        next(events)
    events.send(SAVE)
    events.close()
    run(resumed, folder=tmp_path, groups=groups(resumed))
    assert torch.equal(weights(whole), weights(resumed))
    with pytest.raises(TrainingError, match="other parameters"):
        run(Line(), replace(OPTIONS, steps=20), tmp_path)  # without Muon, its checkpoint does not fit


def test_gradients_are_clipped_to_the_norm_that_was_asked():
    seen = []

    def steep(model, batch):
        value, figures = loss(model, batch)
        return 1e6 * value, figures

    model = Line()
    model.layers[3].weight.register_post_accumulate_grad_hook(lambda p: seen.append(float(p.grad.norm())))
    plain = torch.optim.AdamW.step

    def watched(self, *args, **kwargs):
        norms = [p.grad.norm() for group in self.param_groups for p in group["params"]]
        seen.append(("clipped", float(torch.stack(norms).norm())))
        return plain(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", watched)
        list(fit(model, batch_at, steep, FitOptions(steps=1, clip=0.5)))
    assert seen[0] > 1e3
    assert seen[1] == ("clipped", pytest.approx(0.5, rel=1e-3))


def test_learning_rate_warms_up_and_falls_along_a_cosine():
    options = FitOptions(steps=110, learning_rate=2.0, warmup=10, floor=0.1)
    assert options.rate_at(0) == pytest.approx(0.2)
    assert options.rate_at(4) == pytest.approx(1.0)
    assert options.rate_at(9) == options.rate_at(10) == pytest.approx(2.0)
    assert options.rate_at(60) == pytest.approx(2.0 * 0.55)  # half-way between peak and floor
    assert options.rate_at(35) == pytest.approx(2.0 * (0.1 + 0.9 * (1 + math.sqrt(0.5)) / 2))
    assert options.rate_at(110) == options.rate_at(500) == pytest.approx(0.2)
    rates = [options.rate_at(step) for step in range(10, 110)]
    assert rates == sorted(rates, reverse=True)


def test_learning_rate_is_defined_where_warm_up_outlasts_the_run():
    short = FitOptions(steps=3, learning_rate=1.0, warmup=50)
    assert [short.rate_at(step) for step in range(3)] == pytest.approx([0.02, 0.04, 0.06])
    assert FitOptions(steps=5, learning_rate=1.0, warmup=0).rate_at(0) == 1.0


def test_every_step_runs_at_the_rate_of_the_schedule():
    rates, plain = [], torch.optim.AdamW.step

    def watched(self, *args, **kwargs):
        rates.append([group["lr"] for group in self.param_groups])
        return plain(self, *args, **kwargs)

    model = Line()
    groups = [{"params": model.layers[0].parameters()}, {"params": model.layers[3].parameters(), "scale": 0.25}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", watched)
        run(model, groups=groups)
    assert rates == [[OPTIONS.rate_at(step), 0.25 * OPTIONS.rate_at(step)] for step in range(12)]


# --- Stopping and going on ---------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [0, 1])
def test_resumed_run_ends_with_the_same_weights(tmp_path, processes):
    options = replace(OPTIONS, loader_processes=processes)
    whole = Line()
    run(whole, options)
    stop_after(5, tmp_path, save=True, options=options)
    assert stored_steps(tmp_path) == [5]
    resumed = Line()
    torch.manual_seed(99)  # the checkpoint's own state counts
    *told, result = fit(resumed, batch_at, loss, options, tmp_path)
    assert [event.step for event in told] == list(range(6, 13))
    assert torch.equal(weights(resumed), weights(whole))
    assert result.path == tmp_path


def test_save_writes_a_checkpoint_of_the_steps_done(tmp_path):
    model = Line()
    events = fit(model, batch_at, loss, OPTIONS, tmp_path)
    next(events)
    next(events)
    assert not list(tmp_path.iterdir())
    held = weights(model)
    assert events.send(SAVE).step == 3
    saved = checkpoint.load(checkpoint.newest(tmp_path))
    assert saved.step == 2
    kept = [saved.tensors["weights"][name].flatten() for name, _ in model.named_parameters()]
    assert torch.equal(torch.cat(kept), held)


def test_closing_without_saving_keeps_the_last_regular_checkpoint(tmp_path):
    options = replace(OPTIONS, save_every=4)
    stop_after(7, tmp_path, save=False, options=options)
    assert stored_steps(tmp_path) == [4]
    whole, resumed = Line(), Line()
    run(whole, options)
    list(fit(resumed, batch_at, loss, options, tmp_path))
    assert torch.equal(weights(resumed), weights(whole))


def test_the_last_step_is_saved_and_a_finished_run_is_only_read(tmp_path):
    model, again = Line(), Line()
    run(model, folder=tmp_path)
    assert stored_steps(tmp_path) == [12]
    (result,) = fit(again, batch_at, loss, OPTIONS, tmp_path)
    assert isinstance(result, Result)
    assert torch.equal(weights(again), weights(model))


def test_only_what_is_trained_is_kept(tmp_path):
    model = Line()
    model.layers[0].requires_grad_(False)
    run(model, folder=tmp_path)
    saved = checkpoint.load(checkpoint.newest(tmp_path)).tensors["weights"]
    assert saved.keys() == {"layers.3.weight", "layers.3.bias"}


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    events = fit(Line(), batch_at, loss, FitOptions(steps=3, save_every=1))
    next(events)
    events.send(SAVE)
    list(events)
    assert not list(tmp_path.iterdir())


# --- What goes wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_run_before_the_step(value):
    model = Line()

    def broken(model, batch):
        found, figures = loss(model, batch)
        return (found * value if next_step[0] == 3 else found), figures

    next_step, held = [1], None
    with pytest.raises(TrainingError, match="no longer a number at step 3 of 12") as caught:
        for event in fit(model, batch_at, broken, OPTIONS):
            next_step[0], held = event.step + 1, weights(model)
    assert "learning rate" in caught.value.fix
    assert torch.equal(weights(model), held)


def test_a_gradient_that_is_no_number_reaches_no_weight_and_no_checkpoint(tmp_path):
    def broken(model, batch):
        found, figures = loss(model, batch)
        return found + (0.0 * model.layers[0].weight.sum()).sqrt(), figures  # a finite value; its slope is not

    with pytest.raises(TrainingError):
        list(fit(Line(), batch_at, broken, replace(OPTIONS, save_every=1), tmp_path))
    assert checkpoint.newest(tmp_path) is None


def test_nothing_to_train_is_refused():
    model = Line().requires_grad_(False)
    with pytest.raises(TrainingError, match="No weight"):
        next(fit(model, batch_at, loss, OPTIONS))


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    stop_after(2, tmp_path, save=True)
    model = Line()
    model.layers[0].requires_grad_(False)
    with pytest.raises(TrainingError, match="step-00000002 belongs to a run with other trained weights"):
        next(fit(model, batch_at, loss, OPTIONS, tmp_path))


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    options = replace(OPTIONS, save_every=4)
    run(Line(), options, tmp_path)
    newest = checkpoint.newest(tmp_path)
    (newest / "weights.safetensors").write_bytes(b"")
    resumed, whole = Line(), Line()
    told = list(fit(resumed, batch_at, loss, options, tmp_path))
    assert told[0].step == 9
    run(whole, options)
    assert torch.equal(weights(resumed), weights(whole))
