"""Is the store fast where a project is large? Next item, filter page, progress, a saved verdict, and the import.

    python -m benchmarks.store                                        100,000 pictures, 1,000,000 pairs, 10,000 JPEGs
    python -m benchmarks.store --images 1000 --pairs 10000 --jpegs 200 --out store.json

Times are of the calls that the screens make, commits and leases included. A saved verdict stands beside the smallest
commit that there is, one changed number, in the same file and in turns with it. The import stands beside decoding the
same JPEGs with PIL alone, both with every core; each in turn, best of `--rounds`.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import numpy as np
from PIL import Image

from benchmarks.report import RESULTS, Figure, Report, command_line
from leaml.options import ImportOptions
from leaml.records import QUESTION_TYPES, Pair
from leaml.review.bands import Band, page
from leaml.review.deciding import Decision, decide
from leaml.review.queues import next_pair, standing_of
from leaml.review.settings import set_review_settings
from leaml.store.importing import import_folder
from leaml.store.project import Project

ME = "Benchmark"
CALLS, VERDICTS = 200, 200
LATE, TIMES, SPEED = 0.050, 3.0, 0.8
"""What issue 5 asks for: seconds at the 95th percentile, commits that a verdict may cost, share of PIL's speed."""
AT_ONCE = 1000
SIZE = (1280, 1024)
"""Of the JPEGs: what an endoscope delivers."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--jpegs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2, help="of the import (default %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS / "store.json", help="JSON file (default %(default)s)")
    given = parser.parse_args()
    report = Report(command_line("benchmarks.store", sys.argv[1:]))
    with tempfile.TemporaryDirectory(prefix="leaml-store-") as folder:
        if given.pairs:
            project = large_project(Path(folder) / "large", given.images, given.pairs)
            report.add(reading(project, given.pairs))
            report.add(writing(project))
            project.close()
        if given.jpegs:
            report.add(importing(Path(folder), given.jpegs, given.rounds))
    report.write(given.out)
    print(report.text())
    return 1 if report.missed() else 0


# A large project --------------------------------------------------------------------------------------------------


def large_project(folder: Path, images: int, pairs: int) -> Project:
    """Rows without files: pictures in splits, suggestions of a few runs, a fifth of them judged by a few people."""
    project = Project.create(folder)
    set_review_settings(project, "", repeats=0, known_wrong=0)
    for start in range(0, images, AT_ONCE):
        rows = [_image(n) for n in range(start, min(start + AT_ONCE, images))]
        project.db.record("", "import", [("images", None, None, row) for row in rows])
    draw = random.Random(0)
    each = pairs // images
    for start in range(0, pairs, AT_ONCE):
        part = [(1 + n // each, _pair(folder, n, draw)) for n in range(start, min(start + AT_ONCE, images * each))]
        if part:
            project.add_pairs(1 + start * 4 // pairs, part)
    project.db.insert("jobs", {"kind": "generate"})
    judged = draw.sample(range(1, images * each + 1), images * each // 5)
    for start in range(0, len(judged), AT_ONCE):
        with project.db.transaction():
            for n in judged[start : start + AT_ONCE]:
                project.judge(
                    f"Dr. {draw.randrange(5)}", n, draw.random() < 0.8, reason="wrong answer",
                    seconds=draw.random() * 9, queue=draw.choice(["fix", "audit"]),
                )  # fmt: skip
    return project


def _image(n: int) -> dict[str, object]:
    return {
        "file": f"images/{n}.jpg", "thumb": f"thumbs/{n}.jpg", "stored_hash": f"stored {n}", "source_hash": f"{n}",
        "name": f"picture {n}.jpg", "width": 640, "height": 480, "dhash": f"{n:016x}", "group": f"patient {n // 4}",
    }  # fmt: skip


def _pair(folder: Path, n: int, draw: random.Random) -> Pair:
    kind = QUESTION_TYPES[min(int(draw.expovariate(1)), len(QUESTION_TYPES) - 1)]
    signals = {"agreement": draw.random(), "blind_agreement": draw.random(), "log_probability": -draw.random()}
    return Pair(folder, f"Is there a polyp in sector {n}?", "yes", kind, ("yes", "no"), signals)


# Measuring --------------------------------------------------------------------------------------------------------


def late(seconds: list[float]) -> float:
    """The 95th percentile."""
    return quantiles(seconds, n=20)[-1]


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def reading(project: Project, pairs: int) -> Iterator[Figure]:
    """Next item, filter page and progress, each as its 95th percentile."""
    draw, here = random.Random(1), None
    for queue in ("fix", "audit"):
        seconds = []
        for _ in range(CALLS):
            began = time.perf_counter()
            here = next_pair(project, ME, queue, after=here)
            seconds.append(time.perf_counter() - began)
        yield _late(f"next item, {queue} queue", seconds)
    yield _late("filter page", [timed(lambda: shown(project, chosen(draw))) for _ in range(CALLS)])
    later = [timed(lambda: shown(project, Band(), draw.randrange(1, pairs))) for _ in range(CALLS)]
    yield _late("filter page, anywhere in the order", later)
    yield _late("progress figures", [timed(lambda: progress(project)) for _ in range(CALLS)])


def chosen(draw: random.Random) -> Band:
    """A filter as somebody may choose it."""
    low = draw.choice([None, 0.5, 0.9, 0.99])
    return Band(
        job=draw.choice([None, None, 1, 4]), type=draw.choice([None, None, *QUESTION_TYPES]), low=low,
        high=draw.choice([None, 0.95, 1.0]) if low and low < 0.9 else None,
        status=draw.choice(["suggested", "suggested", "accepted", "rejected"]),
    )  # fmt: skip


def shown(project: Project, band: Band, after: int | None = None) -> None:
    """Fifty rows of a filtered list, as a screen shows them."""
    project.pairs(id=page(project, band, after, 50))


def progress(project: Project) -> None:
    """Everything that the header, the rail and the line of the Review screen say."""
    project.overview()
    standing_of(project, ME)
    standing_of(project, "Dr. 1", "audit")
    project.db.rows("efforts")


def _late(name: str, seconds: list[float]) -> Figure:
    note = f"95th percentile of {len(seconds)}; median {median(seconds) * 1000:.1f} ms"
    return Figure("large project", name, late(seconds), "s", LATE, True, note)


def writing(project: Project) -> Iterator[Figure]:
    """A verdict, with all its checks, beside the smallest commit, in turns."""
    smallest, verdicts = [], []
    for number in range(VERDICTS):
        smallest.append(timed(partial(project.db.update, "jobs", 1, {"step": number})))
        pair = next_pair(project, ME, "fix")
        decision = Decision(pair, project.pair(pair).verdict_id, True, seconds=3.0)
        verdicts.append(timed(partial(decide, project, ME, decision)))
    for name, seconds in (("smallest commit", smallest), ("saved verdict", verdicts)):
        note = f"95th percentile {late(seconds) * 1000:.1f} ms"
        yield Figure("large project", name, median(seconds), "s", note=note)
    times = median(verdicts) / median(smallest)
    yield Figure("large project", "saved verdict, in commits", times, "×", TIMES, True, "medians, in turns")


# Import -----------------------------------------------------------------------------------------------------------


def importing(folder: Path, count: int, rounds: int) -> Iterator[Figure]:
    """Pictures a second of the import, and of PIL that decodes the same files and does nothing else."""
    files = write_jpegs(folder / "jpegs", count)
    decoded, imported = [], []
    for number in range(rounds):
        decoded.append(timed(lambda: decode(files)))
        imported.append(timed(partial(take_in, folder / f"import {number}", folder / "jpegs")))
    note = f"{count:,} of {SIZE[0]} × {SIZE[1]}, best of {rounds}"
    yield Figure("import", "PIL alone", count / min(decoded), "pictures/s", note=note)
    yield Figure("import", "import", count / min(imported), "pictures/s", note=note)
    yield Figure("import", "share of PIL's speed", min(decoded) / min(imported), "", SPEED)


def write_jpegs(folder: Path, count: int) -> list[Path]:
    """Pictures of blurred noise: as large as photographs are, all different."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    for n in range(count):
        small = Image.fromarray(draw.integers(0, 256, (64, 80, 3), np.uint8))
        small.resize(SIZE, Image.Resampling.BICUBIC).save(folder / f"{n}.jpg", quality=75)
    return sorted(folder.iterdir())


def decode(files: list[Path]) -> None:
    """Decodes every file, with every core."""
    with ProcessPoolExecutor() as pool:
        for _ in pool.map(_decoded, files, chunksize=32):
            pass


def _decoded(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        picture.load()
        return picture.size


def take_in(home: Path, folder: Path) -> None:
    """Imports the folder into a new project."""
    project = Project.create(home)
    for _ in import_folder(project, folder, ImportOptions(folder=str(folder))):
        pass
    project.close()


if __name__ == "__main__":
    sys.exit(main())
