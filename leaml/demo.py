"""`leaml demo`: the whole loop without a screen, on the sample project or on any folder in the import format.

    import → distil → write suggestions → accept by filter → adapt (labels alone, then all) → compare

A project is made for it, in a temporary home or in the folder that is to be kept, and every stage is a job in a process
of its own, just as from the screens. Nothing is precomputed but the teacher's captions, and a filter stands in for the
expert who would vet the suggestions.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import leaml
from leaml.errors import DataError, StorageError
from leaml.jobs import queue
from leaml.jobs.commands import command_of
from leaml.jobs.queue import Job
from leaml.options import AdaptOptions, CompareOptions, DistilOptions, GenerateOptions, ImportOptions, Options
from leaml.store.findings import Findings
from leaml.store.importing import SETTING
from leaml.store.project import Project, slug
from leaml.verbs import following, importing, outcomes
from leaml.verbs.following import tell

SAMPLE = Path(leaml.__file__).resolve().parents[1] / "sample_data" / "colonoscopy-phantom"
FILTER = "filter"
"""Who accepts the suggestions."""

BLIND, BASE, LABELS_ONLY, ADAPTED = "blind majority", "base", "labels only", "adapted"
JSON_NAMES = {BLIND: "blind", BASE: "base", LABELS_ONLY: "labels_only", ADAPTED: "adapted"}

Rows = list[dict[str, Any]]
"""A test set's table, one row for each model, as the job that compares keeps it."""


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        default=SAMPLE,
        metavar="FOLDER",
        help="folder with images/, questions.jsonl and captions.jsonl (default: the sample project)",
    )
    parser.add_argument(
        "--labels",
        type=int,
        metavar="N",
        help="pictures of the train split whose answers may be used (default: all that have some)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of the table to FILE, too")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed of every random choice (default: 0)")
    parser.add_argument("--model", default="nano", metavar="MODEL", help="model to adapt (default: nano, embedded)")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the project in this folder, which `--home` opens afterwards"
    )


# ---- the loop ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of every stage."""

    distil: DistilOptions = field(default_factory=DistilOptions)
    generate: GenerateOptions = field(default_factory=GenerateOptions)
    adapt: AdaptOptions = field(default_factory=AdaptOptions)
    compare: CompareOptions = field(default_factory=lambda: CompareOptions(trust=False))

    @classmethod
    def with_seed(cls, seed: int) -> "Settings":
        return cls(DistilOptions(seed=seed), GenerateOptions(seed=seed), AdaptOptions(seed=seed))


@dataclass(slots=True)
class Loop:
    """The stages in order, each a job of the project; `seconds` by stage, as their rows have it."""

    project: Project
    settings: Settings
    model: str
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> tuple[Job, dict[int | None, str]]:
        """Everything after the import: the job that compares, and what its models are called here, by adapter."""
        settings = self.settings
        self.job("distil", "distil", settings.distil)
        self.accept(self.job("write suggestions", "generate", settings.generate))
        labels_only = self.job(f"tune: {LABELS_ONLY}", "adapt", settings.adapt, use_suggestions=False)
        adapted = self.job(f"tune: {ADAPTED}", "adapt", settings.adapt)
        names = {labels_only.result["adapter"]: LABELS_ONLY, adapted.result["adapter"]: ADAPTED}
        compared = self.job("compare", "compare", settings.compare, adapters=tuple(names))
        return compared, {None: BASE} | names

    def job(self, stage: str, kind: str, options: Options, **changed: Any) -> Job:
        """Submits a job and follows it to its end."""
        if "model" in type(options).model_fields:
            changed["model"] = self.model
        options = options.model_copy(update=changed)
        id = queue.submit(self.project, kind, options, command=command_of(kind, options, self.project))
        done = following.follow(self.project, id)
        self.seconds[stage] = done.seconds
        tell(f"{stage:<24}{done.seconds:7.1f} s")
        return done

    def accept(self, written: Job) -> None:
        """Accepts every suggestion: the job has kept those alone that pass its filter."""
        for line in outcomes.SAID["generate"](self.project, written):
            tell(line)
        waiting = [pair.id for pair in self.project.suggestions(status="suggested")]
        if waiting:
            least = self.settings.generate.least_agreement
            self.project.accept_all(FILTER, waiting, f"agreement of at least {least:g}, nobody looked")


def take_in(loop: Loop, data: Path, labels: int | None, seed: int) -> None:
    """Imports the folder, and says in a few lines what may be learned from.

    Raises:
        DataError: nothing is labelled for training, or there is no test set.
    """
    given = {} if labels is None else {"labels": labels}
    loop.job("import", "import", ImportOptions(folder=str(data.resolve()), seed=seed, **given))
    project = loop.project
    found = Findings.from_json(project.setting(SETTING))
    for line in [*importing.named(found.refused), *found.sentences()]:
        tell(line)
    labelled = project.labels()
    if not labelled:
        what = f"No picture of the train split in {data.name} has an answer that may be used."
        raise DataError(what, "Label some pictures first.")
    if not project.labels(split="test"):
        what = f"{data.name} has no answered questions in a test split."
        raise DataError(what, 'Hold some pictures out with "split": "test" in questions.jsonl.')
    pictures, train = len({label.image_id for label in labelled}), len(project.pictures("train"))
    print(
        f"{data.name}: {len(labelled)} labelled questions on {pictures} pictures, "
        f"{train - pictures} unlabelled pictures, {len(project.captions())} captions of a teacher"
    )


