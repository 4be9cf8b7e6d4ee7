"""Accounts: passwords that are not kept, roles that are."""

import json
import os
import stat

import pytest

from leaml.errors import OptionError, StorageError
from leaml.review.people import Account, Accounts

SENTENCE = "colons are longer than one thinks"


@pytest.fixture
def accounts(tmp_path):
    made = Accounts(tmp_path / "home")
    made.add("Dr. A", SENTENCE, "admin")
    return made


def test_the_right_password_and_no_other_lets_in(accounts):
    assert accounts.check("Dr. A", SENTENCE) == Account("Dr. A", "admin")
    for name, password in (("Dr. A", SENTENCE + " "), ("Dr. A", ""), ("Dr. B", SENTENCE), ("", "")):
        assert accounts.check(name, password) is None


def test_the_file_holds_no_password_and_is_the_owners_alone(accounts):
    accounts.add("Dr. B", SENTENCE, "annotator")
    text = accounts.path.read_text("utf-8")
    assert SENTENCE not in text
    rows = json.loads(text)
    assert rows["Dr. A"]["hash"] != rows["Dr. B"]["hash"], "the same password, another salt"
    if os.name == "posix":
        assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    assert {path.name for path in accounts.path.parent.iterdir()} <= {"accounts.json", ".accounts.json.lock"}


def test_roles_may_do_what_lesser_ones_may(accounts):
    reviewer = Account("Dr. R", "reviewer")
    assert reviewer.may("annotator") and reviewer.may("reviewer") and not reviewer.may("admin")
    accounts.add("Dr. B", SENTENCE, "annotator")
    accounts.set_role("Dr. B", "reviewer")
    assert accounts.find("Dr. B") == Account("Dr. B", "reviewer")
    assert [account.name for account in accounts.all()] == ["Dr. A", "Dr. B"]


def test_the_last_admin_stays(accounts):
    accounts.add("Dr. B", SENTENCE, "reviewer")
    for attempt in (lambda: accounts.remove("Dr. A"), lambda: accounts.set_role("Dr. A", "reviewer")):
        with pytest.raises(OptionError, match="left to manage"):
            attempt()
    accounts.set_role("Dr. B", "admin")
    accounts.remove("Dr. A")
    assert accounts.check("Dr. A", SENTENCE) is None


@pytest.mark.parametrize(
    ("name", "password", "role"),
    [("", SENTENCE, "admin"), ("a\nb\x07", SENTENCE, "admin"), ("x" * 61, SENTENCE, "admin"), ("B", "short", "admin"),
     ("B", "x" * 201, "admin"), ("B", SENTENCE, "king")],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(accounts, name, password, role):
    with pytest.raises(OptionError):
        accounts.add(name, password, role)
    assert len(accounts.all()) == 1


def test_a_new_password_leaves_the_role_and_ends_the_old_one(accounts):
    before = accounts.find("Dr. A").salt
    accounts.set_password("Dr. A", SENTENCE + "!")
    assert accounts.check("Dr. A", SENTENCE) is None
    assert accounts.check("Dr. A", SENTENCE + "!") == Account("Dr. A", "admin")
    assert accounts.find("Dr. A").salt != before
    for name, password in (("Dr. C", SENTENCE), ("Dr. A", "short")):
        with pytest.raises(OptionError):
            accounts.set_password(name, password)
    assert accounts.check("Dr. A", SENTENCE + "!")


def test_a_name_that_is_taken_keeps_its_password_and_role(accounts):
    with pytest.raises(OptionError, match="has an account already"):
        accounts.add(" Dr.  A ", "another long sentence", "annotator")
    assert accounts.check("Dr. A", SENTENCE) == Account("Dr. A", "admin")


def test_somebody_unknown_and_a_damaged_file_are_said(accounts):
    with pytest.raises(OptionError, match="no account of the name"):
        accounts.remove("Dr. C")
    accounts.path.write_text("{")
    with pytest.raises(StorageError, match="cannot be read"):
        accounts.check("Dr. A", SENTENCE)


def test_without_a_file_there_is_nobody(tmp_path):
    assert Accounts(tmp_path).all() == [] and Accounts(tmp_path).check("Dr. A", SENTENCE) is None
