"""From the key that decides to the next picture on the screen: Review and Label in headless Chromium.

    python -m benchmarks.reviewing                 200 verdicts, 100 pictures passed over, on the sample project

Every decision leads to another picture here, the worst case: suggestions of one picture come together otherwise. The
time runs in the page, from the key's event to the first frame after the next picture is drawn and its question stands
there. In turns with the decisions, an empty round trip is timed: a request that the server refuses at once, and the
next frame. Shared computers are slow in both; their ratio says what the app adds. Last, pictures of 12 megapixels: the
way to the next one, and how long a frame lasts while one is zoomed, beside that of a small picture.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from PIL import Image

from benchmarks.app import sample_project
from benchmarks.report import RESULTS, ROOT, Figure, Report, command_line
from leaml.options import ImportOptions
from leaml.records import Pair
from leaml.review.settings import set_review_settings
from leaml.store.importing import import_folder
from leaml.store.project import Project, Template

BAR = 0.3
"""Seconds at the 95th percentile that issue 5 asks for."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

LOOK = """
  const text = (part) => document.querySelector(part)?.textContent;
  const seen = () => [text(`${viewer} .viewer-name`), document.querySelector(`${viewer} .viewer-stage`).dataset.state,
    text(question)];
  const press = (key) =>
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code: `Key${key.toUpperCase()}`, bubbles: true }));
"""
DECIDE = (
    "([viewer, question, keys]) => new Promise((done) => {"
    + LOOK
    + """
  const [before] = seen();
  const last = keys.pop();
  keys.forEach(press);
  const began = performance.now();
  let shown = null;
  const look = () => {
    const [name, state, asked] = seen();
    const drawn = name !== before && state === "shown" && asked;
    const saved = Object.keys(leaml.pending).length === 0;
    if (drawn && shown === null) shown = (performance.now() - began) / 1000;
    if (shown !== null && saved) return done([shown, (performance.now() - began) / 1000]);
    requestAnimationFrame(look);
  };
  press(last);
  requestAnimationFrame(look);
})"""
)
EMPTY = """() => new Promise((done) => {
  const began = performance.now();
  fetch("/ask/nothing", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" })
    .then((answer) => answer.text())
    .then(() => requestAnimationFrame(() => done((performance.now() - began) / 1000)));
})"""


ZOOM = """(selector) => new Promise((done) => {
  const stage = document.querySelector(`${selector} .viewer-stage`);
  const box = stage.getBoundingClientRect();
  const frames = [];
  let before = performance.now();
  const step = () => {
    const now = performance.now();
    frames.push((now - before) / 1000);
    before = now;
    const deltaY = frames.length % 60 < 30 ? -120 : 120;
    const at = { clientX: box.left + box.width / 3, clientY: box.top + box.height / 3 };
    stage.dispatchEvent(new WheelEvent("wheel", { deltaY, bubbles: true, cancelable: true, ...at }));
    if (frames.length < 180) requestAnimationFrame(step);
    else done(frames.slice(1));
  };
  requestAnimationFrame(step);
})"""
LARGE = (4000, 3000)


@dataclass(frozen=True)
class Walk:
    """A screen, and the keys that decide there."""

    key: str
    card: str
    keys: tuple[str, ...]

    @property
    def viewer(self) -> str:
        return f"#{self.key}-viewer"


