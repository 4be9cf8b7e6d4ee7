"""A page as PDF, through a Chromium that is installed. Nothing is fetched: the page needs nothing beside it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from leaml.errors import StorageError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
SECONDS = 120

NO_BROWSER = (
    "There is no Chromium, Chrome or Edge on this computer that could print the report.",
    "Open report.html in any browser and print it, or install Chromium.",
)


def browser() -> str | None:
    """The program that prints, or None."""
    return next(filter(None, map(shutil.which, (*BROWSERS, *PLACES))), None)


def print_pdf(page: Path, target: Path) -> None:
    """Prints a page of this disk into a PDF file.

    Raises:
        StorageError: there is no browser, or it wrote nothing.
    """
    program = browser()
    if program is None:
        raise StorageError(*NO_BROWSER)
    with tempfile.TemporaryDirectory(prefix="leaml-print-", ignore_cleanup_errors=True) as profile:
        words = [
            program, "--headless", "--disable-gpu", "--disable-extensions", "--no-first-run", "--disable-sync",
            f"--user-data-dir={profile}", "--no-pdf-header-footer", f"--print-to-pdf={target.resolve()}",
            page.resolve().as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            words.insert(1, "--no-sandbox")  # Chromium refuses the user root otherwise; the page is our own
        try:
            subprocess.run(words, capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StorageError("The browser could not print the report.", NO_BROWSER[1]) from error
    if not target.is_file():
        raise StorageError("The browser printed nothing.", NO_BROWSER[1])
