"""The plan of an ablation: rows, label counts and seeds, as a JSON file that also keeps what the trials chose.

    plan = read_plan(Path("phantom.json"))
    for cell in plan.cells(): ...                   # every row at each of its label counts, once for each test seed
    freeze(path, "LEAML", number)                   # the trial that did best on the development seeds

A row is the whole method with something left out or exchanged; its options are those of the stages. Trials are other
values of them, the same number in every row, run at the first of its label counts. Until a row's trials are decided it
has no cells: nothing is measured on test seeds that was not fixed before.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from leaml.errors import OptionError, StorageError
from leaml.files import whole_file
from leaml.options import AdaptOptions, DistilOptions, GenerateOptions, Options

STAGES = {"distil": DistilOptions, "generate": GenerateOptions, "adapt": AdaptOptions}
CORRECT = "Correct the plan."
Settings = dict[str, Any]
"""Options by stage and name: {"adapt.learning_rate": 0.001}."""


class Review(Options):
    """A simulated reviewer: accepts what is true and rejects what is false, but for an error now and then."""

    verdicts: int = Field(ge=1, description="Suggestions judged, drawn at random; each counts as a label.")
    error: float = Field(0.0, ge=0, lt=0.5, description="Share of the verdicts that are wrong.")


class Row(Options):
    """One row of the table.

    pairs: where the answers beside the labels come from: nobody, a generator that is trained first, or the teacher.
    answers: "blind" is the majority rule, "base" the model as it is; "adapted" is trained.
    """

    name: str = Field(min_length=1, max_length=60, description="What the table calls it.")
    says: str = Field("", max_length=300, description="What the row is, in one sentence.")
    answers: Literal["blind", "base", "adapted"] = Field("adapted", description="Who answers.")
    pairs: Literal["none", "generator", "teacher"] = Field("none", description="Where further answers come from.")
    labels: tuple[str, ...] = Field(min_length=1, description="Label counts at which it is run.")
    settings: Settings = Field({}, description="Options that differ from the plan's own.")
    trials: tuple[Settings, ...] = Field((), description="Settings tried on the development seeds.")
    chosen: int | None = Field(None, ge=0, description="The number of the trial that did best, from 0.")
    like: str = Field("", description="Row whose choice of trial this one takes over.")
    wrong: float | None = Field(None, ge=0, le=1, description="The teacher's error; none: as the data has it.")
    review: Review | None = Field(None, description="The simulated reviewer.")
    more_labels: int = Field(0, ge=0, description="Labelled questions more than the label count gives.")

    @model_validator(mode="after")
    def _fits(self) -> "Row":
        trained = self.answers == "adapted"
        if not trained and (self.pairs != "none" or self.trials or self.review or self.more_labels):
            raise OptionError(f"{self.name}: nothing is trained in a row that is answered {self.answers}", CORRECT)
        if self.review and self.pairs != "generator":
            raise OptionError(f"{self.name}: there are no suggestions to review", CORRECT)
        for settings in (self.settings, *self.trials):
            _check(self.name, settings)
        if self.chosen is not None and self.chosen >= len(self.trials):
            raise OptionError(f"{self.name}: there is no trial {self.chosen}.", CORRECT)
        return self


class Cell(Options):
    """One run: a row at a label count, with a seed."""

    row: Row
    labels: str
    pictures: int
    seed: int
    trial: Settings = Field({}, description="Settings of the trial.")

    def options(self, stage: str, shared: Settings, model: str) -> Any:
        """The options model of a stage: the plan's, then the row's, then the trial's."""
        merged = {**shared, **self.row.settings, **self.trial}
        own = {name.partition(".")[2]: value for name, value in merged.items() if name.startswith(f"{stage}.")}
        return STAGES[stage](**{"model": model, "seed": self.seed, **own})


