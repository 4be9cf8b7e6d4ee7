"""What SQLite says, in the user's words."""

import sqlite3

_FULL = ("The disk is full.", "Make room, then try again. What was kept before is safe.")
_DAMAGED = ("The project {name} is damaged: leaml.db cannot be read.", "Put back your last copy of the project.")
_WORDS = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: ("The disk of the project {name} fails or is full.", "Check the disk, then try again."),
    sqlite3.SQLITE_READONLY: ("The project {name} is read-only.", "Allow writing into its folder, or copy it."),
    sqlite3.SQLITE_PERM: ("The project {name} is read-only.", "Allow writing into its folder, or copy it."),
    sqlite3.SQLITE_CANTOPEN: ("The project {name} cannot be opened.", "Check that its folder is there and writable."),
    sqlite3.SQLITE_BUSY: ("The project {name} is in use by another program.", "Wait a moment, then try again."),
    sqlite3.SQLITE_LOCKED: ("The project {name} is in use by another program.", "Wait a moment, then try again."),
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_CONSTRAINT: ("This does not fit what the project {name} holds ({said}).", "Reload, then try again."),
}


def explained(error: sqlite3.DatabaseError, name: str) -> tuple[str, str]:
    """What is wrong and what to do, for an error on the project `name`."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
        return str(error), ""  # the schema's own sentence
    # The lower byte is the kind; the rest says more than a user can use.
    unknown = ("The project {name} cannot be used ({said}).", "Look into the log, or put back your last copy.")
    what, fix = _WORDS.get(code & 0xFF, unknown)
    return what.format(name=name, said=error), fix
