"""What a run trains of a model: selected neurons, a LoRA, or every weight; and the form in which that is saved.

    chosen = Trained("generator", "neurons", fraction=0.05, method="taylor")
    trained = chosen.of(model, framing, labels, pair_turn, run_folder)      # the model, with that much thawed
    ...                                                                     # fit
    path = chosen.save(trained, framing, run_folder)                        # an adapter's folder, or a whole model's
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from leaml.errors import ModelError
from leaml.models.adapters import add_lora, add_neuron_adapter, load_lora, trainable_parameters
from leaml.models.framing import Framing
from leaml.models.load import fingerprint
from leaml.models.neurons import Selection, score_neurons
from leaml.models.quantised import is_quantised
from leaml.models.scores import Provenance, scored
from leaml.records import Pair, Question
from leaml.training.batches import Batch, Example, Turn, encode, kind_losses
from leaml.training.stage import data_hash
from leaml.training.thrift import is_out_of_memory

SCORED_AT_ONCE = 16
"""Labels that go through the model together while neurons are scored."""

AsTurn = Callable[[Question | Pair], Turn]
"""How a label is put to the model: as the generator's task, or as a question to answer."""


@dataclass(frozen=True, slots=True)
class Trained:
    """How much of a model is trained, and under which name.

    adapter: the name of the PEFT adapter. kind: `neurons`, `lora`, or `full`: every parameter, the vision tower's and
    the embeddings' too. rank: of the LoRA. method, fraction, scope: of the neurons, as `score_neurons` and `select`
    take them.
    """

    adapter: str
    kind: str
    rank: int = 16
    method: str = "taylor"
    fraction: float = 0.05
    scope: str = "global"
    seed: int = 0
    begins_with: Path | None = None
    """Folder of a LoRA of this base model that learns on, with its own rank; None: a new one."""

    def of(
        self,
        model: nn.Module,
        framing: Framing,
        labels: Sequence[Question | Pair],
        turn: AsTurn,
        run_folder: Path,
        scores_folder: Path | None = None,
    ) -> nn.Module:
        """The model with that much thawed, and nothing else.

        Args:
            labels: what neurons are scored on, each put to the model as `turn` says.
            run_folder: a run that goes on takes the neurons in its selection.json: its checkpoints are theirs.
            scores_folder: where neuron scores are kept, and found by other runs on the same labels and model; None: in
                the run's folder.

        Raises:
            ModelError: the model has no neurons that can be selected, or adapters of another kind; or all of it is to
                be trained, and its weights are held in fewer bits.
        """
        if self.kind != "neurons":
            return self.thawed(model)
        path = run_folder / "selection.json"
        if not path.is_file():
            self._select(model, framing, labels, turn, scores_folder or run_folder).save(path)
        return self.thawed(model, Selection.load(path))

    def thawed(self, model: nn.Module, selection: Selection | None = None) -> nn.Module:
        """The model with a new LoRA, with these neurons, or with all of it free to learn. Raises ModelError as `of`."""
        if self.kind == "lora" and self.begins_with is not None:
            return load_lora(model, self.begins_with, self.adapter)
        if self.kind == "lora":
            return add_lora(model, self.rank, self.rank, self.adapter)
        if self.kind == "neurons":
            return add_neuron_adapter(model, selection, self.adapter)
        if is_quantised(model):
            raise ModelError(
                "Weights that are held in 4 or 8 bits cannot all be trained.",
                "Train neurons or a LoRA, or hold the weights in full.",
            )
        # In bf16 most updates would be smaller than the last bit of the weight, and be lost.
        return model.float().requires_grad_(True)

    def _select(
        self, model: nn.Module, framing: Framing, labels: Sequence[Question | Pair], turn: AsTurn, folder: Path
    ) -> Selection:
        asked = "\n".join(sorted({turn(label).prompt for label in labels}))
        provenance = Provenance(self.method, data_hash(labels), asked, fingerprint(model), self.seed)

        def compute(method: str) -> dict[str, Tensor]:
            return score_on_labels(model, framing, labels, method, self.seed, turn)

        return scored(folder, provenance, compute).select(self.fraction, self.scope)

    def figures(self, trained: nn.Module, run_folder: Path) -> dict[str, float]:
        """How many `trained weights` there are, and where neurons are trained, how many `neurons`."""
        found = {"trained weights": float(trainable_parameters(trained))}
        if self.kind == "neurons":
            found["neurons"] = float(Selection.load(run_folder / "selection.json").count)
        return found

    def save(self, trained: Any, framing: Framing, run_folder: Path) -> Path:
        """Writes what was trained; a whole model with its processor and in its own precision, to load like any other.

        Returns:
            The folder of the adapter, or of the model.
        """
        if self.kind == "full":
            if isinstance(trained.config.dtype, torch.dtype):
                trained.to(trained.config.dtype)
            trained.save_pretrained(run_folder / "model")
            framing.processor.save_pretrained(run_folder / "model")
            return run_folder / "model"
        # The embeddings are nobody's to train: told so, PEFT need not ask the hub for the base's vocabulary.
        saved = {"selected_adapters": [self.adapter], "save_embedding_layers": False}
        trained.save_pretrained(run_folder / "adapter", **saved)
        return run_folder / "adapter" / self.adapter


def score_on_labels(
    model: nn.Module,
    framing: Framing,
    labels: Sequence[Question | Pair],
    method: str,
    seed: int,
    turn: AsTurn,
    batch_size: int = SCORED_AT_ONCE,
) -> dict[str, Tensor]:
    """Neuron scores by the loss on the labels, each a sample and a row of its own, as `score_neurons` gives them.

    batch_size: labels at once; where memory does not suffice, fewer. Scores add up over labels: they are the same.
    """
    try:
        return score_neurons(
            model, _batches(framing, labels, turn, batch_size, model), summed_loss, method, seed, rows_before_padding
        )
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or batch_size == 1:
            raise
    torch.cuda.empty_cache()  # nothing where there is no GPU
    return score_on_labels(model, framing, labels, method, seed, turn, batch_size // 2)


def _batches(
    framing: Framing, labels: Sequence[Question | Pair], turn: AsTurn, batch_size: int, model: nn.Module
) -> Iterator[Batch]:
    device = next(model.parameters()).device
    examples = [Example(label.image, (turn(label),)) for label in labels]
    return (encode(framing, examples[k : k + batch_size]).to(device) for k in range(0, len(examples), batch_size))


def summed_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The sum of the losses of a batch's answers, each as much as it weighs."""
    return sum(total for total, _ in kind_losses(model, batch).values())


def rows_before_padding(batch: Batch) -> Tensor:
    """(rows, tokens): each row is one sample; padding belongs to none."""
    rows = torch.arange(len(batch.segments), device=batch.segments.device)[:, None].expand(batch.segments.shape)
    return rows.masked_fill(batch.segments < 0, -1)
