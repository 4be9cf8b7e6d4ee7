"""Neuron scores as files: kept with what they were computed from, and computed once for each of it.

    provenance = Provenance("taylor", data_hash(labels), prompt, fingerprint(model))
    scores = scored(folder, provenance, lambda method: score_on_labels(model, framing, labels, method))
    selection = scores.select(0.05)

A file is safetensors, its provenance JSON in the header. Selections of any share and scope come from the same scores.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from leaml.errors import StorageError
from leaml.files import replacing
from leaml.models.neurons import Selection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What scores depend on."""

    method: str
    data_hash: str
    prompt: str
    """What the model was asked on the data: tells two tasks on the same labels apart."""
    model_hash: str
    seed: int = 0
    """Of `random` alone: the other methods draw nothing."""

    @property
    def computed(self) -> "Provenance":
        """Of the scores that these are made from: `inverse` is `taylor` with its sign changed."""
        method = "taylor" if self.method == "inverse" else self.method
        return replace(self, method=method, seed=self.seed if method == "random" else 0)

    @property
    def key(self) -> str:
        """16 hexadecimal digits that name the computed scores."""
        return hashlib.sha256(json.dumps(asdict(self.computed)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """How much each feed-forward neuron matters, and where that comes from."""

    values: dict[str, Tensor]
    """For each feed-forward network, by name, float32 on the CPU, shape (neurons,), in the model's order."""
    provenance: Provenance

    def select(self, fraction: float, scope: str = "global") -> Selection:
        """The neurons with the highest scores, see `neurons.select`. Raises OptionError."""
        return Selection.of(self.values, fraction, scope, **asdict(self.provenance))

    def share_held(self, neurons: Mapping[str, Tensor]) -> float:
        """The share of the sum of all scores that some neurons hold, 0 to 1; of `inverse`, as of `taylor`."""
        held = sum(float(values[neurons[name]].double().sum()) for name, values in self.values.items())
        total = sum(float(values.double().sum()) for values in self.values.values())
        return held / total if total else 0.0

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises StorageError."""
        about = {"provenance": json.dumps(asdict(self.provenance)), "order": json.dumps(list(self.values))}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as part:
                save_file({name: values.contiguous() for name, values in self.values.items()}, part, metadata=about)
        except (OSError, SafetensorError) as error:
            raise StorageError(f"{path} cannot be written: {error}.", "Check the folder and the free space.") from error

    @classmethod
    def load(cls, path: Path) -> "Scores":
        """Read what `save` wrote. Raises StorageError where the file cannot be read or holds no scores."""
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata()
                values = {name: file.get_tensor(name) for name in json.loads(about["order"])}
                provenance = Provenance(**json.loads(about["provenance"]))
        except (OSError, SafetensorError) as error:
            raise StorageError(f"{path} cannot be read: {error}.", "Score the neurons again.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(f"{path} holds no neuron scores: {error}.", "Score the neurons again.") from error
        return cls(values, provenance)


def scored(folder: Path, provenance: Provenance, compute: Callable[[str], dict[str, Tensor]]) -> Scores:
    """The scores of `provenance`: those that `folder` holds, or computed now and kept there.

    Several runs may share the folder, at the same time too: each file appears whole.

    Args:
        compute: from the method to the values of `Scores`. For `inverse` it is asked for `taylor`, whose scores are
            shared. Those of `random` cost nothing: they are drawn every time, and not kept.

    Raises:
        StorageError: the folder cannot be written. What `compute` raises.
    """
    if provenance.method == "random":
        return Scores(compute("random"), provenance)
    found = _kept(folder / f"{provenance.key}.safetensors", provenance.computed)
    if found is None:
        found = Scores(compute(provenance.computed.method), provenance.computed)
        found.save(folder / f"{provenance.key}.safetensors")
    sign = -1 if provenance.method == "inverse" else 1
    return Scores({name: sign * values for name, values in found.values.items()}, provenance)


def _kept(path: Path, provenance: Provenance) -> Scores | None:
    """The scores in a file; None where there is none, or one that does not serve, which is logged and written anew."""
    if not path.is_file():
        return None
    try:
        kept = Scores.load(path)
    except StorageError as error:
        log.warning("Neuron scores are computed again: %s", error.what)
        return None
    if kept.provenance != provenance or not all(torch.isfinite(values).all() for values in kept.values.values()):
        log.warning("Neuron scores are computed again: %s holds others, or such that are not finite.", path)
        return None
    return kept