class Plan(Options):
    """What is run and compared.

    labels: label counts by what the table calls them, as pictures whose questions are all labelled; null is all.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$", description="Name of the result files.")
    data: str = Field(description="Folder in the import format, relative to the plan or to where it is run.")
    model: str = Field("nano", description="Model to adapt.")
    labels: dict[str, int | None] = Field(min_length=1, description="Label counts: pictures, or null for all.")
    seeds: tuple[int, ...] = Field(min_length=1, description="Test seeds.")
    development_seeds: tuple[int, ...] = Field((), description="Seeds of the trials, none of them a test seed.")
    tests: tuple[str, ...] = Field(("test",), min_length=1, description="Splits that rows are measured on.")
    unlabelled: int | None = Field(None, ge=1, description="Pictures that suggestions are written for; none: all.")
    everyday: int = Field(0, ge=0, description="Drawn scenes of the everyday test; 0: it is not taken.")
    settings: Settings = Field({}, description="Options of the stages that all rows share.")
    against: tuple[str, ...] = Field((), description="Rows that the others are compared with.")
    rows: tuple[Row, ...] = Field(min_length=1, description="Rows of the table.")

    @model_validator(mode="after")
    def _fits(self) -> "Plan":
        names = [row.name for row in self.rows]
        if len(set(names)) < len(names):
            raise OptionError("Two rows have the same name.", CORRECT)
        if set(self.seeds) & set(self.development_seeds):
            raise OptionError("A development seed is a test seed as well.", CORRECT)
        _check("the plan", self.settings)
        for row in self.rows:
            if unknown := set(row.labels) - set(self.labels):
                raise OptionError(f"{row.name}: no label count is called {min(unknown)}", CORRECT)
            if row.like and row.like not in names:
                raise OptionError(f"{row.name}: there is no row {row.like}", CORRECT)
        if missing := set(self.against) - set(names):
            raise OptionError(f"there is no row {min(missing)} to compare with", CORRECT)
        if len({len(row.trials) for row in self.rows if row.answers == "adapted" and not row.like}) > 1:
            raise OptionError("The rows that are trained differ in their number of trials.", CORRECT)
        return self

    def row(self, name: str) -> Row:
        """The row of that name. Raises OptionError."""
        for row in self.rows:
            if row.name == name:
                return row
        raise OptionError(f"The plan has no row {name!r}.", f"There are: {', '.join(row.name for row in self.rows)}.")

    def trial(self, row: Row) -> Settings | None:
        """The trial that a row runs with, empty where it has none; None where that was not decided yet."""
        source = self.row(row.like) if row.like else row
        if not source.trials:
            return {}
        return None if source.chosen is None else source.trials[source.chosen]

    def cells(self) -> Iterator[Cell]:
        """Every cell whose trial is decided, the rows' first seeds first: an early look shows the whole table."""
        for seed in self.seeds:
            for row in self.rows:
                trial = self.trial(row)
                if trial is not None and (row.answers != "base" or seed == self.seeds[0]):
                    yield from (self._cell(row, labels, seed, trial) for labels in row.labels)

    def trial_cells(self) -> Iterator[tuple[int, Cell]]:
        """Number of the trial and its cell, for every row that is not decided."""
        for row in self.rows:
            if self.trial(row) is None and not row.like:
                for number, settings in enumerate(row.trials):
                    for seed in self.development_seeds:
                        yield number, self._cell(row, row.labels[0], seed, settings)

    def _cell(self, row: Row, labels: str, seed: int, trial: Settings) -> Cell:
        return Cell(row=row, labels=labels, pictures=self.labels[labels] or 0, seed=seed, trial=trial)


def _check(where: str, settings: Settings) -> None:
    for name in settings:
        stage, _, option = name.partition(".")
        if stage not in STAGES or option not in STAGES[stage].model_fields:
            raise OptionError(f"{where}: {name} is no option of a stage", CORRECT)


def read_plan(path: Path) -> Plan:
    """The plan in a file.

    Raises:
        StorageError: it cannot be read. OptionError: it is no plan.
    """
    return Plan(**_read(path))


def freeze(path: Path, row: str, trial: int) -> None:
    """Writes into the plan's file which trial a row runs with from now on.

    Raises:
        StorageError: the file cannot be written.
    """
    plan = _read(path)
    written = next(one for one in plan["rows"] if one["name"] == row)
    written["chosen"] = trial
    with whole_file(path) as file:
        file.write(json.dumps(plan, indent=1, ensure_ascii=False) + "\n")


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.", "Give the plan's file.") from error
    except ValueError as error:
        raise OptionError(f"{path} is not JSON: {error}.", "Correct it there.") from error
    if not isinstance(read, dict):
        raise OptionError(f"{path} is no plan.", 'A plan is a JSON object with "rows", "labels" and "seeds".')
    return read
