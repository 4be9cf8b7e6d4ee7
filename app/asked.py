"""What the drawn parts of a page ask: one POST, plain data both ways, and only the parts that are answered are redrawn.

    POST /ask/review   {"project": "polyps", "person": "Dr. A", "asked": {"act": "accept", "pair": 7, …}}
    200                {"parts": {"review-card": {…}, "review-viewer": {…}}}      or {"wrong": {"what": …, "fix": …}}

Gradio's own way, through its events, takes several times as long as all that the store does: it goes over every part of
the page with each answer. A reviewer would wait for that at every key.
"""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.context import Context

LONGEST = 2_000_000
"""Bytes of a request: all marks that a picture may have, and more."""


def routes(context: Context) -> list[Route]:
    """The address at which every drawn part asks, by the name under which its handler was announced."""

    async def answer(request: Request) -> Response:
        handler = context.asked.get(request.path_params["name"])
        if handler is None:
            return PlainTextResponse("Nothing is asked here.", 404)
        told = await _asked(request)
        if told is None:
            return PlainTextResponse("This cannot be read.", 400)
        return JSONResponse(await run_in_threadpool(handler.told, *told), headers={"Cache-Control": "no-store"})

    return [Route("/ask/{name}", answer, methods=["POST"])]


async def _asked(request: Request) -> tuple[str, dict[str, Any], str | None] | None:
    """The project that the page shows, what it asks, and who decided; None where no page of this app sends that."""
    if request.headers.get("content-type") != "application/json":  # which no page of others can send unasked
        return None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            return None
    try:
        given = json.loads(body)
        shown, asked, person = given["project"], given["asked"], given.get("person")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    is_fit = isinstance(shown, str) and isinstance(asked, dict) and isinstance(person, str | None)
    return (shown, asked, person) if is_fit else None
