"""From the key that decides to the next picture on the screen: the Review screen in headless Chromium.

    python -m benchmarks.reviewing                 200 verdicts on the sample project

Every verdict leads to another picture here, the worst case: suggestions of one picture come together otherwise. The
time runs in the page, from the key's event to the first frame after the next picture is drawn and its question stands
there.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from benchmarks.app import sample_project
from benchmarks.report import RESULTS, ROOT, Figure, Report, command_line
from leaml.records import Pair
from leaml.review.settings import set_review_settings
from leaml.store.project import Project

BAR = 0.3
"""Seconds at the 95th percentile that issue 5 asks for."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

DECIDE = """() => new Promise((done) => {
  const seen = () => [document.querySelector("#review-viewer .viewer-name").textContent,
    document.querySelector("#review-viewer .viewer-stage").dataset.state,
    document.querySelector("#review-card .review-question")?.textContent];
  const [before] = seen();
  let began = 0;
  document.addEventListener("keydown", (event) => (began = event.timeStamp), { once: true, capture: true });
  const look = () => {
    const [name, state, question] = seen();
    const drawn = name !== before && state === "shown" && question;
    requestAnimationFrame(drawn ? () => done((performance.now() - began) / 1000) : look);
  };
  look();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "a", code: "KeyA", bubbles: true }));
})"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reviewing", description=__doc__.splitlines()[0])
    parser.add_argument("--verdicts", type=int, default=200)
    parser.add_argument("--out", type=Path, default=RESULTS / "reviewing.json", help="JSON file (default %(default)s)")
    given = parser.parse_args()
    report = Report(command_line("benchmarks.reviewing", sys.argv[1:]))
    with tempfile.TemporaryDirectory(prefix="leaml-reviewing-") as folder:
        one_each(sample_project(Path(folder)), given.verdicts)
        with serving(Path(folder)) as address:
            seconds = decide(address, given.verdicts)
    late = quantiles(seconds, n=20)[-1]
    note = f"95th percentile of {len(seconds)}; median {median(seconds) * 1000:.0f} ms"
    report.add([Figure("review", "key to next picture", late, "s", BAR, True, note)])
    report.write(given.out)
    print(report.text())
    return 1 if report.missed() else 0


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


def decide(address: str, count: int) -> list[float]:
    """Presses A so many times, and measures each."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, CHROMIUM)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        page.goto(address)
        page.wait_for_selector("body.begun", state="attached")
        page.click("#tab-review-button")
        page.wait_for_selector("#review-card .review-answer")
        page.wait_for_selector("#review-viewer .viewer-stage[data-state=shown]")
        seconds = []
        for _ in range(count):
            page.wait_for_function("() => Object.keys(leaml.pending).length === 0")
            page.wait_for_timeout(300)  # nobody decides faster, and the next picture is loaded ahead meanwhile
            seconds.append(page.evaluate(DECIDE))
        browser.close()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
