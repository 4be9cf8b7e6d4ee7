"""Makes PEFT know the neuron adapter once both are imported, in either order, and imports neither.

    import leaml
    from peft import PeftModel
    PeftModel.from_pretrained(model, folder)         # a neuron adapter too

PEFT finds a method by its name in a table, and has no place where a package could announce one. So the table is filled
when PEFT is imported: what Python looks modules up with is asked for `peft` once, and registers the method behind it.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

METHOD = "leaml.models.neuron_tuner"
"""Registers itself where it is imported."""


def register() -> None:
    """Now, where PEFT is here already; else as soon as it is imported."""
    if "peft" in sys.modules:
        importlib.import_module(METHOD)
    else:
        sys.meta_path.insert(0, _BehindPeft())


class _BehindPeft(MetaPathFinder):
    """Finds `peft` where the others find it, and adds to its import what registers the method."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "peft":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_register(module: ModuleType) -> None:
            run(module)
            sys.meta_path.remove(self)
            importlib.import_module(METHOD)

        spec.loader.exec_module = run_and_register
        return spec
