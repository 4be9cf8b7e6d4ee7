"""One base model in memory, and the adapted models of a project on top of it, one at a time.

    models = Models("nano")
    model, framing = models.use(None)         # the base
    model, framing = models.use(adapter)      # an `Adapter` of the project

Adapters of one PEFT method stay loaded together, and switching between them takes milliseconds. A layer can be wrapped
by one method alone: where the next adapter is of another, the first ones are taken off, and the base is what it was.
"""

import json
from pathlib import Path
from typing import Any

from peft import PeftConfig, PeftModel
from safetensors import SafetensorError

import leaml.models.adapters  # noqa: F401 - makes PEFT know the neuron adapter
from leaml.errors import ModelError
from leaml.models.features import SeenFraming
from leaml.models.framing import Framing
from leaml.models.load import fingerprint, load
from leaml.models.picture_size import limit_pictures
from leaml.store.project import Adapter

WEIGHTS = ("adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json")
"""What an adapter's folder holds one of, a whole model's too."""


class Models:
    """A base model by name, held in `precision` (see `load`), and who stands in for it.

    picture_size: longest side of pictures as all of them see them; 0: as the base model likes best.

    Raises:
        ModelError: the model cannot be loaded. DataError: its chat template cannot be used.
    """

    def __init__(self, name: str, precision: str = "auto", picture_size: int = 0) -> None:
        self.name, self.picture_size = name, picture_size
        loaded = load(name, precision=precision)
        limit_pictures(loaded.processor, loaded.model.config, picture_size)
        self.framing = SeenFraming(loaded.model, Framing(loaded.processor))
        print(loaded.name, *loaded.reasons, self.framing.packing_reason, sep="\n  ", flush=True)
        self._base = loaded.model
        self._fingerprint = fingerprint(loaded.model)
        self._wrapped: PeftModel | None = None
        self._whole: dict[int, tuple[Any, Framing]] = {}

    def use(self, adapter: Adapter | None) -> tuple[Any, Framing]:
        """The model that answers as `adapter` was trained to (None: as the base does), and its framing.

        Valid until the next call.

        Raises:
            ModelError: the adapter belongs to another base model, or its files are gone or damaged.
        """
        if adapter is None:
            if self._wrapped is not None:
                self._wrapped.base_model.disable_adapter_layers()
            return self._base, self.framing
        self._refuse_unfit(adapter)
        if adapter.kind == "full":
            return self._trained_whole(adapter)
        self._wear(adapter)
        return self._wrapped, self.framing

    def _trained_whole(self, adapter: Adapter) -> tuple[Any, Framing]:
        if adapter.id not in self._whole:
            self._whole.clear()  # a second one beside the base is all that memory is asked for
            loaded = load(adapter.path)
            limit_pictures(loaded.processor, loaded.model.config, self.picture_size)
            self._whole[adapter.id] = loaded.model, Framing(loaded.processor)
        return self._whole[adapter.id]

    def _wear(self, adapter: Adapter) -> None:
        """Makes a PEFT adapter the active one."""
        name = f"adapter-{adapter.id}"
        try:
            method = PeftConfig.from_pretrained(str(adapter.path)).peft_type
            if self._wrapped is not None and self._wrapped.peft_type != method:
                self._base = self._wrapped.unload()
                self._wrapped = None
            if self._wrapped is None:
                self._wrapped = PeftModel.from_pretrained(self._base, str(adapter.path), adapter_name=name)
            elif name not in self._wrapped.peft_config:
                self._wrapped.load_adapter(str(adapter.path), adapter_name=name)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            if "size mismatch" in str(error):
                what = f"{adapter.name} does not fit {self.name}: its weights have the shapes of another model's."
                raise ModelError(what, "Choose the model that it was trained on, or train it again.") from error
            line = next(iter(str(error).splitlines()), type(error).__name__)
            raise ModelError(f"{adapter.name} cannot be loaded: {line}", "Train it again.") from error
        self._wrapped.base_model.enable_adapter_layers()
        self._wrapped.set_adapter(name, inference_mode=True)
        self._wrapped.eval()

    def _refuse_unfit(self, adapter: Adapter) -> None:
        """By the weights that the run began with; by the base's name, where it left no word of them."""
        if not any((adapter.path / name).is_file() for name in WEIGHTS):
            raise ModelError(f"The files of {adapter.name} are gone.", "Train it again.")
        began_with = next(filter(None, map(_fingerprint_in, adapter.path.parents[:2])), None)
        if began_with == self._fingerprint or (began_with is None and adapter.base == self.name):
            return
        if adapter.base != self.name:
            what = f"{adapter.name} was trained on {adapter.base}, not on {self.name}."
            raise ModelError(what, f"Choose {adapter.base} as the model.")
        what = f"{adapter.name} was trained on other weights of {self.name} than those that are here now."
        raise ModelError(what, "Train it again.")


def _fingerprint_in(folder: Path) -> str | None:
    """Of the base model, as training wrote it into its run folder."""
    run = folder / "run.json"
    return json.loads(run.read_text(encoding="utf-8")).get("model") if run.is_file() else None
