"""What people type, as it is kept: one line of visible text."""

from leaml.errors import DataError
from leaml.store.tables import visible


def text_of(what: str, text: str, longest: int) -> str:
    """One line of visible text, without blanks around it.

    Raises:
        DataError: it is empty, or longer than `longest` characters.
    """
    line = visible(text)
    if not line:
        raise DataError(f"The {what} is empty.", f"Write the {what}.")
    if len(line) > longest:
        raise DataError(f"The {what} has {len(line):,} characters; {longest:,} are allowed.", "Shorten it.")
    return line
