"""The teacher behind a server: what is sent and where, what is tried again, and every fault in plain words."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from leaml.errors import DataError, ModelError, OptionError
from leaml.models import server as module
from leaml.models import teacher
from leaml.models.load import NANO
from leaml.models.server import KEY, Address, Server, data_uri, what_leaves
from leaml.models.teacher import caption_by_server
from leaml.options import CaptionOptions
from leaml.records import Caption, Progress, Result
from tests import tiny_models

MODELS = {"data": [{"id": "seer:latest"}, {"id": "writer"}]}


def completion(text: object) -> dict:
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


class FakeServer(ThreadingHTTPServer):
    """Answers as told: `replies` in turn, each (status, headers, body), then a caption for every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[tuple[int, dict, object]] = []
        self.models: tuple[int, dict, object] = (200, {}, MODELS)
        self.asked: list[dict] = []
        self.paths: list[str] = []
        self.headers: list[dict] = []
        self.release = threading.Event()
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.headers.append(dict(self.headers))
        self.reply(*self.server.models)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append(body)
            self.server.paths.append(self.path)
            self.server.headers.append(dict(self.headers))
            number = len(self.server.asked)
            told = self.server.replies.pop(0) if self.server.replies else (200, {}, completion(f"Picture {number}."))
        if told[0] == 0:  # says nothing
            self.server.release.wait(10)
            return
        self.reply(*told)

    def reply(self, status: int, headers: dict, body: object) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(data), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[FakeServer]:
    with FakeServer() as fake:
        thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            fake.release.set()
            fake.shutdown()
            thread.join()


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with serving() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[FakeServer]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No key from outside, and no waiting between two tries."""
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setattr(module.random, "uniform", lambda *_: 0.0)


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    return tiny_models.noise(tmp_path / "images", 4)


def options(fake: FakeServer, **changes: object) -> CaptionOptions:
    return CaptionOptions(**{"server": fake.address, "model": "writer", "batch_size": 2, "tries": 3, **changes})


def run(given: CaptionOptions, pictures: list[Path]) -> tuple[dict[str, str], Result]:
    """Captions by the name of the picture, and the result."""
    server = Server(given)
    *events, result = caption_by_server(server, pictures, given, server.teacher())
    assert server.client.is_closed and {type(event) for event in events} <= {Caption, Progress}
    told = [event for event in events if isinstance(event, Progress)]
    assert (told[-1].step, told[-1].total) == (len(pictures), len(pictures))
    return {event.image.name: event.caption for event in events if isinstance(event, Caption)}, result


# --- What is sent ------------------------------------------------------------------------------------------


def test_every_picture_is_described_once(fake, pictures):
    captions, result = run(options(fake, prompt="What is seen?", max_tokens=7), pictures)
    assert sorted(captions) == [picture.name for picture in pictures]
    assert sorted(captions.values()) == [f"Picture {number}." for number in range(1, 5)]
    assert result.figures == {"captions": 4.0, "empty": 0.0, "refused": 0.0}
    assert fake.paths == ["/v1/models", *["/v1/chat/completions"] * 4]
    asked = fake.asked[0]
    assert (asked["model"], asked["max_tokens"], asked["temperature"], asked["stream"]) == ("writer", 7, 0, False)
    shown, words = asked["messages"][0]["content"]
    assert words == {"type": "text", "text": "What is seen?"} and shown["type"] == "image_url"
    assert len({row["messages"][0]["content"][0]["image_url"]["url"] for row in fake.asked}) == 4
    assert not any("Authorization" in headers for headers in fake.headers)


def test_a_picture_is_sent_small_and_without_what_it_says_of_itself(tmp_path):
    path = tmp_path / "Mrs Smith.jpg"
    secret = Image.Exif()
    secret[0x010E] = "Mrs Smith"
    Image.new("RGB", (4000, 100)).save(path, exif=secret, comment=b"Mrs Smith")
    head, _, data = data_uri(path).partition(",")
    sent = base64.b64decode(data)
    assert head == "data:image/jpeg;base64" and b"Smith" in path.read_bytes() and b"Smith" not in sent
    assert Image.open(BytesIO(sent)).size == (1536, 38)


def test_a_key_is_taken_from_the_environment_and_kept_nowhere(fake, pictures, monkeypatch):
    monkeypatch.setenv(KEY, " secret ")
    given = options(fake)
    run(given, pictures[:1])
    assert {headers["Authorization"] for headers in fake.headers} == {"Bearer secret"}
    assert "secret" not in given.model_dump_json()


def test_no_redirect_is_followed(fake, elsewhere, pictures):
    fake.replies = [(307, {"Location": f"{elsewhere.address}/v1/chat/completions"}, {})] * 2
    with pytest.raises(ModelError, match="sends us on to another address") as caught:
        run(options(fake), pictures[:1])
    assert elsewhere.paths == [] and elsewhere.address in caught.value.what and "Nothing was sent" in caught.value.fix


def test_a_proxy_is_asked_only_where_that_is_wanted(fake, elsewhere, pictures, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.address)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    run(options(fake), pictures[:1])
    assert elsewhere.paths == [] and len(fake.asked) == 1
    run(options(fake, proxy=True), pictures[:1])
    assert len(fake.asked) == 1 and len(elsewhere.asked) == 1


def test_no_more_requests_a_minute_than_allowed(fake, pictures):
    began = time.monotonic()
    run(options(fake, per_minute=600, batch_size=4), pictures)
    assert time.monotonic() - began >= 0.3


# --- What comes back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<think>A polyp?\nYes.</think>\n A polyp\nis  seen.\x07 ", "A polyp is seen."),
        ([{"type": "text", "text": "A polyp."}], "A polyp."),
        ("", None), (None, None), ("\u202e\n", None),
    ],
)  # fmt: skip
def test_a_caption_is_one_line_of_visible_text_and_none_where_nothing_is_said(fake, pictures, content, said):
    fake.replies = [(200, {}, completion(content))]
    captions, result = run(options(fake), pictures[:1])
    assert list(captions.values()) == ([said] if said else []) and result.figures["empty"] == (said is None)


@pytest.mark.parametrize(
    ("named", "listed", "taken"),
    [
        ("writer", MODELS, "writer"), ("seer", MODELS, "seer:latest"), ("nano", {"data": [{"id": "one"}]}, "one"),
        ("mine", {"data": []}, "mine"), ("mine", {"odd": 1}, "mine"), ("mine", {"data": "x"}, "mine"),
    ],
)  # fmt: skip
def test_the_model_is_the_one_that_was_named_or_the_only_one(fake, named, listed, taken):
    fake.models = (200, {}, listed)
    server = Server(options(fake, model=named))
    assert server.teacher() == f"{taken} at 127.0.0.1:{fake.server_address[1]}" and server.model == taken


def test_a_model_that_is_not_there_is_said_before_any_picture_is_sent(fake):
    with pytest.raises(ModelError, match=r"has no model other\. It has: seer:latest, writer"):
        Server(options(fake, model="other")).teacher()
    fake.models = (404, {}, {})
    with pytest.raises(ModelError, match="does not say which models") as caught:
        Server(options(fake, model="nano")).teacher()
    assert caught.value.fix == "Name the model." and fake.asked == []
    for status in (404, 405, 500):
        fake.models = (status, {}, b"no list here")
        assert Server(options(fake, model="mine")).teacher().startswith("mine at ")
    for status in (401, 503):
        fake.models = (status, {}, {})
        with pytest.raises(ModelError, match=str(status)):
            Server(options(fake, model="mine")).teacher()


# --- What goes wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [(429, {"Retry-After": "0"}, {}), (503, {}, b"busy"), (200, {}, b"<html>")])
def test_what_may_pass_is_tried_again(fake, pictures, fault):
    fake.replies = [fault, fault]
    captions, _ = run(options(fake), pictures[:1])
    assert list(captions.values()) == ["Picture 3."]


@pytest.mark.parametrize(
    ("fault", "what", "fix"),
    [
        ((429, {"Retry-After": "0"}, {"error": {"message": "slow"}}), r"no more requests.*\(429: slow\)", "per_minute"),
        ((500, {}, {"detail": "boom"}), r"failed \(500: boom\)", "what is written is kept"),
        ((502, {}, b"<html>bad gateway</html>"), r"failed \(502\)", "what is written is kept"),
        ((401, {}, {"error": "no key"}), r"wants a key \(401: no key\)", KEY),
        ((404, {}, {"error": {"message": "no model"}}), r"no such model or address \(404: no model\)", "model writer"),
        ((200, {}, b"<html>hello</html>"), "is no chat completion", "/v1"),
        ((200, {}, {"choices": []}), "is no chat completion", "/v1"),
        ((200, {}, completion(3)), "is no chat completion", "/v1"),
        ((200, {}, [1, 2]), "is no chat completion", "/v1"),
        ((200, {}, b"[" * 100_000), "is no chat completion", "/v1"),
        ((200, {}, b" " * 5_000_000), "is no chat completion", "/v1"),
    ],
)  # fmt: skip
def test_what_does_not_pass_is_said(fake, pictures, fault, what, fix):
    fake.replies = [fault] * 6
    with pytest.raises(ModelError, match=what) as caught:
        run(options(fake, batch_size=1), pictures)
    assert fix in caught.value.fix


def test_a_server_that_says_nothing_is_given_so_much_time(fake, pictures):
    fake.replies = [(0, {}, None)] * 2
    with pytest.raises(ModelError, match=r"did not answer within 0\.2 seconds") as caught:
        run(options(fake, timeout=0.2, tries=2), pictures[:1])
    assert "timeout" in caught.value.fix and len(fake.asked) == 2


def test_where_nothing_listens_is_said_at_once():
    with FakeServer() as gone:
        address = gone.address
    with pytest.raises(ModelError, match=f"Nothing answers at {address}/v1") as caught:
        Server(CaptionOptions(server=address)).teacher()
    assert "Start the server" in caught.value.fix


def test_one_picture_that_is_refused_is_left_out_and_many_end_the_job(fake, pictures, capsys):
    refused = (400, {}, {"error": {"message": "bad picture"}})
    fake.replies = [(200, {}, completion("A.")), refused, refused, refused]
    captions, result = run(options(fake, batch_size=1), pictures)
    assert captions == {"00.png": "A."} and result.figures["refused"] == 3.0
    assert "01.png: The server at" in capsys.readouterr().out
    fake.replies = [refused] * 4
    with pytest.raises(ModelError, match=r"refused \(400: bad picture\)") as caught:
        run(options(fake, batch_size=1), pictures)
    assert "reads pictures" in caught.value.fix and len(fake.asked) == 4 + teacher.REFUSED_IN_VAIN


def test_a_broken_picture_is_named(fake, pictures):
    pictures[0].write_bytes(b"broken")
    with pytest.raises(DataError, match=r"00\.png is not a picture"):
        run(options(fake), pictures[:1])


def test_a_stop_ends_all_asking(fake, pictures):
    fake.replies = [(200, {}, completion("A.")), *[(503, {"Retry-After": "60"}, {})] * 3]
    server = Server(options(fake, batch_size=1))
    events = caption_by_server(server, pictures, server.options, "teacher")
    assert isinstance(next(events), Caption)
    before = time.monotonic()
    events.close()
    assert server.closing.is_set() and server.client.is_closed
    while any(thread.name.startswith("ThreadPoolExecutor") for thread in threading.enumerate()):
        assert time.monotonic() - before < 5
        time.sleep(0.01)
    assert len(fake.asked) <= 3


# --- Addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "base", "here"),
    [
        ("localhost:11434", "http://localhost:11434/v1", True),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1", True),
        (" http://[::1]:8000/v1 ", "http://[::1]:8000/v1", True),
        ("https://models.clinic.org/v1/chat/completions", "https://models.clinic.org/v1", False),
        ("http://10.0.0.5:8000/openai/v1/models?x=1#y", "http://10.0.0.5:8000/openai/v1", False),
    ],
)
def test_an_address_is_read_as_people_type_it(typed, base, here):
    address = Address.of(typed)
    assert (address.base, address.is_here) == (base, here)


@pytest.mark.parametrize("typed", ["", "http://", "ftp://a.org", "file:///etc/passwd", "http://a b", "http://a:port", "http://<b>"])
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(OptionError, match="is not the address of a server") as caught:
        Address.of(typed)
    assert "http://localhost:11434" in caught.value.fix


def test_a_password_in_an_address_is_refused():
    with pytest.raises(OptionError, match="would be stored") as caught:
        Address.of("http://me:secret@localhost:8000")
    assert KEY in caught.value.fix and "secret" not in str(caught.value)


def test_what_leaves_is_said_before_it_does():
    def said(address: str) -> str:
        return what_leaves(CaptionOptions(server=address))

    assert "localhost:11434, which runs on this computer" in said("localhost:11434")
    assert "at 10.0.0.5:8000, and so leaves this computer, unencrypted." in said("http://10.0.0.5:8000")
    assert "at models.clinic.org, and so leaves this computer." in said("https://models.clinic.org")


# --- A real one --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_transformers_serve_describes_pictures_with_nano(pictures, tmp_path):
    pytest.importorskip("openai", reason="transformers serve wants the package openai")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = "from transformers.cli.transformers import main; main()"
    words = ["serve", str(NANO), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    given = CaptionOptions(server=f"127.0.0.1:{port}", model=str(NANO), batch_size=2, max_tokens=12)
    with subprocess.Popen([sys.executable, "-c", start, *words], env=offline) as process:
        try:
            wait_for(process, given)
            captions, _ = run(given, pictures[:2])
        finally:
            process.terminate()
    assert len(captions) == 2 and all(captions.values())


def wait_for(process: subprocess.Popen, given: CaptionOptions) -> None:
    for _ in range(600):
        assert process.poll() is None
        try:
            Server(given).teacher()
            return
        except ModelError:
            time.sleep(0.2)
    pytest.fail("the server did not start within two minutes")
