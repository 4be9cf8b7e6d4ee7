"""Processes of our own: how they are started, and how one that hangs is ended. No torch."""

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import leaml
from leaml.files import write_whole

ROOT = Path(leaml.__file__).resolve().parents[1]
"""Where `leaml` stands: a child is started there, so that it finds it."""

_RECORD = "worker.json"


def environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a child runs under: no telemetry, no network unless it was allowed, text in UTF-8, nothing held back."""
    own = dict(given, HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1", PYTHONUNBUFFERED="1", PYTHONUTF8="1")
    own.setdefault("HF_HUB_OFFLINE", "1")
    own.setdefault("TOKENIZERS_PARALLELISM", "false")
    return own


def apart() -> dict[str, Any]:
    """Arguments of Popen for a session of its own: Ctrl-C here does not reach the child, and it may outlive us."""
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def start_alone(module: str, words: Sequence[str], log: Path) -> subprocess.Popen:
    """Starts a module in a session of its own. What it prints goes to the end of `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **apart(),
        )  # fmt: skip


def sign(folder: Path, job: int) -> None:
    """Writes into a run's folder which process works on which job. Only the holder of the run's lock may."""
    record = {"job": job, "pid": os.getpid(), "host": platform.node()}
    write_whole(folder / _RECORD, json.dumps(record), safe=False)


def end(folder: Path, job: int) -> bool:
    """Ends the process that signed for this job in `folder`; says whether it was told to end.

    To be called while the run's lock is held alone: its holder is who signed, so the number is that process's own. A
    worker loses nothing: what it wrote stands, and checkpoints are whole or not there.
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        if record["job"] == job and record["host"] == platform.node() and record["pid"] != os.getpid():
            os.kill(record["pid"], getattr(signal, "SIGKILL", signal.SIGTERM))
            return True
    return False
