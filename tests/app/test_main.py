"""The app as a server: private, quick to answer, and no way from it to other files."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest

from app import main
from app.context import Context
from app.frame import Frame
from app.pictures import may_enter, picture_address, thumb_address
from app.screens.help import Help
from leaml.errors import StorageError
from tests.app.small_project import small_project


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def context(tmp_path_factory) -> Context:
    home = tmp_path_factory.mktemp("home")
    small_project(home / "polyps")
    return main.open_home(home)


@pytest.fixture(scope="module")
def client(context) -> Iterator[httpx.Client]:
    page = Frame(context, [Help(context)]).build()
    address = main.serve(page, context, free_port())
    with httpx.Client(base_url=address) as client:
        yield client
    page.close(verbose=False)


def test_the_first_page_comes_with_all_that_it_needs_from_here(client, context):
    answer = client.get("/")
    assert answer.status_code == 200
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', answer.text) == []
    assert "LEAML Studio" in answer.text
    assert context.address == str(client.base_url) + "/" or context.address == str(client.base_url)


def test_the_browser_is_told_to_reach_nothing_else(client):
    headers = client.get("/").headers
    assert "connect-src 'self'" in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("host", "origin", "enters"),
    [
        ("127.0.0.1:7860", None, True),
        ("localhost:7860", "http://localhost:7860", True),
        ("[::1]:7860", None, True),
        ("127.0.0.1:7860", "http://127.0.0.1:9999", False),
        ("127.0.0.1:7860", "http://evil.example", False),
        ("127.0.0.1:7860", "null", False),
        ("evil.example", None, False),
        ("evil.example:7860", "http://evil.example:7860", False),
        ("127.0.0.1.evil.example", None, False),
        ("", None, False),
        ("[", None, False),
    ],
)
def test_who_may_enter(host, origin, enters):
    assert may_enter(host, origin) is enters


def test_a_foreign_name_or_page_is_turned_away_before_anything_runs(client):
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
    foreign = {"Origin": "http://evil.example"}
    assert client.post("/gradio_api/run/predict", headers=foreign, json={"fn_index": 0, "data": []}).status_code == 403
    assert client.get(picture_address("polyps", 1), headers={"Host": "evil.example"}).status_code == 403


def test_pictures_and_thumbnails_are_read_by_number(client):
    picture, thumb = client.get(picture_address("polyps", 1)), client.get(thumb_address("polyps", 1))
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert (thumb.status_code, thumb.headers["content-type"]) == (200, "image/jpeg")
    assert picture.headers["cache-control"] == "private, no-cache"
    assert picture.content.startswith(b"\x89PNG")


def test_a_picture_that_the_browser_has_is_not_sent_again(client):
    etag = client.get(picture_address("polyps", 1)).headers["etag"]
    assert client.get(picture_address("polyps", 1), headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/picture/polyps/999",
        "/picture/polyps/0",
        "/picture/polyps/-1",
        "/picture/polyps/leaml.db",
        "/picture/missing/1",
        "/picture/..%2Fpolyps/1",
        "/picture/%2E%2E/1",
        "/thumb/polyps/1/../../leaml.db",
    ],
)
def test_nothing_else_is_a_picture(client, path):
    assert client.get(path).status_code in (400, 404, 405)


def test_a_row_that_names_another_file_shows_nothing(tmp_path, client, context):
    project = context.get("polyps")
    (project.folder / "runs" / "secret.png").write_bytes(b"secret")
    for file in ("leaml.db", "../../etc/passwd.png"):
        row = project.db.row("images", id=2)
        project.db.record("", "import", [("images", 2, {}, {"file": file})])
        assert client.get(picture_address("polyps", 2)).status_code == 404
        project.db.record("", "import", [("images", 2, {}, {"file": row["file"]})])


def test_no_file_of_the_home_is_served_by_gradio(client, context):
    for file in (context.home / "studio.json", context.get("polyps").folder / "leaml.db"):
        Path(file).touch()
        assert client.get(f"/gradio_api/file={file}").status_code in (403, 404)


def test_the_events_of_the_page_are_no_public_interface(client):
    described = client.get("/gradio_api/info").json()
    assert described["named_endpoints"] == {} and described["unnamed_endpoints"] == {}


def test_what_is_not_wanted_is_off(client):
    assert client.get("/monitoring").status_code in (401, 403, 404)
    assert client.get("/docs").status_code == 404
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"


def test_uploads_wait_in_a_folder_of_the_owner_alone_and_can_be_used(client, context):
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    assert context.home not in folder.parents, "Gradio must not read anything there"
    assert os.name == "nt" or folder.stat().st_mode & 0o077 == 0
    (stored,) = client.post("/gradio_api/upload", files={"files": ("a.png", b"picture")}).json()
    assert folder in Path(stored).parents
    assert Path(gr.File(render=False).GRADIO_CACHE) == folder, "else a copy would stay in the usual folder"


def test_a_port_that_is_taken_is_named(client, context):
    with pytest.raises(StorageError) as caught:
        main.serve(Frame(context, [Help(context)]).build(), context, client.base_url.port)
    assert str(client.base_url.port) in caught.value.what


def test_without_a_port_the_next_free_one_is_taken(client, context, monkeypatch):
    monkeypatch.setenv("GRADIO_SERVER_PORT", "")
    pages = [Frame(context, [Help(context)]).build() for _ in range(2)]
    addresses = [main.serve(page, context) for page in pages]
    for page in pages:
        page.close(verbose=False)
    assert addresses[0] != addresses[1]


def test_a_new_home_gets_the_sample_project_and_one_that_is_in_use_does_not(tmp_path, monkeypatch):
    added = []
    monkeypatch.setattr(Context, "add_sample", lambda self: added.append(self.home))
    main.open_home(tmp_path / "new")
    assert added == [tmp_path / "new"]
    Context(tmp_path / "new").create("Own")
    main.open_home(tmp_path / "new")
    assert len(added) == 1


def test_a_home_that_cannot_be_made_is_an_error_in_words(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main.main(["--home", str(tmp_path / "file" / "home")]) == 2
    assert "folder of the projects" in capsys.readouterr().err
