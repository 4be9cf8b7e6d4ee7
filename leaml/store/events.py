"""What an event is: changes, each of which can be applied, turned round, and applied again elsewhere. Pure functions.

An event holds a list of changes [table, key, before, after]. A row that comes has no `before`, one that goes has no
`after`, and both are whole rows; a change between holds only the columns that differ. The list in order is the act,
turned round and in reverse it is the undo, and all lists one after the other are the state.
"""

import json
from collections.abc import Mapping
from typing import Any

TABLES = (
    "images", "pairs", "verdicts", "captions", "people", "templates", "settings", "adapters", "votes", "remarks",
    "audits", "audit_items", "checks",
)  # fmt: skip
"""Tables that change by events alone."""

UNDOABLE = ("label", "relabel", "verdict", "bulk accept", "bulk take back", "template", "vote", "remark", "check")
"""Kinds of events that a person can take back."""

Change = tuple[str, int | str | None, Mapping[str, Any] | None, Mapping[str, Any] | None]
"""(table, key, before, after). A new row may leave its key to the database. A change of a row may know less of `before`
than it will touch, or nothing: {}."""


def inverse(table: str, key: int | str, before: Any, after: Any) -> Change:
    """The change that takes a change back. A verdict is withdrawn and stays: it was given."""
    if table == "verdicts" and before is None:
        return table, key, {"withdrawn": 0}, {"withdrawn": 1}
    return table, key, after, before


def is_as_believed(row: Mapping[str, Any] | None, before: Mapping[str, Any]) -> bool:
    """Whether a row is there and holds what a change believes to stand there."""
    # Through JSON, as the row came: tuples are lists.
    return row is not None and all(row[column] == json.loads(json.dumps(value)) for column, value in before.items())
