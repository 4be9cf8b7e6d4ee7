"""`leaml ablate PLAN`: runs a plan of many small runs and writes its table, as JSON, Markdown and plots."""

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from leaml.errors import DataError, OptionError, StorageError
from leaml.files import whole_file
from leaml.verbs.following import tell


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    parser.add_argument("plan", type=Path, metavar="PLAN", help="the plan, a JSON file")
    parser.add_argument(
        "--work", type=Path, metavar="FOLDER", help="where parts are kept (default: runs/NAME beside the plan)"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the table goes (default: beside the plan)")
    parser.add_argument(
        "--trials", action="store_true", help="decide the learning rates on the development seeds, into the plan"
    )
    parser.add_argument("--row", action="append", default=[], metavar="NAME", help="only this row; may be repeated")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="processes that work at it (default: 1)")
    parser.add_argument("--table", action="store_true", help="run nothing; write the table of what is there")


def main(arguments: argparse.Namespace) -> int:
    """Runs what is not there yet, and writes the table; 1 where a cell failed."""
    from leaml.ablation import run
    from leaml.ablation.plan import read_plan

    if arguments.processes < 1:
        raise OptionError(f"{arguments.processes} processes cannot work.", "Take one or more.")
    plan = read_plan(arguments.plan)
    work = arguments.work or arguments.plan.parent / "runs" / plan.name
    failed = 0
    if not arguments.table:
        steps = run.decide if arguments.trials else run.measure
        with run.helpers(arguments.processes - 1, arguments.plan, work, arguments.row, arguments.trials):
            for step in steps(arguments.plan, work, arguments.row):
                tell(step.text())
                failed += bool(step.fault)
    if not arguments.trials:
        _write(arguments, work)
    return 1 if failed else 0


def _write(arguments: argparse.Namespace, work: Path) -> None:
    """The table of every test split: NAME.json, NAME.md, NAME_….svg. Further splits carry theirs in the name."""
    from leaml.ablation import run
    from leaml.ablation.plots import draw
    from leaml.ablation.table import as_markdown, tabulate

    bench = run.workbench(arguments.plan, work)
    plan, cells = bench.plan, run.collected(arguments.plan, work)
    if not cells:
        raise DataError("No cell of this plan is done.", "Decide its trials with --trials, then run it.")
    out = arguments.out or arguments.plan.parent
    reports = {split: tabulate(plan, bench.data, cells, split) for split in plan.tests}
    first = reports[plan.tests[0]]
    name = f"ablation_{plan.name}"
    _save(out / f"{name}.json", json.dumps(_head(arguments) | first | {"sets": reports}, indent=1) + "\n")
    text = "".join(f"## {split}\n\n{as_markdown(report, plan.against)}\n" for split, report in reports.items())
    _save(out / f"{name}.md", f"`{_command(arguments)}`\n\n{text}")
    draw(first, plan.labels, out, name)
    print(text)


def _command(arguments: argparse.Namespace) -> str:
    return shlex.join(["python", "launch.py", "ablate", str(arguments.plan)])


def _head(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"command": _command(arguments), "plan": json.loads(arguments.plan.read_text(encoding="utf-8"))}


def _save(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"{path.parent} cannot be made: {error.strerror or error}."
        raise StorageError(what, "Give another folder with --out.") from error
    with whole_file(path) as file:
        file.write(text)
