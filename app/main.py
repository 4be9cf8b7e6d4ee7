"""Starts the app. Private: it listens on this machine alone, without telemetry, and its pages load nothing from others.

    python -m app.main                               the projects in ~/LEAML, or in $LEAML_HOME
    python -m app.main --home FOLDER --port 7870
"""

import argparse
import atexit
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from app import pictures, tables
from app.context import Context
from app.frame import Frame
from app.screens.adapt import Adapt
from app.screens.compare import Compare
from app.screens.distil import Distil
from app.screens.help import Help
from app.screens.label import Label
from app.screens.project import ProjectScreen
from app.screens.review import Review
from app.theme import scripts, styles, theme
from leaml.errors import LeamlError, StorageError
from leaml.store.project import home

FIRST_PORT = 7860
PORTS = 100
BIGGEST_FILE = "500mb"

SCREENS = (Label, Distil, Review, Adapt, Compare, ProjectScreen, Help)


def main(arguments: Sequence[str]) -> int:
    """Opens the app and serves it until it is ended; returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        context = open_home(given.home or home())
        screens = [screen(context) for screen in SCREENS]
        page = Frame(context, screens).build()
        address = serve(page, context, given.port, given.browser)
    except LeamlError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"LEAML Studio is open at {address} (Ctrl+C ends it; jobs go on).", flush=True)
    _wait_for_the_end()
    page.close(verbose=False)
    for screen in screens:
        screen.close()
    return 0


def _wait_for_the_end() -> None:
    """Until Ctrl+C, or until the system asks this process to end."""
    ended = threading.Event()
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, lambda *_: ended.set())
    while not ended.wait(1):  # an endless wait would not be interrupted on Windows
        pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="launch.py", description="Opens the app in the browser.")
    parser.add_argument("--home", type=Path, help="folder of the projects (default: $LEAML_HOME, else ~/LEAML)")
    parser.add_argument("--port", type=int, help=f"default: {FIRST_PORT}, or the next that is free")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="do not open the browser")
    return parser


def open_home(folder: Path) -> Context:
    """The folder of all projects, made where it is missing, and the sample project where there is none at all.

    Raises:
        StorageError: the folder cannot be made.
    """
    folder = folder.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"The folder of the projects cannot be used: {error.strerror or error}."
        raise StorageError(what, "Name another one with --home.") from error
    os.environ["GRADIO_TEMP_DIR"] = _uploads()  # read by every part of the page when it is made
    context = Context(folder)
    if not context.names():
        context.add_sample()
    return context


def serve(page: gr.Blocks, context: Context, port: int | None = None, browser: bool = False) -> str:
    """Serves the page from a thread of its own; returns its address.

    Args:
        port: this one; None: the first that is free from 7860 on.

    Raises:
        StorageError: the port is taken.
    """
    os.environ["GRADIO_NUM_PORTS"] = str(PORTS)
    own = {
        "routes": [*pictures.routes(context), *tables.routes(context)],
        "middleware": [Middleware(pictures.Door)],
        "docs_url": None,
        "redoc_url": None,
    }
    try:
        _, address, _ = page.launch(
            server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, inbrowser=browser, quiet=True,
            share=False, run_history=False, enable_monitoring=False, mcp_server=False, ssr_mode=False, pwa=False,
            strict_cors=True, max_file_size=BIGGEST_FILE, allowed_paths=[], blocked_paths=[str(context.home)],
            footer_links=[], theme=theme(), css_paths=styles(), head=scripts(),
            app_kwargs=own,
        )  # fmt: skip
    except OSError as error:
        raise StorageError(f"Port {port or FIRST_PORT} is taken.", "Name another one with --port.") from error
    context.address = address
    return address


def _uploads() -> str:
    """A folder for dropped files, the owner's alone, gone when the app ends. Not in the home: Gradio reads it."""
    folder = tempfile.mkdtemp(prefix="leaml-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
