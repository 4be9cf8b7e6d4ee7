"""Who may log in: what the admins' view of "People and progress" shows, and what may be done there.

Accounts belong to the folder of all projects, not to one of them; `leaml people` does the same from a terminal.
"""

from pathlib import Path
from typing import Any

from app.texts import people as texts
from leaml.errors import OptionError
from leaml.review.people import LEAST_LETTERS, ROLES, Accounts


def accounts_view(home: Path, asks_who: bool, person: str, admin: bool) -> dict[str, Any]:
    """What the view shows: the own account, and to admins everybody's.

    Args:
        asks_who: whether people log in at all.
    """
    if not asks_who:
        return {"help": texts.NO_LOGIN, "how": texts.HOW_TO_LOG_IN, "rows": None, "own": None}
    known = Accounts(home).all()
    own = next((account for account in known if account.name == person), None)
    told = {"own": own and texts.OWN_ACCOUNT.format(name=own.name, role=texts.ROLES[own.role])}
    if not admin:
        return told | {"help": "", "how": "", "rows": None}
    return told | {
        "help": texts.ACCOUNTS_HELP, "how": texts.PASSWORD_HELP.format(least=LEAST_LETTERS),
        "rows": [{"name": account.name, "role": account.role} for account in known],
        "roles": [(role, texts.ROLES[role]) for role in ROLES],
    }  # fmt: skip


def change_own(home: Path, person: str, current: str, password: str) -> str:
    """Gives the person who asks another password, and says what comes now.

    Raises:
        OptionError: the current password is another one, or the new one cannot be used.
    """
    accounts = Accounts(home)
    if accounts.check(person, current) is None:
        raise OptionError(*texts.NOT_CURRENT)
    accounts.set_password(person, password)
    return texts.OWN_CHANGED


def manage(home: Path, act: str, name: str, role: str = "", password: str = "") -> str:
    """Does one of "add", "role", "password", "remove", and says what was done.

    Raises:
        OptionError: it cannot be done. StorageError: it cannot be kept.
    """
    accounts = Accounts(home)
    if act == "add":
        accounts.add(name, password, role)
        return texts.ADDED.format(name=name)
    if act == "role":
        accounts.set_role(name, role)
        return texts.CHANGED.format(name=name, role=role)
    if act == "password":
        accounts.set_password(name, password)
        return texts.NEW_PASSWORD.format(name=name)
    accounts.remove(name)
    return texts.REMOVED.format(name=name)
