"""The child process behind `leaml.jobs.answering`: `python -m leaml.jobs.serving PROJECT_FOLDER IDLE_SECONDS`.

It reads questions and writes answers as JSON lines. Torch is imported with the first question, and only when the
device is free.

    {"request": 1, "picture": …, "question": …, "adapters": [null, 3], "model": "nano", "max_tokens": 64, "choices": []}
    {"cancel": 1}
    ← {"request": 1, "adapter": 3, "text": "ye", "done": false, "probability": 0.8}, …, {"request": 1, "end": true}

A request that brings an `answer` of its own asks where the model looks for it, and gets one row with `looked`.
"""

import json
import math
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from filelock import BaseFileLock

from leaml.errors import LeamlError
from leaml.jobs.locks import device_if_free, device_is_wanted
from leaml.records import Progress
from leaml.store.project import Adapter, Project

SECONDS_BETWEEN_LOOKS = 0.5
LOOKING = "Hiding one part of the picture after the other"
BUSY = {"error": "A job is computing on this machine.", "fix": "Ask again when it is done, or stop it."}

Row = dict[str, Any]


def main(words: list[str]) -> int:
    """Answers until the asking side is gone, nothing was asked for a while, or the device is wanted; returns 0."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a library prints must not stand among the answers
    Serving(Project.open(Path(words[0])), answers, float(words[1])).run()
    return 0


class Serving:
    """Who answers: the loaded model, the device's lock, and what was asked."""

    def __init__(self, project: Project, answers: TextIO, idle_seconds: float) -> None:
        self.project, self.answers, self.idle_seconds = project, answers, idle_seconds
        self.inbox: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self.cancelled: set[int] = set()
        self.asker_is_gone = False
        self.device: BaseFileLock | None = None
        self.models: Any = None

    def run(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        asked = time.monotonic()
        while time.monotonic() - asked < self.idle_seconds:
            if self.device is not None and device_is_wanted(self.project.folder.parent):
                return
            try:
                request = self.inbox.get(timeout=SECONDS_BETWEEN_LOOKS)
            except queue.Empty:
                continue
            if request is None:
                return
            self._answer(request)
            asked = time.monotonic()

    def _listen(self) -> None:
        """Questions into the inbox; a cancellation is heard at once, also in the middle of an answer."""
        for line in sys.stdin:
            row = json.loads(line)
            if "cancel" in row:
                self.cancelled.add(row["cancel"])
            else:
                self.inbox.put(row)
        self.asker_is_gone = True
        self.inbox.put(None)

    def _answer(self, request: Row) -> None:
        number = request["request"]
        try:
            if not self._has_device():
                self._say(number, BUSY)
                return
            adapters = [self.project.adapter(id) if id else None for id in request["adapters"]]
            base = next((adapter.base for adapter in adapters if adapter), request["model"])
            act = self._look_as if "answer" in request else self._answer_as
            for adapter in adapters:
                if not self._is_over(number):
                    act(adapter, adapter.base if adapter else base, request)
        except LeamlError as error:
            self._say(number, {"error": error.what, "fix": error.fix})
        except Exception as error:
            traceback.print_exc()
            what = f"The program made a mistake ({type(error).__name__})."
            self._say(number, {"error": what, "fix": "The project's runs/answering.log says more."})
        finally:
            self._say(number, {"end": True})

    def _answer_as(self, adapter: Adapter | None, base: str, request: Row) -> None:
        """One model's answer."""
        from leaml.models.writing import Request, speak

        number, row = request["request"], {"adapter": adapter.id if adapter else None, "choices": None}
        model, framing = self._model(adapter, base, lambda text: self._say(number, row | _still(message=text)))

        def heard(text: str, log_probability: float) -> bool:
            self._say(number, row | _still(text, math.exp(log_probability)))
            return not self._is_over(number)

        asked = Request(Path(request["picture"]), request["question"])
        said = speak(model, framing, asked, heard, request["max_tokens"])
        sure = math.exp(said.log_probability)
        if request["choices"] and not self._is_over(number):
            self._say(number, row | _still(said.text, sure))
            row["choices"] = _weighed(model, framing, request)
        self._say(number, row | {"text": said.text, "done": True, "probability": sure, "message": ""})

    def _look_as(self, adapter: Adapter | None, base: str, request: Row) -> None:
        """Where one model looks for an answer."""
        from leaml.evaluation.occlusion import occlude

        number, row = request["request"], {"adapter": adapter.id if adapter else None}
        model, framing = self._model(adapter, base, lambda text: self._say(number, row | _still(message=text)))
        picture, choices = Path(request["picture"]), tuple(request["choices"])
        for event in occlude(model, framing, picture, request["question"], request["answer"], choices):
            if self._is_over(number):
                return
            if isinstance(event, Progress):
                self._say(number, row | _still(message=f"{LOOKING}: {event.step} of {event.total}"))
            else:
                done = {"text": request["answer"], "done": True, "message": "", "looked": event.as_json()}
                self._say(number, row | done)

    def _model(self, adapter: Adapter | None, base: str, say: Callable[[str], None]) -> tuple[Any, Any]:
        """The model that answers, with one base in memory at a time."""
        from leaml.jobs.loading import Models

        if self.models is None or self.models.name != base:
            say("Loading the model")
            self.models = None
            self.models = Models(base)
        return self.models.use(adapter)

    def _has_device(self) -> bool:
        if self.device is None:
            self.device = device_if_free(self.project.folder.parent)
        return self.device is not None

    def _is_over(self, number: int) -> bool:
        return self.asker_is_gone or number in self.cancelled

    def _say(self, number: int, row: Row) -> None:
        try:
            self.answers.write(json.dumps({"request": number} | row) + "\n")
        except OSError:  # nobody reads any more
            self.asker_is_gone = True


def _still(text: str = "", probability: float | None = None, message: str = "") -> Row:
    """What says that an answer is not at its end."""
    return {"text": text, "done": False, "probability": probability, "message": message}


def _weighed(model: Any, framing: Any, request: Row) -> dict[str, float]:
    """How probable each choice is among all of them."""
    from leaml.evaluation.likelihoods import Candidates, choice_probabilities

    asked = Candidates(Path(request["picture"]), request["question"], tuple(request["choices"]))
    return choice_probabilities(model, framing, [asked])[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
