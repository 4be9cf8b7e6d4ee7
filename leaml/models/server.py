"""The teacher behind an OpenAI-compatible server (vLLM, Ollama, LM Studio) on an address that the user typed. No torch.

    options = CaptionOptions(server="http://localhost:11434", model="qwen2.5vl")
    print(what_leaves(options))                              # said before anything is sent
    server = Server(options)
    server.teacher()                                         # "qwen2.5vl at localhost:11434"
    server.describe(picture, "Describe the picture.")        # "A polyp is seen …"

Pictures go to that address and nowhere else: no redirect is followed, and no proxy asked unless the options say so.
They are sent as JPEG without name and metadata. A key, where one is needed, comes from the environment variable
LEAML_TEACHER_KEY and is never stored.
"""

import base64
import ipaddress
import json
import os
import random
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx

from leaml.errors import LeamlError, ModelError, OptionError
from leaml.models.captions import plain
from leaml.models.pictures import open_picture
from leaml.options import CaptionOptions

KEY = "LEAML_TEACHER_KEY"
LONGEST_SIDE = 1536
"""Pixels: larger pictures are sent smaller; servers would do the same."""
QUALITY = 92
LONGEST_WAIT = 60.0
"""Seconds between two tries, whatever the server asks for."""
MOST_BYTES = 4_000_000
"""Of an answer. A caption has a few hundred."""

AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
"""Answers after which the same may be tried again."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: the beginning of all its addresses, such as http://localhost:11434/v1."""

    base: str
    host: str

    @classmethod
    def of(cls, typed: str) -> "Address":
        """The address that was typed, with or without http://, /v1 and what may stand behind it.

        Raises:
            OptionError: it is none, or a name and password stand in it.
        """
        text = typed.strip() if "://" in typed else f"http://{typed.strip()}"
        fix = "Give one such as http://localhost:11434."
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, TypeError) as error:
            raise OptionError(f"{typed!r} is not the address of a server.", fix) from error
        if url.scheme not in ("http", "https") or not re.fullmatch(r"[\w.:-]+", url.host) or " " in text:
            raise OptionError(f"{typed!r} is not the address of a server.", fix)
        if url.userinfo:
            raise OptionError("The address holds a name or a password, which would be stored.", f"Use {KEY} for a key.")
        path = url.path.removesuffix("/").removesuffix("/chat/completions").removesuffix("/models").removesuffix("/")
        if not path.endswith("/v1"):
            path += "/v1"
        return cls(str(url.copy_with(path=path, query=None, fragment=None)), url.netloc.decode())

    @property
    def is_here(self) -> bool:
        """Whether it is this computer's own."""
        host = httpx.URL(self.base).host
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def what_leaves(options: CaptionOptions) -> str:
    """What will be sent where, in a sentence or two, before anything is.

    Raises:
        OptionError: the address cannot be used.
    """
    address = Address.of(options.server)
    sent = f"Every training picture without a caption leaves this program for the server at {address.host}"
    if address.is_here:
        return f"{sent}, which runs on this computer. Nothing is sent anywhere else."
    open_air = "" if address.base.startswith("https") else ", unencrypted"
    return f"{sent}, and so leaves this computer{open_air}. Nothing is sent anywhere else."


