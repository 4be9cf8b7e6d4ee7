"""Several people: nothing is answered before the login; each has the own name, and does what the role allows."""

import argparse
import os
import socket

import gradio as gr
import httpx
import pytest

from app import login, main
from app.context import ENTERED, Context
from app.frame import Frame
from app.listening import Handler, refuse_unfit
from app.screens.help import Help
from leaml.errors import LeamlError, OptionError
from leaml.review.people import Account, Accounts
from tests.app.small_project import small_project

SENTENCE = "colons are longer than one thinks"


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    small_project(home / "polyps")
    for name, role in (("Dr. A", "admin"), ("Dr. B", "annotator")):
        Accounts(home).add(name, SENTENCE, role)
    return main.open_home(home)


@pytest.fixture(scope="module")
def address(context):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = Frame(context, [Help(context)]).build()
    yield main.serve(page, context, port, access=main.Access(asks=True))
    page.close(verbose=False)


@pytest.fixture
def client(address):
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client


def enter(client, name="Dr. A", password=SENTENCE):
    return client.post("/login", data={"name": name, "password": password})


@pytest.mark.parametrize("path", ["/config", "/picture/polyps/1", "/thumb/polyps/1", "/gradio_api/info", "/theme.css"])
def test_nothing_is_answered_before_the_login(client, path):
    assert client.get(path).status_code == 401


def test_the_page_leads_to_the_login_and_the_login_to_the_page(client):
    answer = client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "password" in client.get("/login").text
    answer = enter(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].casefold()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert client.get("/").status_code == 200 and client.get("/picture/polyps/1").status_code == 200
    client.post("/logout")
    assert client.get("/picture/polyps/1").status_code == 401


def test_the_form_says_where_it_comes_from_and_one_of_elsewhere_opens_nothing(client, address):
    assert client.get("/login").headers["referrer-policy"] == "same-origin"
    form = {"name": "Dr. A", "password": SENTENCE}
    for origin, status in (("null", 403), ("http://elsewhere.test", 403), (address.rstrip("/"), 303)):
        assert client.post("/login", data=form, headers={"Origin": origin}).status_code == status


@pytest.mark.browser
def test_somebody_logs_in_with_a_browser(chromium, address):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    page.fill("input[name=name]", "Dr. A")
    page.fill("input[name=password]", SENTENCE)
    page.click("button")
    page.wait_for_selector("#header", state="attached", timeout=60_000)
    context.close()


def test_a_wrong_password_or_cookie_opens_nothing(client):
    assert enter(client, password="wrong password").status_code == 403
    client.cookies.set(login.COOKIE, "made up")
    assert client.get("/config").status_code == 401
    assert client.post("/login", content=b"x" * 9000).status_code == 413


def test_too_many_wrong_passwords_must_wait_and_others_need_not(client):
    codes = [enter(client, "Dr. X", "wrong password").status_code for _ in range(login.TRIES + 1)]
    assert codes == [403] * login.TRIES + [429]
    assert enter(client).status_code == 303


def test_who_was_taken_off_is_out_at_once(client, context):
    Accounts(context.home).add("Dr. C", SENTENCE, "reviewer")
    enter(client, "Dr. C")
    assert client.get("/config").status_code == 200
    Accounts(context.home).remove("Dr. C")
    assert client.get("/config").status_code == 401


def test_who_got_a_new_password_logs_in_anew(client, context):
    Accounts(context.home).add("Dr. D", SENTENCE, "reviewer")
    enter(client, "Dr. D")
    assert client.get("/config").status_code == 200
    Accounts(context.home).set_password("Dr. D", SENTENCE + "!")
    assert client.get("/config").status_code == 401
    assert enter(client, "Dr. D").status_code == 403
    assert enter(client, "Dr. D", SENTENCE + "!").status_code == 303


def press(client, config, target: str) -> dict:
    """Presses a hidden button of the page, as its script does."""
    component = next(part for part in config["components"] if part["props"].get("elem_id") == target)
    event = next(e for e in config["dependencies"] if [component["id"], "click"] in map(list, e["targets"]))
    body = {"data": [None] * len(event["inputs"]), "fn_index": event["id"], "session_hash": "x"}
    return client.post("/gradio_api/run/predict", json=body).json()


def test_each_works_under_the_name_of_the_login(client):
    for name in ("Dr. A", "Dr. B"):
        enter(client, name)
        data = press(client, client.get("/config").json(), "frame-reload")["data"]
        assert any(isinstance(part, dict) and part.get("value") == name for part in data)


def test_the_role_decides_what_may_be_done(tmp_path):
    boss, annotator = Account("Dr. A", "admin"), Account("Dr. B", "annotator")
    asking = Context(tmp_path)
    refuse_unfit(asking, "admin")  # where nobody logs in
    asking.asks_who = True
    for account, needs, refused in (
        (boss, "admin", False), (annotator, "annotator", False), (annotator, "reviewer", True), (None, "admin", True),
        (None, "annotator", False),
    ):  # fmt: skip
        token = ENTERED.set(account)
        try:
            if refused:
                with pytest.raises(LeamlError, match="may not do this"):
                    refuse_unfit(asking, needs)
            else:
                refuse_unfit(asking, needs)
        finally:
            ENTERED.reset(token)
    refused = Handler(asking, lambda: 1, [], guarded=False, needs="admin").once()
    assert "You may not do this as annotator." in refused[-1]
    unasked = Handler(asking, lambda: 1, [], guarded=False, quiet=True, needs="admin").once()
    assert unasked == [gr.skip()]  # what a page does by itself is not scolded


def test_nobody_changes_the_name_where_people_log_in(tmp_path):
    context = Context(tmp_path)
    context.asks_who = True
    token = ENTERED.set(Account("Dr. A", "admin"))
    try:
        assert (context.person, context.people()) == ("Dr. A", ["Dr. A"])
        with pytest.raises(OptionError, match="name of the login"):
            context.become("Dr. B")
    finally:
        ENTERED.reset(token)


def given(**values):
    return argparse.Namespace(**({"host": main.LOCAL, "auth": False, "certificate": None, "key": None} | values))


def test_another_address_needs_login_and_tls(context, tmp_path):
    file = tmp_path / "x.pem"
    for values in ({}, {"auth": True}, {"certificate": file, "key": file}, {"auth": True, "certificate": file}):
        with pytest.raises(OptionError, match="login and TLS"):
            main.access_of(given(host="0.0.0.0", **values), context)
    access = main.access_of(given(host="10.0.0.7", auth=True, certificate=file, key=file), context)
    assert access.settings()["ssl_certfile"] == str(file) and len(access.middleware(context)) == 2
    assert main.access_of(given(), context) == main.Access()


def test_a_login_that_nobody_has_is_refused(tmp_path):
    with pytest.raises(OptionError, match="Nobody may log in yet"):
        main.access_of(given(auth=True), Context(tmp_path))


def test_what_a_person_may_follows_from_the_login(tmp_path):
    context = Context(tmp_path)
    assert context.may("admin"), "where nobody logs in, everybody may do everything"
    context.asks_who = True
    assert not context.may("annotator")
    token = ENTERED.set(Account("Dr. R", "reviewer"))
    try:
        assert context.may("annotator") and context.may("reviewer") and not context.may("admin")
    finally:
        ENTERED.reset(token)


@pytest.fixture(scope="module", autouse=True)
def no_proxy():
    before = os.environ.get("NO_PROXY")
    os.environ["NO_PROXY"] = "127.0.0.1"
    yield
    os.environ.pop("NO_PROXY") if before is None else os.environ.__setitem__("NO_PROXY", before)
