"""Several processes race for leases and verdicts on one project, some of them killed at random: is anything lost?

    python -m benchmarks.races                       eight processes, a minute; then the same with one killed
    python -m benchmarks.races --seconds 3 --processes 4

Each process takes a suggestion, judges it, sometimes undoes, and writes down when it held what. Afterwards the project
must hold every verdict that a process was told was kept, no suggestion may have been held by two at once, what triggers
keep must follow from the rows, and SQLite must find the file whole.
"""

import argparse
import json
import multiprocessing
import os
import random
import shlex
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import RESULTS, Figure, Report
from leaml.errors import StorageError
from leaml.records import Pair
from leaml.review.queues import next_pair
from leaml.review.settings import set_review_settings
from leaml.store.project import Project

UNDONE = 0.1
"""Share of the verdicts that are taken back at once."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a race left. All but `verdicts` and `waited` must be nought or empty."""

    verdicts: int
    waited: int
    lost: int
    held_twice: int
    judged_twice: int
    wrong_states: int
    problems: list[str]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost and nobody was in another's way."""
        return not (self.lost or self.held_twice or self.judged_twice or self.wrong_states or self.problems)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.races", description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--suggestions", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=RESULTS / "races.json", help="JSON file (default %(default)s)")
    given = parser.parse_args()
    report = Report(shlex.join(["python", "-m", "benchmarks.races", *sys.argv[1:]]))
    for part, killed in (("race", 0), ("race, one killed", 1)):
        with tempfile.TemporaryDirectory(prefix="leaml-races-") as folder:
            make_project(Path(folder) / "race", given.suggestions)
            outcome = race(Path(folder) / "race", given.processes, given.seconds, killed)
            report.add(figures(part, outcome, given.seconds))
    report.write(given.out)
    print(report.text())
    return 1 if report.missed() else 0


def figures(part: str, outcome: Outcome, seconds: float) -> Iterable[Figure]:
    """What must be nought, and how fast it went."""
    must = {
        "verdicts lost": outcome.lost, "held by two at once": outcome.held_twice,
        "judged twice": outcome.judged_twice, "states that do not follow": outcome.wrong_states,
        "problems of the file": len(outcome.problems),
    }  # fmt: skip
    for name, value in must.items():
        yield Figure(part, name, float(value), "", 0.0, True)
    yield Figure(part, "verdicts per second", outcome.verdicts / seconds, "/s")
    yield Figure(part, "refused, and tried again", float(outcome.waited), "", note="others wrote for ten seconds")


