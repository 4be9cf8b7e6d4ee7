"""Score how much each feed-forward neuron matters to a loss, and select the ones to train.

    scores = score_neurons(model, batches, loss)            # {"model.text_model.layers.0.mlp": (neurons,), …}
    selection = Selection.of(scores, fraction=0.05)
    selection.save(run_folder / "selection.json")

Neuron j of a gated feed-forward network has the activation h_j = act(gate_j(x)) · up_j(x), seen at the input of
`down_proj`. The method is LEAML's (arXiv 2510.03232); the formulas stand at `score_neurons`, and where the paper is
silent they are our choice.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from leaml.errors import OptionError, StorageError
from leaml.files import write_whole
from leaml.models.neuron_meters import ActivationMeter, GradientMeter, TaylorMeter
from leaml.models.quantised import keep_differentiable
from leaml.models.structure import base_model, feed_forwards

METHODS = ("taylor", "gradient", "activation", "random", "inverse")
"""Ways to score a neuron; the last two are controls."""

SCOPES = ("global", "layer")
"""Whether layers compete for neurons, or each layer gives the same share."""

Samples = Callable[[Any], Tensor]
"""From a batch to (rows, tokens): the sample of each token, counted from 0 in each batch; -1 leaves the token out."""


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The neurons to train, and where they came from."""

    neurons: dict[str, Tensor]
    """For each feed-forward network, by name, the chosen neurons: sorted int64 indices, possibly none."""
    sizes: dict[str, int]
    """How many neurons each of them has."""
    method: str = ""
    fraction: float = 0.0
    scope: str = "global"
    seed: int = 0
    data_hash: str = ""
    prompt: str = ""
    model_hash: str = ""

    @classmethod
    def of(cls, scores: Mapping[str, Tensor], fraction: float, scope: str = "global", **provenance: Any) -> "Selection":
        """Select by `scores`, see `select`.

        Args:
            provenance: any of `method`, `seed`, `data_hash`, `prompt`, `model_hash`.
        """
        sizes = {name: len(values) for name, values in scores.items()}
        return cls(select(scores, fraction, scope), sizes, fraction=fraction, scope=scope, **provenance)

    @property
    def count(self) -> int:
        """How many neurons are chosen in all."""
        return sum(len(chosen) for chosen in self.neurons.values())

    def share_by_layer(self) -> list[float]:
        """The share of neurons chosen in each feed-forward network, in the model's order: 0 to 1."""
        return [len(chosen) / self.sizes[name] for name, chosen in self.neurons.items()]

    def overlap(self, other: "Selection") -> float:
        """The share of these neurons that the other selection of this model chose too: 0 to 1.

        By chance it is the other one's share of all neurons.
        """
        shared = sum(int(torch.isin(chosen, other.neurons[name]).sum()) for name, chosen in self.neurons.items())
        return shared / self.count

    def provenance(self) -> dict[str, Any]:
        """Everything but the neurons, ready for JSON."""
        names = ("method", "fraction", "scope", "seed", "data_hash", "prompt", "model_hash")
        return {name: getattr(self, name) for name in names}

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all. Raises StorageError."""
        neurons = {name: chosen.tolist() for name, chosen in self.neurons.items()}
        text = json.dumps({**self.provenance(), "sizes": self.sizes, "neurons": neurons})
        write_whole(path, text)

    @classmethod
    def load(cls, path: Path) -> "Selection":
        """Read what `save` wrote. Raises StorageError where the file cannot be read or is not a selection."""
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            neurons = {name: torch.tensor(chosen, dtype=torch.int64) for name, chosen in stored.pop("neurons").items()}
            selection = cls(neurons=neurons, **stored)
            selection.check()
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error}.", "Score the neurons again.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(f"{path} is not a selection of neurons: {error}.", "Score the neurons again.") from error
        return selection

    def check(self) -> None:
        """Raises ValueError unless every index is a neuron, named once, in order."""
        if self.neurons.keys() != self.sizes.keys():
            raise ValueError("neurons and sizes name different networks")
        for name, chosen in self.neurons.items():
            if len(chosen) and (chosen[0] < 0 or chosen[-1] >= self.sizes[name] or (chosen.diff() <= 0).any()):
                raise ValueError(f"indices of {name} are not sorted neurons below {self.sizes[name]}")


def one_sample_per_row(batch: Mapping[str, Tensor]) -> Tensor:
    """Every row of `batch["input_ids"]` is one sample; padding, where a 2-D `attention_mask` shows it, is left out."""
    try:
        ids = batch["input_ids"]
    except (TypeError, KeyError, IndexError) as error:
        raise OptionError("The batch has no input_ids.", "Say with samples= which token is whose.") from error
    rows = torch.arange(len(ids), device=ids.device)[:, None].expand(ids.shape)
    mask = batch.get("attention_mask")
    return rows if mask is None or mask.dim() != 2 else rows.masked_fill(mask == 0, -1)


def score_neurons(
    model: nn.Module,
    batches: Iterable[Any],
    loss: Callable[[nn.Module, Any], Tensor],
    method: str = "taylor",
    seed: int = 0,
    samples: Samples = one_sample_per_row,
) -> dict[str, Tensor]:
    """How much each feed-forward neuron matters to the loss.

    With h_j the neuron's activation and s running over samples, t over the tokens of a sample:

    - `taylor`: Σ_s |Σ_t h_j · ∂L/∂h_j|, to first order how much the loss of a sample changes when the neuron is
      silenced. It equals Σ_s |Σ_i W_ij ∂L/∂W_ij| over the neuron's column of `down_proj`.
    - `gradient`: Σ_s of the norm of the gradient of its gate row, up row and down column together.
    - `activation`: mean |h_j| over tokens.
    - `inverse`: minus `taylor`, so that the least important come first. `random`: uniform numbers; no batch is read.

    All come from hooks on activations: no weight gets a gradient, so quantised bases work. The model runs in
    evaluation mode and is left as it was. Where several samples share a row (packed questions), name the sample of
    each token; tokens that several samples read, such as a shared image prefix, mix their gradients and belong to
    nobody (-1).

    Args:
        model: a transformers model, with or without adapters.
        batches: whatever `loss` understands, on the model's device.
        loss: the losses of the samples, or their sum. A mean would weigh a sample by the size of its batch.
        method: one of `METHODS`.
        seed: of `random`.
        samples: which token belongs to which sample.

    Returns:
        For each feed-forward network, by name, float32 scores on the CPU, shape (neurons,).

    Raises:
        ModelError: no neurons can be found, or scores are not finite. OptionError: an unknown method, or no batch at
            all.
    """
    layers = feed_forwards(model)
    if method not in METHODS:
        raise OptionError(f"{method!r} is not a way to score neurons.", f"Choose one of {', '.join(METHODS)}.")
    if method == "random":
        generator = torch.Generator().manual_seed(seed)
        return {layer.name: torch.rand(layer.size, generator=generator) for layer in layers}
    keep_differentiable(model)
    meter = {"gradient": GradientMeter, "activation": ActivationMeter}.get(method, TaylorMeter)(layers)
    with _frozen(model), meter.watching(base_model(model)):
        for batch in batches:
            meter.start(samples(batch))
            with torch.set_grad_enabled(meter.needs_gradient):
                total = loss(model, batch).sum()
            if meter.needs_gradient:
                total.backward()
            meter.finish()
    scores = meter.scores()
    return {name: -score for name, score in scores.items()} if method == "inverse" else scores


def select(scores: Mapping[str, Tensor], fraction: float, scope: str = "global") -> dict[str, Tensor]:
    """The neurons with the highest scores; of equal ones, the earlier.

    Args:
        scores: for each feed-forward network, by name, shape (neurons,).
        fraction: the share of all neurons to take, above 0 and at most 1; at least one is taken.
        scope: `global`, all layers compete; `layer`, each gives this share of its own (at least one neuron).

    Returns:
        For each feed-forward network, by name, sorted int64 indices; empty where a network has none of the chosen.

    Raises:
        OptionError: fraction or scope cannot be used, or there are no scores.
    """
    if not 0 < fraction <= 1:
        raise OptionError(f"A share of {fraction} of the neurons cannot be selected.", "Give more than 0, at most 1.")
    if scope not in SCOPES:
        raise OptionError(f"{scope!r} is not a scope.", f"Choose one of {', '.join(SCOPES)}.")
    if not scores:
        raise OptionError("There are no scores to select by.", "Score the neurons first.")
    if scope == "layer":
        return {name: _highest(values, fraction) for name, values in scores.items()}
    chosen = _highest(torch.cat(list(scores.values())), fraction)
    selected, start = {}, 0
    for name, values in scores.items():
        stop = start + len(values)
        selected[name] = chosen[(chosen >= start) & (chosen < stop)] - start
        start = stop
    return selected


def _highest(values: Tensor, fraction: float) -> Tensor:
    """Sorted indices of the highest `fraction` of values, at least one."""
    count = max(1, round(fraction * len(values)))
    return values.argsort(descending=True, stable=True)[:count].sort().values


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and no parameter that wants a gradient; both restored afterwards."""
    was_training = {module: module.training for module in model.modules()}
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.eval()
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
        for module, training in was_training.items():
            module.training = training
