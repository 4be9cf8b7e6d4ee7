"""What drawn parts ask: answered as plain data, by whoever was announced, and by nobody else."""

from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import asked
from app.context import Context
from app.listening import Handler
from app.texts import frame as texts
from leaml.errors import DataError


@dataclass(frozen=True)
class Part:
    elem_id: str


CARD, OTHER = Part("review-card"), Part("label-form")
JSON = {"content-type": "application/json"}


@pytest.fixture
def context(tmp_path) -> Context:
    context = Context(tmp_path)
    context.create("Polyps")
    return context


@pytest.fixture
def ask(context):
    """Announces a handler, and asks it."""
    client = TestClient(Starlette(routes=asked.routes(context)))

    def ask(handler, asked=None, project="polyps", **more):
        context.asked["review"] = Handler(context, handler, [CARD], True, changes=True)
        return client.post("/ask/review", json={"project": project, "asked": asked or {}, **more})

    ask.client = client
    return ask


def test_an_answer_names_the_parts_and_what_they_show(ask):
    answer = ask(lambda payload: {CARD: {"said": payload["act"], "pairs": (1, 2)}}, {"act": "accept"})
    assert answer.json() == {"parts": {"review-card": {"said": "accept", "pairs": [1, 2]}}, "changes": True}
    assert answer.headers["cache-control"] == "no-store"
    assert ask(lambda payload: None).json()["parts"] == {}


def test_what_is_wrong_is_said_in_words(ask, caplog):
    def refuse(payload):
        raise DataError("The answer is empty.", "Write it.")

    assert ask(refuse).json() == {"wrong": {"what": "The answer is empty.", "fix": "Write it."}}
    assert ask(lambda payload: 1 / 0).json()["wrong"]["what"] == texts.MISTAKE[0]
    assert "ZeroDivisionError" in caplog.text
    assert ask(lambda payload: {OTHER: 1}).json()["wrong"]["what"] == texts.MISTAKE[0]


def test_a_window_that_shows_another_project_changes_nothing(ask):
    done = []
    assert ask(done.append, project="other").json()["wrong"]["what"] == texts.OTHER_PROJECT[0]
    assert done == []


def test_what_somebody_decided_is_kept_under_no_other_name(ask, context):
    done = []
    context.become("Dr. B")
    assert "Dr. A decided this" in ask(done.append, person="Dr. A").json()["wrong"]["what"] and done == []
    ask(done.append, person="Dr. B")
    assert done == [{}]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", JSON), (b"[]", JSON), (b"{", JSON), (b'{"project": "polyps"}', JSON), (b"[" * 100_000, JSON),
        (b'{"project": 1, "asked": {}}', JSON), (b'{"project": "polyps", "asked": {}, "person": 1}', JSON),
        (b'{"project": "polyps", "asked": "x"}', JSON),
        (b'{"project": "polyps", "asked": {}}', {"content-type": "text/plain"}),
        (b'{"project": "polyps", "asked": {"x": "' + b"x" * asked.LONGEST + b'"}}', JSON),
    ],
)  # fmt: skip
def test_what_no_page_of_this_app_sends_reaches_no_handler(ask, body, headers):
    done = []
    ask(done.append)
    assert ask.client.post("/ask/review", content=body, headers=headers).status_code == 400
    assert done == [{}]


def test_only_what_was_announced_answers(ask):
    assert ask.client.post("/ask/other", json={"project": "polyps", "asked": {}}).status_code == 404
    assert ask.client.get("/ask/review").status_code == 405