REVIEW = Walk("review", "#review-card .review-question", ("a",))
LABEL = Walk("label", "#label-form .label-question", ("s", "s"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reviewing", description=__doc__.splitlines()[0])
    parser.add_argument("--verdicts", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=100, help="pictures passed over (default %(default)s)")
    parser.add_argument("--large", type=int, default=12, help="pictures of 12 megapixels (default %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS / "reviewing.json", help="JSON file (default %(default)s)")
    given = parser.parse_args()
    report = Report(command_line("benchmarks.reviewing", sys.argv[1:]))
    # What the app has started beside it may write a moment longer than it lives itself.
    with tempfile.TemporaryDirectory(prefix="leaml-reviewing-", ignore_cleanup_errors=True) as folder:
        one_each(sample_project(Path(folder)), given.verdicts)
        with serving(Path(folder)) as address, opened(address) as page:
            report.add(figures("review", decide(page, REVIEW, given.verdicts)))
            report.add(figures("label", decide(page, LABEL, given.pictures)))
            small = page.evaluate(ZOOM, LABEL.viewer)
    with tempfile.TemporaryDirectory(prefix="leaml-large-", ignore_cleanup_errors=True) as folder:
        large_pictures(Path(folder), given.large)
        with serving(Path(folder) / "home") as address, opened(address) as page:
            report.add(figures("12 megapixels", decide(page, LABEL, given.large - 1)))
            report.add(smoothness(small, page.evaluate(ZOOM, LABEL.viewer)))
    report.write(given.out)
    print(report.text())
    return 1 if report.missed() else 0


def figures(name: str, timed: list[tuple[float, float, float]]) -> Iterator[Figure]:
    """Of decisions: seconds to the next picture, until saved, and of an empty round trip beside each."""
    shown, saved, empty = zip(*timed, strict=True)
    note = f"95th percentile of {len(timed)}; median {median(shown) * 1000:.0f} ms"
    yield Figure(name, "key to next picture", late(shown), "s", BAR, True, note)
    note = f"95th percentile; median {median(saved) * 1000:.0f} ms"
    yield Figure(name, "key to saved", late(saved), "s", note=note)
    note = f"95th percentile; median {median(empty) * 1000:.0f} ms"
    yield Figure(name, "empty round trip", late(empty), "s", note=note)
    ratio = median(shown) / median(empty)
    yield Figure(name, "key to next picture, in empty round trips", ratio, "×", note="medians of the same run")


def smoothness(small: list[float], large: list[float]) -> Iterator[Figure]:
    """Seconds of a frame while a picture is zoomed in and out at its pointer."""
    for name, frames in (("small", small), ("12 megapixels", large)):
        note = f"95th percentile; median {median(frames) * 1000:.0f} ms"
        yield Figure("zoom", f"a frame, {name}", late(frames), "s", note=note)
    yield Figure("zoom", "12 megapixels, in frames of a small picture", median(large) / median(small), "×")


def large_pictures(folder: Path, count: int) -> None:
    """A project of so many pictures of 12 megapixels, all to be labelled."""
    (folder / "pictures").mkdir()
    for number in range(count):
        noise = Image.effect_noise((LARGE[0] // 8, LARGE[1] // 8), 40 + number).resize(LARGE)
        noise.save(folder / "pictures" / f"{number}.jpg", quality=85)
    project = Project.create(folder / "home" / "large", "Large")
    options = ImportOptions(folder=str(folder / "pictures"), calibration_share=0, test_share=0)
    list(import_folder(project, folder / "pictures", options))
    project.set_templates("Me", [Template("Is it in focus?", "yes/no", ("yes", "no"))])
    project.close()


def late(seconds: Sequence[float]) -> float:
    """The 95th percentile."""
    return quantiles(seconds, n=20)[-1]


def one_each(project: Project, count: int) -> None:
    """One doubtful suggestion on each of so many pictures, before all others."""
    pictures = project.pictures("train")[: count + 5]
    written = [
        (picture.id, Pair(picture.path, "Is it in focus?", "yes", "yes/no", ("yes", "no"), {"agreement": 0.0}))
        for picture in pictures
    ]
    project.add_pairs(2, written)
    project.set_setting("", "review view of Me", {"job": 2})
    set_review_settings(project, "", repeats=0, known_wrong=0)
    project.close()


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The app in a process of its own; its address."""
    command = [sys.executable, "-m", "app.main", "--home", str(home), "--no-browser"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True) as app:
        try:
            yield re.search(r"http://127\.0\.0\.1:\d+", app.stdout.readline()).group()
        finally:
            app.terminate()


@contextmanager
def opened(address: str) -> Iterator[Any]:
    """The app's page in Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, CHROMIUM)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        page.goto(address)
        page.wait_for_selector("body.begun", state="attached")
        yield page
        browser.close()


def decide(page: Any, walk: Walk, count: int) -> list[tuple[float, float, float]]:
    """Decides so many times; seconds to the next picture, until it is saved, and of an empty round trip before."""
    page.click(f"#tab-{walk.key}-button")
    page.wait_for_selector(walk.card)
    page.wait_for_selector(f"{walk.viewer} .viewer-stage[data-state=shown]")
    timed = []
    for _ in range(count):
        page.wait_for_function("() => Object.keys(leaml.pending).length === 0")
        page.wait_for_timeout(300)  # nobody decides faster, and the next pictures are loaded ahead meanwhile
        empty = page.evaluate(EMPTY)
        shown, saved = page.evaluate(DECIDE, [walk.viewer, walk.card, list(walk.keys)])
        timed.append((shown, saved, empty))
    return timed


if __name__ == "__main__":
    sys.exit(main())
