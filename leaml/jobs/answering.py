"""Answers at once, for the Compare screen: a child process keeps a model loaded and is asked through pipes. No torch.

    answering = Answering(project)
    for row in answering.ask(picture, "Is there a polyp?", [None, 3]):      # the base, and adapter 3
        row["adapter"], row["text"], row["done"], row["probability"]
    for row in answering.look(picture, "Is there a polyp?", "yes", 3):      # where does adapter 3 look?
        row["looked"]

Rows repeat while an answer grows, and at least once a second while nothing comes, so that whoever shows them can turn
away: closing the iterator ends the answer. The child (`leaml.jobs.serving`) holds the device while a model is loaded.
It ends when it has been idle, when a job wants the device, and with this process; the next question starts it again.
"""

import itertools
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from leaml.jobs import processes
from leaml.store.project import Project

IDLE_SECONDS = 300.0
SECONDS_FOR_OTHERS = 30.0
"""For which a question waits for one that somebody else has asked."""
SECONDS_BETWEEN_ROWS = 1.0
SECONDS_TO_LEAVE = 5.0

OTHERS_ASK = {"error": "Somebody else's question is being answered.", "fix": "Ask again in a moment."}
GONE = {
    "error": "The process that answers ended unexpectedly.",
    "fix": "Ask again. If it ends again, this machine may lack memory for the model.",
}

Row = dict[str, Any]


class Answering:
    """Asks a child process, one question at a time. May be shared by threads.

    Args:
        idle_seconds: after which the child leaves.
    """

    def __init__(self, project: Project, idle_seconds: float = IDLE_SECONDS) -> None:
        self.project, self.idle_seconds = project, idle_seconds
        self._turn = threading.Lock()
        self._numbers = itertools.count(1)
        self._child: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._cancelled = threading.Event()

    def ask(
        self,
        picture: Path,
        question: str,
        adapters: Sequence[int | None] = (None,),
        model: str = "nano",
        max_tokens: int = 64,
        choices: Sequence[str] = (),
    ) -> Iterator[Row]:
        """Asks one question of one model after the other.

        Args:
            picture: any picture file.
            adapters: numbers of adapters; None is the base model.
            model: the base, where no adapter says which it is.
            max_tokens: longest answer.
            choices: answers to weigh against each other, once one is given freely.

        Yields:
            {"adapter", "text" so far, "done", "probability" so far, "choices", "message"}. The probability is exp of
            the mean log-probability per token; `choices` says, at the end, how probable each of them is among all,
            or None. Last {"error", "fix"}, where it failed.
        """
        asked = {"adapters": list(adapters), "max_tokens": max_tokens, "choices": list(choices)}
        yield from self._rows_of({"picture": str(picture), "question": question, "model": model} | asked)

    def look(
        self,
        picture: Path,
        question: str,
        answer: str,
        adapter: int | None = None,
        model: str = "nano",
        choices: Sequence[str] = (),
    ) -> Iterator[Row]:
        """Finds which parts of the picture an answer depends on: how much less probable it gets where one is hidden.

        Yields:
            Rows as `ask` does. The last one holds "looked", see `leaml.evaluation.occlusion.Occlusion.as_json`.
        """
        asked = {"adapters": [adapter], "answer": answer, "choices": list(choices)}
        yield from self._rows_of({"picture": str(picture), "question": question, "model": model} | asked)

    def _rows_of(self, request: Row) -> Iterator[Row]:
        """What comes back of a request, when it is its turn."""
        if not self._turn.acquire(timeout=SECONDS_FOR_OTHERS):
            yield OTHERS_ASK
            return
        number = next(self._numbers)
        self._cancelled.clear()
        try:
            yield from self._rows({"request": number} | request)
        finally:
            self._send({"cancel": number})
            self._turn.release()

    def cancel(self) -> None:
        """Ends the answer that is being given, whoever reads it."""
        self._cancelled.set()

    def close(self) -> None:
        """Sends the child away."""
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(OSError):
            child.stdin.close()
        try:
            child.wait(SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()

    def _rows(self, request: Row) -> Iterator[Row]:
        """What comes back. A child that left just now is replaced once."""
        for _ in range(2):
            self._start_if_gone()
            self._send(request)
            row = {"adapter": request["adapters"][0], "text": "", "done": False, "probability": None, "message": ""}
            came = False
            while not self._cancelled.is_set():
                try:
                    line = self._lines.get(timeout=SECONDS_BETWEEN_ROWS)
                except queue.Empty:
                    yield row
                    continue
                if line is None:
                    self.close()  # it says nothing more, though it may take a moment to end
                    break
                if line.pop("request") != request["request"]:  # left over from a question that was given up
                    continue
                if line.get("end"):
                    return
                came, row = True, row | line if "error" not in line else line
                yield row
            if came or self._cancelled.is_set():
                break
        if not self._cancelled.is_set():
            yield GONE

    def _start_if_gone(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self.close()
        self._lines = queue.SimpleQueue()
        with (self.project.folder / "runs" / "answering.log").open("wb") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "leaml.jobs.serving", str(self.project.folder), str(self.idle_seconds)],
                cwd=processes.ROOT, env=processes.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True, encoding="utf-8", bufsize=1, **processes.apart(),
            )  # fmt: skip
        threading.Thread(target=_read, args=(self._child.stdout, self._lines), daemon=True).start()

    def _send(self, line: Row) -> None:
        """To a child that has gone nothing is sent; its end is seen where answers are read."""
        if self._child is not None:
            with suppress(OSError, ValueError):
                self._child.stdin.write(json.dumps(line) + "\n")
                self._child.stdin.flush()


def _read(stream: Any, lines: "queue.SimpleQueue[Row | None]") -> None:
    """Everything that the child says, then None."""
    with suppress(OSError, ValueError):
        for line in stream:
            lines.put(json.loads(line))
    lines.put(None)
