"""Errors that tell a person what is wrong, and what to do next.

    LeamlError
    ├── OptionError      an option or argument cannot be used
    ├── DataError        a picture, question or caption cannot be used
    ├── ModelError       a model cannot be loaded, or cannot be adapted
    ├── TrainingError    training cannot start, or cannot go on
    └── StorageError     a file or folder cannot be read or written

Every one carries `what` (what is wrong, with what we have) and `fix` (the next step). Command line and screens print
both and nothing else; the trace belongs into the log.
"""


class LeamlError(Exception):
    """Base of all errors that a user can act on.

    Args:
        what: one sentence, what is wrong and what we have.
        fix: one sentence, what to do next.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what} {self.fix}".strip()


class OptionError(LeamlError):
    """An option or argument cannot be used."""


class DataError(LeamlError):
    """A picture, question or caption cannot be used."""


class ModelError(LeamlError):
    """A model cannot be loaded, or cannot be adapted."""


class TrainingError(LeamlError):
    """Training cannot start, or cannot go on."""


class StorageError(LeamlError):
    """A file or folder cannot be read or written."""
