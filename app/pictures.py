"""The door of the app: who may knock, and the addresses under which pictures are read. Nothing is written here."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.context import Context
from leaml.errors import LeamlError
from leaml.store.greys import read_numbers

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TYPES = {".jpg": "image/jpeg", ".png": "image/png"}
"""What an import leaves in a project; nothing else is served."""

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; "
    "worker-src 'self' blob:; frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
"""Gradio's own scripts are inline and build functions from text; no address outside of this machine is reached."""

HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
}


def picture_address(project: str, id: int) -> str:
    """Where the browser reads a picture, at full size."""
    return f"/picture/{quote(project, safe='')}/{id}"


def values_address(project: str, id: int) -> str:
    """Where the viewer reads the true values of a picture of 16 bits."""
    return f"/values/{quote(project, safe='')}/{id}"


def thumb_address(project: str, id: int) -> str:
    """Where the browser reads a picture's thumbnail."""
    return f"/thumb/{quote(project, safe='')}/{id}"


def routes(context: Context) -> list[Route]:
    """The addresses of pictures: only numbers that the store knows lead to a file."""

    def picture(request: Request) -> Response:
        return _file(request, context, lambda found: found.path)

    def thumb(request: Request) -> Response:
        return _file(request, context, lambda found: found.thumb)

    def values(request: Request) -> Response:
        return _file(request, context, lambda found: found.values, _numbers)

    kinds = {"picture": picture, "thumb": thumb, "values": values}
    return [Route(f"/{name}/{{project}}/{{id:int}}", answer) for name, answer in kinds.items()]


def _file(request: Request, context: Context, choose: Callable, answer: Callable | None = None) -> Response:
    try:
        project = context.get(request.path_params["project"])
        path: Path | None = choose(project.picture(request.path_params["id"]))
    except LeamlError:
        path = None
    if path is None or not _may_be_shown(path, project.folder):
        return PlainTextResponse("There is no such picture.", 404)
    # The browser asks again each time and is told that nothing has changed: files are named by their content's hash.
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{path.stem}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return (answer or _as_it_is)(path, headers)


def _may_be_shown(path: Path, folder: Path) -> bool:
    return path.suffix in TYPES and path.is_file() and folder in path.resolve().parents


def _as_it_is(path: Path, headers: Mapping[str, str]) -> Response:
    return FileResponse(path, media_type=TYPES[path.suffix], headers=headers)


def _numbers(path: Path, headers: Mapping[str, str]) -> Response:
    """The numbers of a 16-bit PNG, row by row, two bytes each, the lower first: a canvas would read 8 bits of them."""
    return Response(read_numbers(path).astype("<u2").tobytes(), media_type="application/octet-stream", headers=headers)


class Door:
    """Answers only who knocks at an address of this machine, or of `hosts`, from a page of this app.

    A foreign page can have the browser send requests here, under a name of its own that it lets point to this machine
    (DNS rebinding); then Host is that name. Or it can post without reading the answer; then Origin is that page.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] = LOOPBACK) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if not may_enter(headers.get(b"host", ""), headers.get(b"origin"), self.hosts):
            await PlainTextResponse("Only pages of this app, on this machine.", 403)(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(i for i in HEADERS.items() if i[0] not in present)]
            await send(message)

        await self.app(scope, receive, answer)


def may_enter(host: str, origin: str | None, hosts: Sequence[str] = LOOPBACK) -> bool:
    """Whether a request with these headers was sent to one of `hosts`, from a page of this app or from no page."""
    try:
        ours = urlsplit(f"//{host}").hostname in hosts
        return ours and (origin is None or urlsplit(origin).netloc == host)
    except ValueError:
        return False
