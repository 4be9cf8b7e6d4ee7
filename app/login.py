"""Logging in, where the app is opened with --auth: a page that asks for name and password, and a cookie that remembers.

Everything else is answered only to people who are logged in, pictures and Gradio's own addresses included. Who asks is
known to whatever answers (`app.context.ENTERED`). Sessions are kept in memory: a restart asks everybody again.
"""

import hashlib
import secrets
import time
from html import escape
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.context import ENTERED
from app.texts import login as texts
from leaml.review.people import Account, Accounts

COOKIE = "leaml-session"
HOURS = 12
"""After which an idle session ends."""
TRIES, PAUSE = 5, 30.0
"""Wrong passwords for a name, after which that name must wait so many seconds."""
LONGEST_FORM = 4096
NOBODY = Account("", "annotator")
OPEN = ("/gradio_api/startup-events",)
"""What the server asks itself when it starts; it tells nothing."""

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0; }}
form {{ display: grid; gap: 16px; width: 320px; }} h1 {{ font-size: 20px; margin: 0; }}
label {{ display: grid; gap: 4px; }} input, button {{ min-height: 40px; padding: 4px 12px; font: inherit; }}
button {{ border: 0; border-radius: 6px; background: #0369a1; color: #fff; font-weight: 600; }}
p {{ margin: 0; color: #a3310f; }} :root {{ color-scheme: light dark; }}
</style></head><body><form method="post" action="/login"><h1>{name}</h1><p role="alert">{wrong}</p>
<label>{who}<input name="name" autocomplete="username" required autofocus></label>
<label>{password}<input name="password" type="password" autocomplete="current-password" required></label>
<button>{enter}</button></form></body></html>"""


class Login:
    """Stands behind the door: who is not logged in sees the page that asks, and nothing else.

    Args:
        secure: the cookie is sent over TLS alone.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, secure: bool = False) -> None:
        self.app, self.accounts, self.secure = app, accounts, secure
        self._sessions: dict[str, tuple[Account, float]] = {}
        self._wrong: dict[str, tuple[int, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in OPEN:
            await self.app(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] in ("/login", "/logout"):
            await (await self._asked(Request(scope, receive)))(scope, receive, send)
            return
        account = self._account(scope)
        if account is None:
            await _turned_away(scope)(scope, receive, send)
            return
        entered = ENTERED.set(account)
        try:
            await self.app(scope, receive, send)
        finally:
            ENTERED.reset(entered)

    async def _asked(self, request: Request) -> Response:
        """The page that asks, and what comes of an answer."""
        if request.url.path == "/logout":
            self._sessions.pop(_key(request.cookies.get(COOKIE, "")), None)
            answer = RedirectResponse("/login", 303)
            answer.delete_cookie(COOKIE)
            return answer
        if request.method != "POST":
            return _page()
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LONGEST_FORM:
                return PlainTextResponse(texts.WRONG, 413)
        given = parse_qs(body.decode("utf-8", "replace"))
        name, password = ((given.get(field) or [""])[0] for field in ("name", "password"))
        if self._must_wait(name):
            return _page(texts.WAIT, 429)
        # The hash takes long on purpose: elsewhere than where everybody is answered.
        account = await to_thread.run_sync(self.accounts.check, name, password)
        self._note(name, account is not None)
        return self._entered(account) if account else _page(texts.WRONG, 403)

    def _entered(self, account: Account) -> Response:
        token = secrets.token_urlsafe(32)
        self._sessions[_key(token)] = (account, time.monotonic() + HOURS * 3600)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=self.secure, max_age=HOURS * 3600)
        return answer

    def _account(self, scope: Scope) -> Account | None:
        """Who has this session; each use goes on with it.

        Somebody who was taken off, or has a new password, has none any more.
        """
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        cookies = dict(part.strip().partition("=")[::2] for part in headers.get(b"cookie", "").split(";"))
        key = _key(cookies.get(COOKIE, ""))
        entered, until = self._sessions.get(key, (NOBODY, 0.0))
        account = self.accounts.find(entered.name)
        if until < time.monotonic() or account is None or account.salt != entered.salt:
            self._sessions.pop(key, None)
            return None
        self._sessions[key] = (account, time.monotonic() + HOURS * 3600)
        return account

    def _must_wait(self, name: str) -> bool:
        wrong, since = self._wrong.get(name, (0, 0.0))
        return wrong >= TRIES and time.monotonic() < since + PAUSE

    def _note(self, name: str, right: bool) -> None:
        wrong, since = self._wrong.pop(name, (0, 0.0))
        if not right:
            fresh = time.monotonic() > since + PAUSE
            self._wrong[name] = (1 if fresh else wrong + 1, time.monotonic())
            for oldest in list(self._wrong)[:-1000]:  # names that somebody makes up must not fill the memory
                del self._wrong[oldest]


def _key(token: str) -> str:
    """Under which a session is kept: who reads the memory has no token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _turned_away(scope: Scope) -> Response:
    page = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/"
    return RedirectResponse("/login", 303) if page else PlainTextResponse(texts.LOG_IN, 401)


def _page(wrong: str = "", status: int = 200) -> Response:
    words = {"name": texts.NAME, "wrong": wrong, "who": texts.WHO, "password": texts.PASSWORD, "enter": texts.ENTER}
    page = PAGE.format(**{key: escape(text) for key, text in words.items()})
    # Where the door's own policy holds, "no-referrer", a browser sends the form without saying where it comes from.
    return HTMLResponse(page, status, headers={"Referrer-Policy": "same-origin"})
