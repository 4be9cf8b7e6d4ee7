"""The bridge of the export: an adapted model and its data in one folder that needs nothing of this program.

    adapter/        as it was trained, in the format of PEFT
    lora/           the same as a plain LoRA
    merged/         the whole model in bf16, with its processor
    dataset/        pictures, questions, captions, in one of several layouts (see leaml.store.dataset)
    MODEL_CARD.md
    SHA256SUMS      `sha256sum -c SHA256SUMS` checks all

Everything is written beside the folder and moved there last: what stands there is whole.
"""

import hashlib
import json
import shutil
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from leaml.errors import DataError, StorageError
from leaml.jobs.facts import facts_of, public_name
from leaml.jobs.queue import Job
from leaml.jobs.reporting import CARD, comparison_of
from leaml.jobs.stages import Work, begun_with
from leaml.options import ExportOptions
from leaml.records import Progress, Result
from leaml.report.document import document
from leaml.report.page import model_card
from leaml.store.dataset import export_dataset
from leaml.store.project import Adapter, Project

SUMS = "SHA256SUMS"
NAMES_A_PLACE = ("base_model_name_or_path", "_name_or_path")
"""What PEFT and transformers write about where a model lay."""
MOST_IN_FULL = 3_000_000_000
WHOLE = "{name} is a whole model: there is no adapter to write, only the model itself."


def export(project: Project, job: Job, options: ExportOptions) -> Work:
    """Writes the parts that are wanted."""
    target = Path(options.folder).expanduser()
    adapter = _chosen(project, next(iter(begun_with(project, job, "adapter")), options.adapter), options)
    must_be_new(target)
    if adapter is not None:
        project.use(job.run, "adapter", [adapter.id])
    packing = _Packing(project, adapter, target, job.run)
    return Work(packing.events(options), finish=packing.finish)


def must_be_new(folder: Path) -> None:
    """Raises StorageError where a folder holds something, or cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        what = f"{folder} cannot be used: {error.strerror or error}."
        raise StorageError(what, "Give a new folder.") from error
    if taken:
        raise StorageError(f"{folder} holds other files.", "Give a new folder, or an empty one.")


def _chosen(project: Project, id: int | None, options: ExportOptions) -> Adapter | None:
    """None where no part needs one."""
    if id is not None:
        return project.adapter(id)
    newest = project.adapters("answers")
    if not newest and set(options.parts) - {"dataset"}:
        raise DataError("There is no adapted model yet.", "Adapt one first, or export the data alone.")
    return next(iter(newest), None)


class _Packing:
    """One export on its way."""

    def __init__(self, project: Project, adapter: Adapter | None, target: Path, run: int) -> None:
        self.project, self.adapter, self.target = project, adapter, target
        self.folder = target.parent / f".{target.name}.export-{run}"
        self.left_out: list[str] = []

    def events(self, options: ExportOptions) -> Generator[Progress | Result, None, None]:
        data = partial(export_dataset, self.project, layout=options.layout, undecided=options.undecided)
        acts = {"adapter": self._adapter, "lora": self._lora, "merged": self._merged, "dataset": data}
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir()
            for step, part in enumerate(options.parts):
                yield Progress(step, len(options.parts) + 1, f"Writing {part}")
                acts[part](self.folder / part)
            yield Progress(len(options.parts), len(options.parts) + 1, "Checksums")
            self._finished()
        except OSError as error:
            what = f"{self.target} cannot be written: {error.strerror or error}."
            raise StorageError(what, "Check the folder and the free space.") from error
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        yield Progress(len(options.parts) + 1, len(options.parts) + 1)
        yield Result(path=self.target)

    def finish(self, result: Result) -> dict[str, Any]:
        """What was written; the folder stands in the job's options."""
        parts = sorted(path.name for path in self.target.iterdir())
        return {"parts": parts, "left out": self.left_out, "adapter": self.adapter.id if self.adapter else None}

    def _finished(self) -> None:
        """Card and checksums, then everything into its place."""
        if self.adapter is not None:
            card = self._card()
            for folder in (self.folder, *(self.folder / part for part in ("adapter", "lora", "merged"))):
                if folder.is_dir():
                    (folder / (CARD if folder == self.folder else "README.md")).write_text(card, encoding="utf-8")
        _name_no_place(self.folder)
        (self.folder / SUMS).write_text("".join(checksums(self.folder)), encoding="utf-8")
        self.target.rmdir()
        self.folder.rename(self.target)

    def _card(self) -> str:
        try:
            comparison = comparison_of(self.project, None)
        except DataError:
            comparison = None
        return model_card(document(facts_of(self.project, comparison, self.adapter, examples=0)))

    # Parts --------------------------------------------------------------------------------------------------------

    def _adapter(self, folder: Path) -> None:
        if self.adapter.kind == "full":
            self.left_out.append(WHOLE.format(name=self.adapter.name))
            return
        shutil.copytree(self.adapter.path, folder)

    def _lora(self, folder: Path) -> None:
        if self.adapter.kind != "neurons":
            return self._adapter(folder)
        from leaml.jobs.loading import Models
        from leaml.models.adapters import export_lora

        model, _ = Models(self.adapter.base).use(self.adapter)
        export_lora(model, model.active_adapter, folder)

    def _merged(self, folder: Path) -> None:
        import torch

        from leaml.models.adapters import merge

        model, processor = _exact(self.adapter)
        merge(model).to(torch.bfloat16).save_pretrained(folder)
        processor.save_pretrained(folder)


def _exact(adapter: Adapter) -> tuple[Any, Any]:
    """The adapted model, fit to be merged, and its processor.

    A model of up to some 3 billion weights is held in full precision, so that its sums are rounded once; a larger one
    would not fit many memories, and is mostly stored in bf16 anyway.
    """
    import torch
    from peft import PeftModel

    from leaml.jobs.loading import Models
    from leaml.models.load import load

    model, framing = Models(adapter.base, "full").use(adapter)  # refuses an adapter of another base
    if adapter.kind == "full" or model.num_parameters() > MOST_IN_FULL:
        return model, framing.processor
    loaded = load(adapter.base, "cpu", torch.float32, "full")
    return PeftModel.from_pretrained(loaded.model, str(adapter.path)), loaded.processor


# ---- files -------------------------------------------------------------------------------------------------------


def _name_no_place(folder: Path) -> None:
    """Configurations name the base model, not where it lay on this disk."""
    for file in folder.glob("*/*config.json"):
        config = json.loads(file.read_text(encoding="utf-8"))
        named = {name: public_name(config[name]) for name in NAMES_A_PLACE if config.get(name)}
        if named:
            file.write_text(json.dumps(config | named, indent=2), encoding="utf-8")


def checksums(folder: Path) -> Iterator[str]:
    """A line for each file below a folder, as `sha256sum` writes and reads them."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        yield f"{digest}  {file.relative_to(folder).as_posix()}\n"