def make_project(folder: Path, suggestions: int) -> None:
    """A project with so many suggestions, ten on each picture."""
    project = Project.create(folder)
    set_review_settings(project, "", repeats=0, known_wrong=0)
    rows = [
        {
            "file": f"images/{n}.png", "thumb": f"thumbs/{n}.jpg", "stored_hash": f"s{n}", "source_hash": f"{n}",
            "name": f"{n}.png", "width": 8, "height": 8, "dhash": "0" * 16,
        }
        for n in range(-(-suggestions // 10))
    ]  # fmt: skip
    project.db.record("", "import", [("images", None, None, row) for row in rows])
    draw = random.Random(0)
    for start in range(0, suggestions, 1000):
        pairs = []
        for n in range(start, min(start + 1000, suggestions)):
            pair = Pair(folder, f"Question {n}?", "yes", "open", (), {"agreement": draw.random()})
            pairs.append((1 + n // 10, pair))
        project.add_pairs(1, pairs)
    project.close()


def race(folder: Path, processes: int, seconds: float, killed: int = 0, seed: int = 0) -> Outcome:
    """Lets processes race on a project, kills some of them in the middle, and looks at what they left."""
    logs = [folder / f"race-{number}.jsonl" for number in range(processes)]
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    racers = [
        context.Process(target=_race, args=(folder, f"Dr. {number}", log, seconds, seed + number))
        for number, log in enumerate(logs)
    ]
    for racer in racers:
        racer.start()
    draw = random.Random(seed)
    for racer in draw.sample(racers, killed):
        time.sleep(seconds * draw.uniform(0.3, 0.7))
        os.kill(racer.pid, signal.SIGKILL)
    for racer in racers:
        racer.join()
    failed = [racer.exitcode for racer in racers if racer.exitcode not in (0, -signal.SIGKILL)]
    if failed:
        raise RuntimeError(f"racers ended with {failed}")
    return outcome(folder, logs)


def outcome(folder: Path, logs: Iterable[Path]) -> Outcome:
    """What a race left, by its logs and by the project."""
    lines = [(log.name, json.loads(line)) for log in logs for line in _whole_lines(log)]
    project = Project.open(folder)
    try:
        rows = {row["id"]: row for row in project.db.rows("verdicts")}
        kept = {line["verdict"]: line.get("undone", False) for _, line in lines if "verdict" in line}
        lost = sum(number not in rows or bool(rows[number]["withdrawn"]) != undone for number, undone in kept.items())
        judged = Counter(row["pair_id"] for row in rows.values() if not row["withdrawn"])
        newest = {row["pair_id"]: row for row in project.db.rows("newest_verdicts")}
        names = ("status", "verdict_id", "reviewer", "looked")
        wrong = sum(
            any(row[name] != newest[row["pair_id"]][name] for name in names) for row in project.db.rows("states")
        )
        tallied = {row["status"]: 0 for row in newest.values()}
        for row in project.db.rows("tallies"):
            tallied[row["status"]] = tallied.get(row["status"], 0) + row["n"]
        counted = Counter(row["status"] for row in newest.values())
        wrong += sum(tallied.get(status, 0) != n for status, n in counted.items())
        waited = sum("waited" in line for _, line in lines)
        twice = sum(n > 1 for n in judged.values())
        return Outcome(len(rows), waited, lost, _held_twice(lines), twice, wrong, project.db.problems())
    finally:
        project.close()


def _whole_lines(log: Path) -> list[str]:
    """Of a process that was killed, the last line may be torn."""
    if not log.exists():
        return []
    return [line for line in log.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]


def _held_twice(lines: Iterable[tuple[str, dict]]) -> int:
    """Pairs that two processes held at the same time; a lease that nobody gave back holds to the end."""
    spans: dict[int, list[tuple[float, float, str]]] = {}
    taken: dict[tuple[str, int], float] = {}
    for who, line in lines:
        if "took" in line:
            taken[who, line["took"]] = line["at"]
        elif "left" in line and (who, line["left"]) in taken:
            spans.setdefault(line["left"], []).append((taken.pop((who, line["left"])), line["at"], who))
    for (who, pair), since in taken.items():
        spans.setdefault(pair, []).append((since, float("inf"), who))
    return sum(
        first[1] > second[0] and first[2] != second[2]
        for own in spans.values()
        for first, second in zip(sorted(own), sorted(own)[1:])
    )


def _race(folder: Path, person: str, log: Path, seconds: float, seed: int) -> None:
    """One process: takes, judges, sometimes undoes or skips, and writes down what it was told."""
    project, draw, end = Project.open(folder), random.Random(seed), time.monotonic() + seconds
    pair: int | None = None
    with log.open("a", encoding="utf-8", buffering=1) as file:

        def note(**what: object) -> None:
            file.write(json.dumps(what | {"at": time.monotonic()}) + "\n")

        while time.monotonic() < end:
            try:
                before = time.monotonic()
                if pair is not None:  # the next one is taken in the same step as this one is let go
                    note(left=pair)
                pair = next_pair(project, person, draw.choice(["fix", "audit"]), after=pair)
                if pair is None:
                    return
                file.write(json.dumps({"took": pair, "at": max(before, time.monotonic())}) + "\n")
                if draw.random() < UNDONE:
                    continue
                verdict = project.judge(person, pair, draw.random() < 0.8, reason="wrong answer", seconds=1)
                undone = draw.random() < UNDONE
                if undone:
                    project.undo(person)
                note(verdict=verdict, undone=undone)
            except StorageError as error:
                if "in use by another" not in error.what:
                    raise
                note(waited=True)
    project.close()


if __name__ == "__main__":
    sys.exit(main())
