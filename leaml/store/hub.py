"""Data sets of the Hugging Face hub: a folder named "hub:owner/name" is fetched before it is imported.

    name = named(Path("hub:flaviagiammarino/vqa-rad"))       # None for a folder of this computer
    yield from fetch(name, folder)                           # Progress; then the files lie in `folder`

One process alone opens the network, and ends: `python -m leaml.store.hub NAME FOLDER`. Only tables and pictures are
fetched, never a script. What it sends is the name, and a token where somebody has logged in.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from leaml.errors import DataError
from leaml.records import Progress
from leaml.store.formats import PICTURE_SUFFIXES

PREFIX = "hub:"
KEPT = [f"*{suffix}" for suffix in (".parquet", ".arrow", ".json", ".jsonl", ".csv", *PICTURE_SUFFIXES)]
MESSAGE = "Fetching the data set"
_NAME = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}", re.ASCII)
_ROOT = Path(__file__).resolve().parents[2]
_PAUSE = 0.5
"""Seconds between two looks at the process."""


def named(folder: Path) -> str | None:
    """The data set that a folder's name means, if it means one.

    Raises:
        DataError: it begins as one, and names none.
    """
    text = Path(folder).as_posix()
    if not text.startswith(PREFIX):
        return None
    name = text.removeprefix(PREFIX).strip()
    if not _NAME.fullmatch(name) or ".." in name:
        raise DataError(f"{text[:200]} names no data set of the hub.", "Write hub:owner/name.")
    return name


def fetch(name: str, folder: Path) -> Iterator[Progress]:
    """Fetches a data set into a folder; closing the iterator ends it.

    Raises:
        DataError: there is no network, no such data set, it is not open to everybody, or holds nothing of use.
    """
    words = [sys.executable, "-m", "leaml.store.hub", name, str(folder)]
    online = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUTF8": "1"}
    child = subprocess.Popen(words, cwd=_ROOT, env=online, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        while child.poll() is None:
            yield Progress(0, 0, MESSAGE)
            time.sleep(_PAUSE)
        said = child.stdout.read().strip().splitlines()
    finally:
        child.kill()
        child.communicate()
    try:
        error, fix = json.loads(said[-1])
    except (IndexError, ValueError) as problem:
        raise DataError(f"{name} could not be fetched.", "Look into the log, then try again.") from problem
    if error:
        raise DataError(error, fix)


def main(name: str, folder: str) -> int:
    """Fetches, and prints [what went wrong, what to do] as JSON, two empty texts where nothing did."""
    print(json.dumps(_fetched(name, folder)))
    return 0


def _fetched(name: str, folder: str) -> tuple[str, str]:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
    except ImportError:
        return "Data sets of the hub need the package huggingface_hub.", "Run: pip install huggingface_hub."
    try:
        snapshot_download(name, repo_type="dataset", local_dir=folder, allow_patterns=KEPT)
    except GatedRepoError:
        fix = "Accept them on its page, and log in: hf auth login."
        return f"{name} is open only to those who accepted its terms.", fix
    except RepositoryNotFoundError:
        return f"The hub has no data set {name}, or it is not public.", "Check its name."
    except (HfHubHTTPError, OSError, ValueError) as error:
        return f"{name} could not be fetched: {str(error)[:200]}", "Check the network, or fetch it elsewhere."
    return "", ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
