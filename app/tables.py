"""The addresses of what jobs wrote for people: tables of answers, and reports; `routes` stand beside the pictures'."""

from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.context import Context
from leaml.errors import LeamlError
from leaml.jobs import queue

TABLE = "answers.csv"
REPORT_TYPES = {
    "report.html": "text/html", "report.json": "application/json", "report.pdf": "application/pdf",
    "MODEL_CARD.md": "text/markdown",
}  # fmt: skip
STILL = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox allow-popups"
"""A report is a page of pictures and text: nothing in it may run, or reach this app."""
PRIVATE = {"Cache-Control": "private, no-store"}


def table_address(project: str, job: int) -> str:
    """Where the browser saves the answers of a job of the kind `answer`."""
    return f"/answers/{quote(project, safe='')}/{job}"


def report_address(project: str, job: int, name: str) -> str:
    """Where the browser opens, or saves, a file of the report that a job wrote."""
    return f"/report/{quote(project, safe='')}/{job}/{name}"


def routes(context: Context) -> list[Route]:
    """The addresses: only a job's number leads to a file, and only to those of its run that are named here."""

    def table(request: Request) -> Response:
        path = _file(context, request, "answer", TABLE)
        if path is None:
            return PlainTextResponse("There is no such table.", 404)
        name = f"answers-{request.path_params['id']}.csv"
        return FileResponse(path, media_type="text/csv", filename=name, headers=PRIVATE)

    def report(request: Request) -> Response:
        name = request.path_params["name"]
        path = _file(context, request, "report", f"report/{name}") if name in REPORT_TYPES else None
        if path is None:
            return PlainTextResponse("There is no such report.", 404)
        how = "inline" if name.endswith(".html") else "attachment"
        headers = PRIVATE | {"Content-Security-Policy": STILL, "X-Content-Type-Options": "nosniff"}
        return FileResponse(
            path, media_type=REPORT_TYPES[name], filename=name, headers=headers, content_disposition_type=how
        )

    return [Route("/answers/{project}/{id:int}", table), Route("/report/{project}/{id:int}/{name}", report)]


def _file(context: Context, request: Request, kind: str, name: str) -> Path | None:
    """A file in the run of a job of that kind, or None."""
    try:
        project = context.get(request.path_params["project"])
        job = queue.job(project, request.path_params["id"])
    except LeamlError:
        return None
    path = job.folder / name
    return path if job.kind == kind and path.is_file() else None
