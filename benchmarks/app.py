"""How soon the app answers: its first page, and every screen's handlers on the sample project.

    python -m benchmarks.app

The project is the sample project with a suggestion to review for every known question on four of five unlabelled
pictures; handlers are called as the page calls them, without the browser and the way through HTTP.
"""

import argparse
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.request import urlopen

from app.context import Context
from app.frame import Frame
from app.main import SCREENS
from benchmarks.report import RESULTS, ROOT, Figure, Report
from leaml.options import ImportOptions
from leaml.records import Pair
from leaml.store.importing import import_folder
from leaml.store.project import Project

SAMPLE = ROOT / "sample_data" / "colonoscopy-phantom"
FIRST_PAGE_BAR, HANDLER_BAR = 5.0, 0.2
STARTS, CALLS = 5, 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.app", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS / "app.json", help="JSON file (default %(default)s)")
    arguments = parser.parse_args()
    report = Report(shlex.join(["python", "-m", "benchmarks.app"]))
    with tempfile.TemporaryDirectory(prefix="leaml-app-") as folder:
        home = Path(folder)
        project = sample_project(home)
        report.add(first_pages(home))
        report.add(handlers(home, project))
    report.write(arguments.out)
    print(report.text())
    return 0


def sample_project(home: Path) -> Project:
    """The sample project, imported, with suggestions to review."""
    project = Project.create(home / "sample", "Sample")
    list(import_folder(project, SAMPLE, ImportOptions(folder=str(SAMPLE))))
    labels, rng = project.labels(), random.Random(0)
    asked = {label.question: label for label in labels}
    passed = {label.image_id for label in labels}
    unlabelled = [picture for picture in project.pictures("train") if picture.id not in passed]
    pairs = []
    for picture in rng.sample(unlabelled, len(unlabelled) * 4 // 5):
        for label in asked.values():
            signals = {"agreement": rng.random(), "blind_agreement": rng.random()}
            written = Pair(picture.path, label.question, label.answer, label.type, label.choices, signals)
            pairs.append((picture.id, written))
    project.add_pairs(1, pairs)
    return project


def first_pages(home: Path) -> list[Figure]:
    """Seconds from the start of the process to the first page, and whether torch was loaded on the way."""
    seconds = [first_page(home) for _ in range(STARTS)]
    loads = subprocess.run(
        [sys.executable, "-c", "import sys, app.main; print('torch' in sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    return [
        Figure("start", "first page", median(seconds), "s", FIRST_PAGE_BAR, True, f"median of {STARTS} starts"),
        Figure("start", "slowest first page", max(seconds), "s"),
        Figure("start", "torch loaded", float(loads == "True"), "", 0.0, True, "1 if the app imports torch"),
    ]


def first_page(home: Path) -> float:
    """Starts the app, asks for its page, ends it."""
    began = time.monotonic()
    command = [sys.executable, "-m", "app.main", "--home", str(home), "--no-browser"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as app:
        address = re.search(r"http://127\.0\.0\.1:\d+", app.stdout.readline()).group()
        with urlopen(address) as answer:
            page = answer.read()
        took = time.monotonic() - began
        app.terminate()
    if b"LEAML Studio" not in page:
        raise RuntimeError("the first page is not the app's")
    return took


def handlers(home: Path, project: Project) -> Iterator[Figure]:
    """Median and 95th percentile of every handler, and the slowest median against the bar."""
    context = Context(home)
    context.open(project.name)
    context.become("Benchmark")
    screens = {kind.key: kind(context) for kind in SCREENS}
    frame = Frame(context, screens.values())
    frame.build()
    slowest = 0.0
    for name, call in calls(project, frame, screens):
        seconds = [timed(call) for _ in range(CALLS)]
        slowest = max(slowest, median(seconds))
        late = quantiles(seconds, n=20)[-1]
        yield Figure("handlers", name, median(seconds), "s", detail=True, note=f"95th percentile {late * 1000:.0f} ms")
    yield Figure(
        "handlers", "slowest", slowest, "s", HANDLER_BAR, True, f"the largest of the medians of {CALLS} calls each"
    )


def calls(project: Project, frame: Frame, screens: dict[str, Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is called, by name."""
    yield "page: load", frame._load
    yield "page: header and rail", frame._standing
    for key, screen in screens.items():
        yield f"{key}: open", lambda screen=screen: screen.refresh(True)
        yield f"{key}: what changes by itself", lambda screen=screen: screen.tick()
    label, review = screens["label"], screens["review"]
    picture = project.pictures("train")[0].id
    number = iter(range(1_000_000))

    def save() -> None:
        given = {"question": f"Is it number {next(number)}?", "type": "open", "answer": "no"}
        label.answer({"act": "save", "pool": "train", "picture": picture, "answers": [given], "seconds": 3})

    def accept() -> None:
        pair = next(iter(project.pairs(status="suggested", limit=1)))
        review.answer({"act": "accept", "pair": pair.id, "verdict": None, "seconds": 2})

    yield "label: save", save
    yield "label: next picture", lambda: label.answer({"act": "move", "pool": "train", "picture": picture, "by": 1})
    yield "label: undo", lambda: label.answer({"act": "undo", "pool": "train", "picture": picture})
    yield "review: accept", accept
    yield "review: plans for many", lambda: review.answer({"act": "offer", "view": {"trust": "high"}})
    yield "review: undo", lambda: review.answer({"act": "undo", "pair": None})


def timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
