"""Imports Gradio in half the time, and without telemetry. Comes before everything else of the app.

Whenever it is imported, Gradio parses the source of each of its components anew to write a .pyi file beside it, for
editors: as much work as all the rest, and files in folders that may not be writable.
"""

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@contextmanager
def _no_stub_files() -> Iterator[None]:
    """Meanwhile, classes of Gradio seem to come from no file: then it leaves its .pyi files as they are."""
    getfile = inspect.getfile

    def own(asked: Any) -> str:
        if isinstance(asked, type) and asked.__module__.startswith("gradio."):
            raise OSError("no stub file is wanted")
        return getfile(asked)

    inspect.getfile = own
    try:
        yield
    finally:
        inspect.getfile = getfile


with _no_stub_files():
    import gradio  # noqa: F401
