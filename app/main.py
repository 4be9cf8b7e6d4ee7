"""Starts the app. Private: it listens on this machine alone, without telemetry, and its pages load nothing from others.

    python -m app.main                               the projects in ~/LEAML, or in $LEAML_HOME
    python -m app.main --home FOLDER --port 7870
    python -m app.main --auth --host 192.168.1.7 --certificate cert.pem --key key.pem      several people, over TLS
"""

import argparse
import atexit
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from app import asked, pictures, tables
from app.context import Context
from app.frame import Frame
from app.login import Login
from app.screens.adapt import Adapt
from app.screens.compare import Compare
from app.screens.distil import Distil
from app.screens.help import Help
from app.screens.label import Label
from app.screens.project import ProjectScreen
from app.screens.review import Review
from app.texts import login as texts
from app.theme import scripts, styles, theme
from leaml.errors import LeamlError, OptionError, StorageError
from leaml.review.people import Accounts
from leaml.store.project import home

LOCAL = "127.0.0.1"
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
        address = serve(page, context, given.port, given.browser, access_of(given, context))
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
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, lambda *_: ended.set())
    while not ended.wait(1):  # an endless wait would not be interrupted on Windows
        pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="launch.py", description="Opens the app in the browser.")
    parser.add_argument("--home", type=Path, help="folder of the projects (default: $LEAML_HOME, else ~/LEAML)")
    parser.add_argument("--port", type=int, help=f"default: {FIRST_PORT}, or the next that is free")
    parser.add_argument("--auth", action="store_true", help="ask for name and password (see `leaml people`)")
    parser.add_argument("--host", default=LOCAL, help="address; another than this computer's needs a login and TLS")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="of TLS (PEM)")
    parser.add_argument("--key", type=Path, metavar="FILE", help="of the certificate (PEM)")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="do not open the browser")
    return parser


@dataclass(frozen=True, slots=True)
class Access:
    """From where the app is reached, and whether it asks who comes."""

    host: str = LOCAL
    asks: bool = False
    certificate: Path | None = None
    key: Path | None = None

    def middleware(self, context: Context) -> list[Middleware]:
        """The door, and behind it the login."""
        names = () if self.host == LOCAL else (self.host, socket.gethostname(), socket.getfqdn())
        door = Middleware(pictures.Door, hosts=(*pictures.LOOPBACK, *names))
        secure = self.certificate is not None
        login = Middleware(Login, accounts=Accounts(context.home), secure=secure)
        return [door, login] if self.asks else [door]

    def settings(self) -> dict[str, Any]:
        """As Gradio takes them."""
        own = {"server_name": self.host}
        if self.certificate is None:
            return own
        files = {"ssl_certfile": str(self.certificate), "ssl_keyfile": str(self.key)}
        return own | files | {"ssl_verify": False}  # the server asks itself once; a certificate of one's own will do


def access_of(given: argparse.Namespace, context: Context) -> Access:
    """What was asked for, where that is safe.

    Raises:
        OptionError: another address than this computer's without login and TLS, or nobody may log in.
    """
    secured = given.certificate is not None and given.key is not None
    if given.host not in pictures.LOOPBACK and not (given.auth and secured):
        raise OptionError(*texts.NEEDS_LOGIN)
    if given.auth and not Accounts(context.home).all():
        raise OptionError(*texts.NOBODY)
    return Access(given.host, given.auth, given.certificate if secured else None, given.key if secured else None)


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


def serve(
    page: gr.Blocks, context: Context, port: int | None = None, browser: bool = False, access: Access = Access()
) -> str:
    """Serves the page from a thread of its own; returns its address.

    Args:
        port: this one; None: the first that is free from 7860 on.
        access: from where it is reached; this computer alone, and nobody is asked, unless that is said.

    Raises:
        StorageError: the port is taken.
    """
    os.environ["GRADIO_NUM_PORTS"] = str(PORTS)
    own = {
        "routes": [*pictures.routes(context), *tables.routes(context), *asked.routes(context)],
        "middleware": access.middleware(context),
        "docs_url": None,
        "redoc_url": None,
    }
    context.asks_who = access.asks
    try:
        _, address, _ = page.launch(
            server_port=port, prevent_thread_lock=True, inbrowser=browser, quiet=True,
            share=False, run_history=False, enable_monitoring=False, mcp_server=False, ssr_mode=False, pwa=False,
            strict_cors=True, max_file_size=BIGGEST_FILE, allowed_paths=[], blocked_paths=[str(context.home)],
            footer_links=[], theme=theme(), css_paths=styles(), head=scripts(),
            app_kwargs=own, **access.settings(),
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
