"""The address of a table of answers that a job wrote; `routes` stand beside those of the pictures."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.context import Context
from leaml.errors import LeamlError
from leaml.jobs import queue

TABLE = "answers.csv"


def table_address(project: str, job: int) -> str:
    """Where the browser saves the answers of a job of the kind `answer`."""
    return f"/answers/{quote(project, safe='')}/{job}"


def routes(context: Context) -> list[Route]:
    """The address of tables: only a job's number leads to a file, and only to this one of its run."""

    def table(request: Request) -> Response:
        missing = PlainTextResponse("There is no such table.", 404)
        try:
            project = context.get(request.path_params["project"])
            job = queue.job(project, request.path_params["id"])
        except LeamlError:
            return missing
        path = job.folder / TABLE
        if job.kind != "answer" or not path.is_file():
            return missing
        name = f"answers-{job.id}.csv"
        return FileResponse(path, media_type="text/csv", filename=name, headers={"Cache-Control": "private, no-store"})

    return [Route("/answers/{project}/{id:int}", table)]
