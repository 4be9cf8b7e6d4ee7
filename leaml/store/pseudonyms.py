"""Names that say only "the same as that one": whose pictures belong together, without saying whose they are.

    pseudonym(project.folder, "hospital|4711")      # "patient 0f3a9c1b2e", the same for every picture of that patient

The name is a keyed hash. Its key lies beside the projects, in no project: who gets a copy of a project cannot try out
patient numbers. On another computer, or without the key, later pictures of the same patient get another name.
"""

import hmac
import os
import re
import secrets
from hashlib import sha256
from pathlib import Path

from leaml.errors import StorageError

FILE = "pseudonyms.key"
LETTERS = 10
"""Of the hash: among 10,000 patients, two share a name once in 20,000 projects."""


def pseudonym(folder: Path, belongs: str, kind: str = "patient") -> str:
    """The name of whom a picture of the project in `folder` belongs to; "" where nobody is known.

    Args:
        kind: what the name begins with; "person" for who works here. A name of that kind is returned as it is.

    Raises:
        StorageError: the key cannot be made or read.
    """
    if not belongs or re.fullmatch(rf"{kind} [0-9a-f]{{{LETTERS}}}", belongs):
        return belongs
    return f"{kind} {hmac.new(_key(folder.parent / FILE), belongs.encode(), sha256).hexdigest()[:LETTERS]}"


def _key(path: Path) -> bytes:
    """The key, made where it is missing, and readable by its owner alone."""
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
        return path.read_bytes()
    except OSError as error:
        what = f"{path} cannot be used: {error.strerror or error}."
        raise StorageError(what, "Allow writing there: it keeps the pictures of one patient together.") from error