# ---- the table ---------------------------------------------------------------------------------------------------


def tables(compared: Job, names: Mapping[int | None, str]) -> dict[str, Rows]:
    """Per test set, all models against the base model, under the demo's names."""
    return {
        test: [row | {"name": BLIND if row["name"] == BLIND else names[row["adapter"]]} for row in found["rows"]]
        for test, found in compared.result["sets"].items()
    }


def further_differences(project: Project, compared: Job, names: Mapping[int | None, str], test: str) -> Iterator[str]:
    """Lines on the adapted model against what else it must beat."""
    adapted = next(row for row in tables(compared, names)[test] if row["name"] == ADAPTED)
    yield f"{ADAPTED} against {BLIND}: {adapted['against_blind']['text']}"
    yield f"{ADAPTED} against {LABELS_ONLY}: {_against_labels_only(project, compared, names, test)}"


def _against_labels_only(project: Project, compared: Job, names: Mapping[int | None, str], test: str) -> str:
    from leaml.evaluation.compare import compare  # scipy takes its time: not for `--help`

    asked = {pair.id: pair.as_question() for pair in project.labels(split=test)}
    correct: dict[str, list[bool]] = {}
    for row in project.predictions(compared.run, order="pair_id"):
        if row.pair_id in asked:
            correct.setdefault(names[row.adapter_id], []).append(row.correct)
    questions = [asked[id] for id in sorted(asked)]
    return compare(questions, correct, LABELS_ONLY).row(ADAPTED).difference.text()


def report(rows: Rows) -> dict[str, dict[str, float]]:
    """One table as the demo's JSON has it."""
    plain = {JSON_NAMES[row["name"]]: _accuracy(row) for row in rows}
    against = next(row["against_base"] for row in rows if row["name"] == ADAPTED)
    return plain | {"difference": {"mean": against["value"], "low": against["low"], "high": against["high"]}}


def _accuracy(row: dict[str, Any]) -> dict[str, float]:
    return {"accuracy": row["value"], "n": row["n"], "low": row["low"], "high": row["high"]}


def _write_report(path: Path, found: Mapping[str, Rows], seconds: Mapping[str, float]) -> None:
    """The test set's table and the times; other test sets, where there are any, under their own key."""
    others = {name: report(rows) for name, rows in found.items() if name != "test"}
    whole = report(found["test"]) | {"seconds": seconds} | ({"other_sets": others} if others else {})
    try:
        path.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror or error}."
        raise StorageError(what, "Give another file with --json.") from error


# ---- the command -------------------------------------------------------------------------------------------------


def main(arguments: argparse.Namespace, settings: Settings | None = None) -> int:
    """Runs the loop and prints its tables; returns 0.

    Args:
        arguments: `data`, `labels`, `seed`, `model`, `keep`, `json`, as `leaml.__main__` reads them.
        settings: of the stages; by default their defaults, with the seed.

    Raises:
        LeamlError: the data, the model, an option or a folder cannot be used.
    """
    began = time.monotonic()
    settings = settings or Settings.with_seed(arguments.seed)
    _check(arguments)
    with _project(arguments) as project:
        loop = Loop(project, settings, arguments.model)
        take_in(loop, arguments.data, arguments.labels, arguments.seed)
        compared, names = loop.run()
        found = tables(compared, names)
        for test, rows in found.items():
            print("", test, *outcomes.table(rows), *further_differences(project, compared, names, test), sep="\n")
    seconds = {stage: round(value, 1) for stage, value in loop.seconds.items()}
    seconds["total"] = round(time.monotonic() - began, 1)
    print("\nseconds: " + ", ".join(f"{stage} {value:.0f}" for stage, value in seconds.items()))
    print("Suggestions were accepted by a filter, not by an expert; the teacher's captions were read from a file.")
    if arguments.json:
        _write_report(arguments.json, found, seconds)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """What would else be found out after minutes."""
    if arguments.json and not arguments.json.resolve().parent.is_dir():
        raise StorageError(f"There is no folder for {arguments.json}.", "Make it, or give another file with --json.")
    if not arguments.data.is_dir():
        what = f"There is no folder {arguments.data}."
        raise DataError(what, "Give a folder that holds images/ and questions.jsonl.")


@contextmanager
def _project(arguments: argparse.Namespace) -> Iterator[Project]:
    """A new project, in the folder that is to be kept or in one that goes when all is done."""
    name = arguments.data.resolve().name
    if arguments.keep:
        with closing(Project.create(arguments.keep / slug(name), name)) as project:
            yield project
        return
    with tempfile.TemporaryDirectory(prefix="leaml-demo-", ignore_cleanup_errors=True) as home:
        try:
            with closing(Project.create(Path(home) / slug(name), name)) as project:
                yield project
        except following.JobStopped as stop:  # what it says of resuming does not hold where nothing is kept
            raise KeyboardInterrupt from stop
