"""Who may do what, where several people work on one machine's projects: names, roles, and passwords as scrypt hashes.

    accounts = Accounts(home)
    accounts.add("Dr. A", "a long sentence", "reviewer")
    accounts.set_password("Dr. A", "another sentence")
    accounts.check("Dr. A", "another sentence")          # Account(name="Dr. A", role="reviewer"), or None

The file <home>/accounts.json is the owner's alone. Hashes: scrypt (RFC 7914) with N = 2**15, r = 8, p = 1, which takes
32 MiB and some 60 ms for each guess, and a salt for each account.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock

from leaml.errors import OptionError, StorageError

Role = Literal["annotator", "reviewer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the least to the most: each may do what those before it may."""

FILE = "accounts.json"
LEAST_LETTERS, MOST_LETTERS = 10, 200
MOST_IN_NAME = 60
COST = {"n": 2**15, "r": 8, "p": 1}
_NOBODY = {"salt": "00" * 16, "hash": "", "role": "annotator", **COST}


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may log in. `salt` is another one after each change of the password."""

    name: str
    role: Role
    salt: str = field(default="", compare=False, repr=False)

    def may(self, role: Role) -> bool:
        """Whether this person may do what that role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Accounts:
    """The people of one home. Read anew at each question: a change holds at once, in every process.

    Args:
        home: the folder of all projects.
    """

    def __init__(self, home: Path) -> None:
        self.path = Path(home) / FILE

    def all(self) -> list[Account]:
        """Everybody, by name."""
        return [_account(name, row) for name, row in sorted(self._read().items())]

    def find(self, name: str) -> Account | None:
        """The person of that name."""
        row = self._read().get(name)
        return _account(name, row) if row else None

    def check(self, name: str, password: str) -> Account | None:
        """The person, where the password is right. Takes as long for a name that nobody has."""
        row = self._read().get(name, _NOBODY)
        given = _hash(password[:MOST_LETTERS], bytes.fromhex(row["salt"]), row["n"], row["r"], row["p"])
        return _account(name, row) if hmac.compare_digest(given, row["hash"]) else None

    def add(self, name: str, password: str, role: str) -> None:
        """Adds somebody.

        Raises:
            OptionError: the name is taken, or name, password or role cannot be used. StorageError: the file cannot be
                written.
        """
        name = " ".join(name.split())
        if not name or len(name) > MOST_IN_NAME or not name.isprintable():
            raise OptionError("This name cannot be used.", f"Write 1 to {MOST_IN_NAME} letters.")
        _refuse_unknown(role)
        row = _hashed(password) | {"role": role}
        with self._changing() as people:
            if name in people:
                raise OptionError(f"{name} has an account already.", "Choose another name, or give a new password.")
            people[name] = row

    def set_password(self, name: str, password: str) -> None:
        """Gives somebody a new password; whoever is logged in under this name has to log in anew.

        Raises:
            OptionError: there is nobody of this name, or the password cannot be used.
        """
        row = _hashed(password)
        with self._changing() as people:
            people[_known(people, name)] |= row

    def set_role(self, name: str, role: str) -> None:
        """Gives somebody another role.

        Raises:
            OptionError: there is nobody of this name, no such role, or nobody would be left to manage.
        """
        _refuse_unknown(role)
        with self._changing() as people:
            people[_known(people, name)]["role"] = role

    def remove(self, name: str) -> None:
        """Takes somebody off; what that person did stays.

        Raises:
            OptionError: there is nobody of this name, or nobody would be left to manage.
        """
        with self._changing() as people:
            del people[_known(people, name)]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, dict[str, Any]]]:
        """Everybody, to be changed by one process at a time and then written; nothing is where it raises."""
        lock = FileLock(self.path.with_name(f".{FILE}.lock"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            people = self._read()
            yield people
            if people and not any(row["role"] == "admin" for row in people.values()):
                raise OptionError("Nobody would be left to manage the others.", "Make somebody else an admin first.")
            self._write(people)
        finally:
            lock.release()

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            fix = "Put back a copy, or delete it and add everybody anew."
            raise StorageError(f"{self.path} cannot be read: {error}.", fix) from error

    def _write(self, people: dict[str, dict[str, Any]]) -> None:
        part = self.path.with_name(f".{FILE}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(people, file, ensure_ascii=False, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            part.unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(f"{self.path} cannot be written: {error.strerror or error}.", "Check the folder.")


def _account(name: str, row: dict[str, Any]) -> Account:
    return Account(name, row["role"], row["salt"])


def _known(people: dict[str, dict[str, Any]], name: str) -> str:
    if name not in people:
        raise OptionError(
            f"There is no account of the name {name}.", f"There are: {', '.join(sorted(people)) or 'nobody yet'}."
        )
    return name


def _hashed(password: str) -> dict[str, Any]:
    """The columns of a password.

    Raises:
        OptionError: it is too short or too long.
    """
    if not LEAST_LETTERS <= len(password) <= MOST_LETTERS:
        what = f"The password has {len(password)} letters; {LEAST_LETTERS} to {MOST_LETTERS} are allowed."
        raise OptionError(what, "A sentence that only you would write is best.")
    salt = secrets.token_bytes(16)
    return {"salt": salt.hex(), "hash": _hash(password, salt, **COST), **COST}


def _refuse_unknown(role: str) -> None:
    if role not in ROLES:
        raise OptionError(f"There is no role {role}.", f"There are: {', '.join(ROLES)}.")


def _hash(password: str, salt: bytes, n: int, r: int, p: int) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=2**27, dklen=32).hex()
