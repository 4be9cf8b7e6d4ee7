"""Runs a plan: first the trials on the development seeds, then the rows on the test seeds, in one process or several.

    for step in decide(path, work): print(step.text())         # trials; writes the choices into the plan's file
    for step in measure(path, work): print(step.text())        # the rows; what is there already is not made again
    cells = collected(path, work)                              # what is there

A cell that failed is named and passed over; the same command tries it again.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from leaml.ablation.data import open_data
from leaml.ablation.plan import Cell, Plan, freeze, read_plan
from leaml.errors import LeamlError

if TYPE_CHECKING:
    from leaml.ablation.cells import Workbench

SECONDS_BETWEEN_LOOKS = 2.0
"""Before a cell is tried again whose part another process makes."""
CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class Step:
    """A cell that was done, was there, or failed: its place in the order, and by split the share of right answers."""

    place: int
    cell: Cell
    done: int
    total: int
    seconds: float
    accuracy: dict[str, float]
    fault: str = ""

    def text(self) -> str:
        """ "12 of 80  LEAML, 1 %, seed 11: test 0.61  (93 s)"."""
        rates = ", ".join(f"{split} {value:.3f}" for split, value in self.accuracy.items())
        trial = "".join(f", {name} {value}" for name, value in self.cell.trial.items())
        where = f"{self.cell.row.name}, {self.cell.labels}, seed {self.cell.seed}{trial}"
        return f"{self.done} of {self.total}  {where}: {self.fault or rates}  ({self.seconds:.0f} s)"


def workbench(path: Path, work: Path) -> "Workbench":
    """Where the parts of a plan are made; its data lie beside the plan, or where the command is run."""
    from leaml.ablation.cells import Workbench  # torch: not for `--help`

    plan = read_plan(path)
    beside = path.parent / plan.data
    return Workbench(plan, open_data(beside if beside.is_dir() else Path(plan.data)), work)


def decide(path: Path, work: Path, rows: Sequence[str] = ()) -> Iterator[Step]:
    """Runs the trials that are not decided on the development seeds, and writes the best of each row into the plan.

    The best has the highest mean accuracy on the calibration split; of equal ones the first. The test splits are not
    looked at.

    Args:
        rows: names of those that are meant; empty: all.

    Raises:
        LeamlError: the plan or its data cannot be used.
    """
    plan = some(read_plan(path), rows)
    trials = list(plan.trial_cells())
    reached: dict[str, dict[int, list[float]]] = {}
    for step in _run(path, work, [cell for _, cell in trials], (CALIBRATION,)):
        row = step.cell.row
        found = reached.setdefault(row.name, {})
        if not step.fault:
            found.setdefault(trials[step.place][0], []).append(step.accuracy[CALIBRATION])
        if sum(map(len, found.values())) == len(row.trials) * len(plan.development_seeds):
            best = max(found, key=lambda trial: (fmean(found[trial]), -trial))
            freeze(path, row.name, best)
        yield step


def measure(path: Path, work: Path, rows: Sequence[str] = ()) -> Iterator[Step]:
    """Runs every cell of the plan whose trial is decided.

    Raises:
        LeamlError: the plan or its data cannot be used.
    """
    plan = some(read_plan(path), rows)
    yield from _run(path, work, list(plan.cells()), plan.tests)


def collected(path: Path, work: Path) -> list[tuple[Cell, dict[str, Any]]]:
    """Every decided cell that is done, with what was found; nothing is computed.

    Raises:
        LeamlError: the plan or its data cannot be used.
    """
    from leaml.ablation.cells import NotMade

    bench = workbench(path, work)
    found = []
    for cell in bench.plan.cells():
        try:
            found.append((cell, bench.run(cell, bench.plan.tests, make=False)))
        except NotMade:
            continue
    return found


def some(plan: Plan, rows: Sequence[str]) -> Plan:
    """The plan with those rows alone (empty: all), and those that they take their trial from.

    Raises:
        OptionError: there is no such row.
    """
    wanted = {name for row in rows for name in (row, plan.row(row).like)}
    return plan.model_copy(update={"rows": tuple(row for row in plan.rows if not rows or row.name in wanted)})


def _run(path: Path, work: Path, cells: list[Cell], tests: Sequence[str]) -> Iterator[Step]:
    """Each cell, in the order in which they are done; one whose part another process makes is put off."""
    from leaml.ablation.cells import Busy

    bench, total, done = workbench(path, work), len(cells), 0
    waiting = list(enumerate(cells))
    while waiting:
        busy = []
        for place, cell in waiting:
            began = time.monotonic()
            try:
                right, fault = bench.run(cell, tests)["right"], ""
            except Busy:
                busy.append((place, cell))
                continue
            except LeamlError as error:
                right, fault = {}, error.what
            done += 1
            accuracy = {split: fmean(values) for split, values in right.items()}
            yield Step(place, cell, done, total, time.monotonic() - began, accuracy, fault)
        if len(busy) == len(waiting):
            time.sleep(SECONDS_BETWEEN_LOOKS)
        waiting = busy


# ---- several processes -------------------------------------------------------------------------------------------


@contextmanager
def helpers(count: int, path: Path, work: Path, rows: Sequence[str], trials: bool) -> Iterator[None]:
    """Further processes that work on the same plan while this block runs, from its end towards its beginning.

    Threads are shared out between them and this process, which must not have loaded torch yet.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // (count + 1))))
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=_help, args=(path, work, rows, trials), daemon=True) for _ in range(count)]
    for process in started:
        process.start()
    try:
        yield
    finally:
        for process in started:
            process.terminate()
            process.join()


def _help(path: Path, work: Path, rows: Sequence[str], trials: bool) -> None:
    """Makes parts until none is left; what comes of them the first process reads from the folder."""
    plan = some(read_plan(path), rows)
    cells = [cell for _, cell in plan.trial_cells()] if trials else list(plan.cells())
    for _ in _run(path, work, cells[::-1], (CALIBRATION,) if trials else plan.tests):
        pass
