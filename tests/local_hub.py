"""A server on this computer that answers as the Hugging Face hub does, as far as fetching a model goes.

    with LocalHub({"owner/name": folder}) as hub:
        hub.address, hub.commit, hub.asked          # asked: the paths, in their order
        ask_here(monkeypatch, hub.address)          # what would be asked by a process of its own is asked by this one
"""

import hashlib
import io
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

from leaml.errors import ModelError
from leaml.models import hub as hubs
from leaml.models import hub_process


class LocalHub:
    """Serves the folders of models by name, each at one commit that the branch `main` and the tag `v1` stand for.

    Args:
        about: what the hub says of every model beside its files: `gated`, `cardData`, `config`, and the like.
        let_in: whether who asks may have what is gated.
        cut_off: names of files that break off in the middle of the way.
        fails: status and reason that every question is answered with.
    """

    def __init__(
        self,
        models: Mapping[str, Path],
        let_in: bool = True,
        cut_off: tuple[str, ...] = (),
        fails: tuple[int, str] | None = None,
        **about: Any,
    ) -> None:
        self.models, self.about, self.let_in, self.cut_off, self.fails = models, about, let_in, cut_off, fails
        self.commit = "c0ffee" + 34 * "0"
        self.asked: list[str] = []

    def __enter__(self) -> "LocalHub":
        hub = self

        class Handler(_Handler):
            asked_of = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def files(self, name: str) -> dict[str, Path]:
        folder = self.models[name]
        return {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}


def empty_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """An empty cache of the hub below `folder`, for this process and those that it starts."""
    monkeypatch.setenv("HF_HOME", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
    return folder / "hub"


def ask_here(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Opens the network to this process, as far as that address."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    pages = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pages)
    monkeypatch.setattr(hubs, "_said", _said)


def heard(*words: str) -> list[dict[str, Any]]:
    """What the process with a network says to these words, without starting one."""
    out = io.StringIO()
    hub_process.main(words, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def _said(*words: str) -> Iterator[dict[str, Any]]:
    for said in heard(*words):
        if "error" in said:
            raise ModelError(said["error"], said["fix"])
        yield said


class _Handler(BaseHTTPRequestHandler):
    asked_of: LocalHub

    def do_GET(self) -> None:
        self._respond(with_body=True)

    def do_HEAD(self) -> None:
        self._respond(with_body=False)

    def log_message(self, *words: object) -> None:
        """Nothing."""

    def _respond(self, with_body: bool) -> None:
        hub = self.asked_of
        path = unquote(urlsplit(self.path).path).strip("/")
        hub.asked.append(path)
        about = path.removeprefix("api/models/")
        name, rest = "/".join(about.split("/")[:2]), about.split("/")[2:]
        if hub.fails:
            return self._send(hub.fails[0], b"", with_body, {"X-Error-Message": hub.fails[1]})
        if name not in hub.models:
            return self._send(401, b"", with_body, {"X-Error-Message": "Invalid username or password."})
        if rest[:1] == ["auth-check"]:
            return self._send(200, b"{}", with_body) if hub.let_in else self._gated(with_body)
        if len(rest) > 1 and rest[1] not in ("main", "v1", hub.commit):
            return self._send(404, b"{}", with_body, {"X-Error-Code": "RevisionNotFound"})
        if rest[0] == "revision":
            return self._send(200, json.dumps(self._about(name)).encode(), with_body)
        if rest[0] == "tree":
            return self._send(200, json.dumps(self._tree(name)).encode(), with_body)
        return self._file(name, "/".join(rest[2:]), with_body)

    def _about(self, name: str) -> dict[str, Any]:
        files = [{"rfilename": path, "size": file.stat().st_size} for path, file in self.asked_of.files(name).items()]
        return {"id": name, "sha": self.asked_of.commit, "gated": False, "siblings": files} | self.asked_of.about

    def _tree(self, name: str) -> list[dict[str, Any]]:
        bodies = {path: file.read_bytes() for path, file in self.asked_of.files(name).items()}
        return [{"type": "file", "path": p, "size": len(body), "oid": _tag(body)} for p, body in bodies.items()]

    def _file(self, name: str, path: str, with_body: bool) -> None:
        hub = self.asked_of
        if not hub.let_in:
            return self._gated(with_body)
        body = hub.files(name)[path].read_bytes()
        headers = {"ETag": f'"{_tag(body)}"', "X-Repo-Commit": hub.commit, "Content-Length": str(len(body))}
        cut = path in hub.cut_off and with_body
        self._send(200, body[: len(body) // 2] if cut else body, with_body, headers)
        self.close_connection = cut

    def _gated(self, with_body: bool) -> None:
        self._send(403, b"{}", with_body, {"X-Error-Code": "GatedRepo"})

    def _send(self, status: int, body: bytes, with_body: bool, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | dict(headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _tag(body: bytes) -> str:
    return hashlib.sha1(body).hexdigest()
