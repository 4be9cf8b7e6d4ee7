"""`leaml people`: accounts from the command line."""

import io

import pytest

from leaml.review.people import Accounts

SENTENCE = "colons are longer than one thinks"


@pytest.fixture
def type_in(monkeypatch):
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text + "\n"))


def test_the_first_one_is_admin_and_the_others_what_is_said(leaml, home, type_in, capsys):
    for name, words in (("Dr. A", []), ("Dr. B", ["--role", "reviewer"]), ("Dr. C", [])):
        type_in(SENTENCE)
        assert leaml("people", "add", name, *words) == 0
    assert leaml("people", "role", "Dr. C", "reviewer") == 0
    assert leaml("people", "remove", "Dr. B") == 0
    capsys.readouterr()
    assert leaml("people", "list") == 0
    assert capsys.readouterr().out.splitlines() == ["admin      Dr. A", "reviewer   Dr. C"]
    assert Accounts(home).check("Dr. A", SENTENCE)


def test_a_short_password_is_refused_in_words(leaml, home, type_in, capsys):
    type_in("short")
    assert leaml("people", "add", "Dr. A") == 2
    assert "The password has 5 letters" in capsys.readouterr().err
    assert Accounts(home).all() == []


def test_a_new_password_leaves_the_role(leaml, home, type_in):
    type_in(SENTENCE)
    assert leaml("people", "add", "Dr. A") == 0
    type_in(SENTENCE + "!")
    assert leaml("people", "password", "Dr. A") == 0
    assert Accounts(home).check("Dr. A", SENTENCE + "!").role == "admin"
    type_in(SENTENCE)
    assert leaml("people", "add", "Dr. A") == 2, "who is there already is not added again"