class Server:
    """A server that describes pictures. Used by several threads at once; `close` ends their waiting.

    Raises:
        OptionError: the address cannot be used.
    """

    def __init__(self, options: CaptionOptions) -> None:
        self.address, self.options = Address.of(options.server), options
        self.model = options.model
        key = os.environ.get(KEY, "").strip()
        self.client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(options.timeout, connect=min(10.0, options.timeout)),
            limits=httpx.Limits(max_connections=options.batch_size),
            trust_env=options.proxy,
            follow_redirects=False,
            verify=ssl.create_default_context(),
        )
        self.closing = threading.Event()
        self._pace = threading.Lock()
        self._next = 0.0

    def close(self) -> None:
        self.closing.set()
        self.client.close()

    def teacher(self) -> str:
        """The name that its captions carry: the model's, and the server's; asks the server which models it has.

        Raises:
            ModelError: it does not answer, wants a key, or has no such model.
        """
        default = CaptionOptions.model_fields["model"].default
        names = self._models()
        fitting = [name for name in names if name == self.model or name.partition(":")[0] == self.model]
        if fitting:
            self.model = fitting[0]
        elif len(names) == 1 and self.model == default:
            self.model = names[0]
        elif names:
            what = f"The server at {self.address.host} has no model {self.model}. It has: {', '.join(names[:20])}."
            raise ModelError(what, "Name one of these.")
        elif self.model == default:
            raise ModelError(f"The server at {self.address.host} does not say which models it has.", "Name the model.")
        return f"{self.model} at {self.address.host}"

    def _models(self) -> list[str]:
        """Names of the models that the server lists; none where it lists none, or cannot."""
        try:
            found = self._send("GET", "models")
        except Refused:
            return []
        except Busy as error:
            if error.status != 500:  # as `transformers serve` does where nothing was ever downloaded
                raise
            return []
        rows = found.get("data")
        rows = rows if isinstance(rows, list) else []
        return [str(row["id"])[:200] for row in rows if isinstance(row, dict) and row.get("id")]

    def describe(self, image: Path, prompt: str) -> str:
        """What the server says of a picture, as one line; "" where it says nothing.

        Tries again, with longer and longer waits, where the server is busy or does not answer.

        Raises:
            Refused: the server does not take this picture. ModelError: it does not answer, or not as it should.
            DataError: the picture cannot be read.
        """
        words = {"type": "text", "text": prompt}
        shown = {"type": "image_url", "image_url": {"url": data_uri(image)}}
        asked = {
            "model": self.model,
            "messages": [{"role": "user", "content": [shown, words]}],
            "max_tokens": self.options.max_tokens,
            "temperature": 0,
            "stream": False,
        }
        for tried in range(self.options.tries):
            self._wait_for_turn()
            try:
                return plain(_said(self._send("POST", "chat/completions", asked), self.address))
            except Busy as busy:
                if tried + 1 == self.options.tries:
                    raise
                if self.closing.wait(busy.seconds or min(LONGEST_WAIT, 2**tried * random.uniform(0.5, 1.0))):
                    raise
        raise AssertionError("tries is at least 1")

    def _wait_for_turn(self) -> None:
        """Keeps to so many requests a minute."""
        if self.options.per_minute:
            with self._pace:
                turn = max(time.monotonic(), self._next)
                self._next = turn + 60 / self.options.per_minute
            self.closing.wait(turn - time.monotonic())

    def _send(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        asked = self.client.stream(method, f"{self.address.base}/{path}", json=body)
        with _in_words(self.address, self.options.timeout), asked as response:
            text = b""
            for part in response.iter_bytes():
                text += part
                if len(text) > MOST_BYTES:
                    break
        if not response.is_success:
            raise _fault(response, text, self)
        return _object(text, self.address)


def data_uri(image: Path) -> str:
    """A picture as it is sent: JPEG, 1,536 pixels at its longest side, without metadata. Raises DataError."""
    picture, file = open_picture(image), BytesIO()
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    picture.info.clear()  # Pillow would carry a comment over
    picture.save(file, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


# ---- what can go wrong -------------------------------------------------------------------------------------------


class Refused(ModelError):
    """The server does not take a request, and would not take it later. `status`: of HTTP."""

    def __init__(self, what: str, fix: str, status: int) -> None:
        super().__init__(what, fix)
        self.status = status


class Busy(ModelError):
    """The same may be tried again, after so many seconds if the server says so. `status`: of HTTP, 0 without one."""

    def __init__(self, what: str, fix: str, seconds: float = 0.0, status: int = 0) -> None:
        super().__init__(what, fix)
        self.seconds, self.status = min(seconds, LONGEST_WAIT), status


KEPT = "Then go on with this job: what is written is kept."


def _fault(response: httpx.Response, text: bytes, server: Server) -> LeamlError:
    """Why an answer is none, in the user's words."""
    status, host = response.status_code, server.address.host
    said = f"{status}: {_message(text)}".removesuffix(": ")
    if response.is_redirect:
        what = f"The server at {host} sends us on to another address: {_shown(response.headers.get('location', '?'))}."
        return ModelError(what, "Nothing was sent there. If you trust it, type that address instead.")
    if status in (401, 403):
        has = "does not take the key that it got" if os.environ.get(KEY) else "wants a key"
        fix = f"Set the environment variable {KEY}, and start LEAML Studio from there."
        return ModelError(f"The server at {host} {has} ({said}).", fix)
    if status == 429:
        fix = f"Allow fewer requests a minute (per_minute), or wait. {KEPT}"
        return Busy(f"The server at {host} takes no more requests for now ({said}).", fix, _asked_to_wait(response))
    if status in AGAIN:
        what = f"The server at {host} failed ({said})."
        return Busy(what, f"See what it printed. {KEPT}", _asked_to_wait(response), status)
    if status == 404:
        what = f"The server at {host} knows no such model or address ({said})."
        return Refused(what, f"Check the address and the model {server.model}.", status)
    what = f"The server at {host} refused ({said})."
    return Refused(what, "Choose a model that reads pictures, or another server.", status)


@contextmanager
def _in_words(address: Address, timeout: float) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        what = f"The server at {address.host} did not answer within {timeout:g} seconds."
        raise Busy(what, f"Give it more time (timeout), or ask about fewer pictures at once. {KEPT}") from error
    except httpx.ConnectError as error:
        what = f"Nothing answers at {address.base} ({_shown(str(error))})."
        raise Busy(what, f"Start the server, or correct the address. {KEPT}") from error
    except (httpx.HTTPError, httpx.StreamError, RuntimeError) as error:  # RuntimeError: closed while it was asked
        what = f"The talk with {address.host} broke off ({_shown(str(error)) or type(error).__name__})."
        raise Busy(what, f"See what the server printed. {KEPT}") from error


def _object(text: bytes, address: Address) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _odd(address)
    return found


def _said(answer: dict[str, Any], address: Address) -> str:
    """The text of a chat completion, whether it comes as one or in parts."""
    try:
        content = answer["choices"][0]["message"]["content"]
        if isinstance(content, list):
            content = " ".join(part["text"] for part in content if part.get("type") == "text")
        return {None: ""}.get(content, content).strip()
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise _odd(address) from error


def _odd(address: Address) -> Busy:
    what = f"What the server at {address.host} answered is no chat completion."
    return Busy(what, "Check that this is the address of an OpenAI-compatible server (it often ends with /v1).")


def _message(text: bytes) -> str:
    """The server's own words on what is wrong, if it has some."""
    try:
        found = json.loads(text)
        error = found.get("error", found.get("detail", found.get("message", "")))
        return _shown(str(error.get("message", "")) if isinstance(error, dict) else str(error))
    except (ValueError, AttributeError, RecursionError):
        return _shown(text[:400].decode("utf-8", "replace")) if not text.lstrip().startswith(b"<") else ""


def _shown(text: str) -> str:
    line = plain(text)
    return line if len(line) <= 200 else f"{line[:199]}…"


def _asked_to_wait(response: httpx.Response) -> float:
    """Seconds, where the server says them."""
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        return 0.0
