"""The addresses under which pictures are read: what they send, as what, and nothing else."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.pictures import Door, picture_address, routes, thumb_address, values_address
from leaml.errors import OptionError
from leaml.store.greys import pack, write_numbers
from tests.app.small_project import small_project

NUMBERS = np.arange(30 * 40, dtype=np.uint16).reshape(30, 40) * 50


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("home") / "polyps")
    greys, stored = pack(NUMBERS)
    (project.folder / "images" / "1.16.png").write_bytes(write_numbers(stored))
    row = replace(greys, file="images/1.16.png").as_json()
    project.db.record("", "import", [("images", 1, {}, {"greys": row})])
    project.db.record("", "import", [("images", 2, {}, {"greys": row | {"file": "leaml.db"}})])
    yield project
    project.close()


@pytest.fixture(scope="module")
def client(project):
    def get(name):
        if name != "polyps":
            raise OptionError("There is no project of this name any more.")
        return project

    app = Starlette(routes=routes(SimpleNamespace(get=get)), middleware=[Middleware(Door)])
    return TestClient(app, base_url="http://127.0.0.1")


def test_true_values_come_whole_two_bytes_each_the_lower_first(client):
    answer = client.get(values_address("polyps", 1))
    assert np.array_equal(np.frombuffer(answer.content, "<u2").reshape(30, 40), NUMBERS)
    etag = answer.headers["etag"]
    assert client.get(values_address("polyps", 1), headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("id", [2, 3, 99])
def test_where_there_are_none_or_elsewhere_nothing_comes(client, id):
    assert client.get(values_address("polyps", id)).status_code == 404
    assert client.get(values_address("missing", 1)).status_code == 404


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (picture_address("polyps", 1), "image/png"),
        (thumb_address("polyps", 1), "image/jpeg"),
        (values_address("polyps", 1), "application/octet-stream"),
        (picture_address("polyps", 99), "text/plain; charset=utf-8"),
    ],
)
def test_every_answer_says_what_it_is_and_forbids_guessing(client, address, kind):
    headers = client.get(address).headers
    assert headers["content-type"] == kind and headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in headers["content-security-policy"]


def test_nobody_writes_to_an_address_of_pictures(client):
    for method in ("post", "put", "delete", "patch"):
        assert getattr(client, method)(picture_address("polyps", 1)).status_code == 405
