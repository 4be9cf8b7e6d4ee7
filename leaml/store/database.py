"""The database of a project: rows, transactions, migrations, and events that can be taken back. The only SQL.

Two kinds of tables. Machine tables (jobs, predictions, inputs) are written with `insert`, `update` and
`compare_and_set`. What people see (pictures, pairs, verdicts, …) changes only through `record`: a list of changes
`(table, key, before, after)` that is applied and kept as one event. The same list, turned round, is an undo; all
lists in order rebuild the state. What follows from rows (the status of a pair) is a view, see migrations/0001.sql.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leaml.errors import StorageError
from leaml.store import events
from leaml.store.conditions import Below, Between, Other
from leaml.store.connections import Connections
from leaml.store.events import Change
from leaml.store.faults import explained

MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE = 10.0
"""Seconds that a writer waits for another one."""

JSON_COLUMNS = {
    "choices", "signals", "options", "figures", "result", "value", "changes", "rubric", "marks", "greys",
    "band", "probabilities", "provenance",
}  # fmt: skip

OLDEST_SQLITE = (3, 37)
"""The first with STRICT tables."""
# WAL can lose data before 3.51.3 (sqlite.org/wal.html, "The WAL Reset Bug").
_JOURNAL = "WAL" if sqlite3.sqlite_version_info >= (3, 51, 3) else "DELETE"
_SETTINGS = (f"PRAGMA journal_mode = {_JOURNAL}", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")
_APPLICATION = 0x4C45414D  # "LEAM": tells a project from any other SQLite file


def now() -> str:
    """The time, UTC, as every table writes it: 2026-01-31T12:00:00.000Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Database:
    """One project's leaml.db, made where it is missing. May be shared by threads: each gets a connection of its own.

    Args:
        path: the file; its folder exists.
        migrations: folder of NNNN.sql, the schema step by step.

    Raises:
        StorageError: the file is damaged, foreign, written by a newer version, or cannot be opened.
    """

    def __init__(self, path: Path, migrations: Path = MIGRATIONS) -> None:
        self.path = Path(path)
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            what = f"This Python brings SQLite {sqlite3.sqlite_version}; 3.37 is the oldest that serves."
            raise StorageError(what, "Use a newer Python.")
        self._connections = Connections(self.path, PATIENCE, _SETTINGS)
        try:
            with self._in_words():
                self._migrate(sorted(migrations.glob("[0-9]*.sql")))
                self._columns = self._schema()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the connections of every thread; the next use opens a new one."""
        self._connections.close()

    # Reading ----------------------------------------------------------------------------------------------------

    def rows(
        self,
        table: str,
        /,
        *,
        order: str = "",
        limit: int | None = None,
        offset: int = 0,
        beyond: Sequence[Any] = (),
        **equal: Any,
    ) -> list[dict[str, Any]]:
        """Rows of a table or view, JSON decoded.

        Args:
            table: name of a table or view.
            order: columns, comma between; "-" in front turns the order. Default: the key.
            limit: most rows.
            offset: rows left out at the start.
            beyond: values of the columns of `order`: only rows that come after these. Unlike `offset`, as fast on the
                last page as on the first.
            equal: column=value that must hold; a list means one of these, None means empty, see also
                `leaml.store.conditions`.

        Raises:
            ValueError: a table or column is unknown.
            StorageError: the file cannot be read.
        """
        condition, values = self._where(table, equal, (order, beyond) if beyond else None)
        sql = f"SELECT * FROM {self._table(table)}{condition} ORDER BY {self._order(table, order)} LIMIT ? OFFSET ?"
        with self._in_words():
            return self._run(sql, [*values, -1 if limit is None else limit, offset])

    def row(self, table: str, /, **equal: Any) -> dict[str, Any] | None:
        """The first row for which `equal` holds, or None."""
        found = self.rows(table, limit=1, **equal)
        return found[0] if found else None

    def count(self, table: str, /, *, most: int | None = None, **equal: Any) -> int:
        """How many rows there are for which `equal` holds; with `most`, no more than so many are counted."""
        condition, values = self._where(table, equal)
        rows = f"{self._table(table)}{condition}"
        if most is not None:
            rows = f"(SELECT 1 FROM {rows} LIMIT ?)"
            values.append(most)
        with self._in_words():
            return self._run(f"SELECT count(*) AS n FROM {rows}", values)[0]["n"]

    def counts(self, table: str, by: str, /, **equal: Any) -> dict[Any, int]:
        """Value of column `by` -> how many rows carry it, among those for which `equal` holds.

        Several columns, comma between, give tuples of values.
        """
        condition, values = self._where(table, equal)
        names = [name.strip() for name in by.split(",")]
        columns = ", ".join(self._column(table, name) for name in names)
        sql = f"SELECT {columns}, count(*) FROM {self._table(table)}{condition} GROUP BY {columns} ORDER BY {columns}"
        with self._in_words():
            rows = self._connections.own().execute(sql, values).fetchall()
        return {row[0] if len(names) == 1 else row[:-1]: row[-1] for row in rows}

    def problems(self) -> list[str]:
        """What SQLite finds wrong with the file; nothing where it is whole. Reads all of it."""
        with self._in_words():
            found = [row["integrity_check"] for row in self._run("PRAGMA integrity_check")]
            orphans = [f"{row['table']} {row['rowid']}" for row in self._run("PRAGMA foreign_key_check")]
        return [each for each in found if each != "ok"] + orphans

    def copy_to(self, target: Path) -> None:
        """Writes a copy of the file as it stands at one moment, while others may go on writing."""
        with self._in_words(), closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)

    # Writing machine tables -------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else writes meanwhile. A transaction within a transaction is part of it.

        Raises:
            StorageError: the file cannot be written, or others did not let go of it for 10 seconds.
        """
        with self._in_words():
            sqlite = self._connections.own()
            if sqlite.conn.in_transaction:
                with sqlite.atomic():
                    yield
                return
            sqlite.execute("BEGIN IMMEDIATE")
            try:
                yield
                sqlite.execute("COMMIT")
            except BaseException:
                sqlite.rollback()
                raise

    def insert(self, table: str, values: Mapping[str, Any]) -> int | str | None:
        """Adds a row to a machine table and returns its key; None where the table has no single key."""
        with self.transaction():
            return self._insert(_machine(table), values).get(self._key(table))

    def insert_many(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Adds rows to a machine table, all or none."""
        with self.transaction():
            for row in rows:
                self._insert(_machine(table), row)

    def update(self, table: str, key: int | str, values: Mapping[str, Any]) -> None:
        """Changes one row of a machine table.

        Raises:
            StorageError: there is no such row.
        """
        with self.transaction():
            if not self._update(_machine(table), values, {self._key(table): key}):
                raise StorageError(f"There is no row {key} in {table}.", "Reload: it may be gone.")

    def delete(self, table: str, /, **equal: Any) -> int:
        """Deletes the rows of a machine table for which `equal` holds, and says how many there were."""
        condition, values = self._where(table, equal)
        sql = f"DELETE FROM {self._table(_machine(table))}{condition}"
        with self.transaction():
            return self._connections.own().execute(sql, values).rowcount

    def compare_and_set(
        self, table: str, key: int | str, column: str, expected: Any, values: Mapping[str, Any]
    ) -> bool:
        """Changes one row of a machine table if `column` holds `expected` (a list: one of these), and says whether."""
        with self.transaction():
            return bool(self._update(_machine(table), values, {self._key(table): key, column: expected}))

    # Events -----------------------------------------------------------------------------------------------------

    def record(self, person: str, kind: str, changes: Iterable[Change]) -> int:
        """Applies changes to what people see, and keeps them as one event. Numbers of new rows are assigned.

        Returns:
            Number of the event; its `changes` name the new rows.

        Raises:
            StorageError: a row is not (or no longer) what a change says it was, or the file cannot be written.
        """
        with self.transaction():
            return self._event(person, kind, [self._apply(*change) for change in changes])

    def undo(self, person: str) -> dict[str, Any]:
        """Takes back the person's own newest event that can be taken back and was not yet, by an event of its own.

        Returns:
            The event that was taken back.

        Raises:
            StorageError: there is none, or somebody built upon it since.
        """
        with self.transaction():
            event = self._newest_undoable(person)
            if event is None:
                raise StorageError("There is nothing of yours to take back.")
            try:
                with self.transaction():
                    applied = [self._apply(*events.inverse(*change)) for change in reversed(event["changes"])]
            except StorageError as error:
                fix = error.fix or "Change it by hand instead."
                raise StorageError(f"This cannot be taken back. {error.what}", fix) from error
            self._event(person, "undo", applied, undoes=event["id"])
        return event

    def rebuild(self, path: Path) -> "Database":
        """A new database at `path` whose event-sourced tables are replayed from the events alone.

        Raises:
            StorageError: `path` exists, or an event does not fit what came before.
        """
        if Path(path).exists():
            raise StorageError(f"{path} exists already.", "Name a new file.")
        copy = Database(path)
        with copy.transaction():
            for event in self.rows("events"):
                for change in event["changes"]:
                    copy._apply(*change)
                copy._insert("events", event)
        return copy

    def _apply(self, table: str, key: int | str | None, before: Any, after: Any) -> list[Any]:
        """Makes one change, and returns it as it is kept: key known, whole rows where one comes or goes."""
        if table not in events.TABLES:
            raise ValueError(f"{table} is not changed by events")
        name = self._key(table)
        if before is None:
            row = self._insert(table, after if key is None else {**after, name: key})
            return [table, row[name], None, row]
        row = self.row(table, **{name: key})
        if not events.is_as_believed(row, before):
            raise StorageError("Somebody has changed this in the meantime.", "Look at it again, then decide.")
        if after is None:
            self._run(f"DELETE FROM {self._table(table)} WHERE {name} = ?", [key])
            return [table, key, row, None]
        changed = self._update(table, after, {name: key})[0]
        return [table, key, {column: row[column] for column in after}, {column: changed[column] for column in after}]

    def _event(self, person: str, kind: str, changes: list[Any], undoes: int | None = None) -> int:
        values = {"person": person, "kind": kind, "changes": changes, "undoes": undoes}
        return self._insert("events", values)["id"]

    def _newest_undoable(self, person: str) -> dict[str, Any] | None:
        kinds = ", ".join("?" * len(events.UNDOABLE))
        sql = (
            f"SELECT * FROM events WHERE person = ? AND kind IN ({kinds})"
            " AND id NOT IN (SELECT undoes FROM events WHERE undoes IS NOT NULL) ORDER BY id DESC LIMIT 1"
        )
        found = self._run(sql, [person, *events.UNDOABLE])
        return found[0] if found else None

    # Statements -------------------------------------------------------------------------------------------------

    def _run(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        cursor = self._connections.own().execute(sql, values)
        names = [column[0] for column in cursor.description or ()]
        decoded = [index for index, name in enumerate(names) if name in JSON_COLUMNS]
        found = []
        for row in map(list, cursor.fetchall()):
            for index in decoded:
                row[index] = None if row[index] is None else json.loads(row[index])
            found.append(dict(zip(names, row)))
        return found

    def _insert(self, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
        columns = ", ".join(self._column(table, name) for name in values)
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {self._table(table)} ({columns}) VALUES ({marks}) RETURNING *"
        return self._run(sql, [_encoded(name, value) for name, value in values.items()])[0]

    def _update(self, table: str, values: Mapping[str, Any], equal: Mapping[str, Any]) -> list[dict[str, Any]]:
        assignments = ", ".join(f"{self._column(table, name)} = ?" for name in values)
        condition, wanted = self._where(table, equal)
        sql = f"UPDATE {self._table(table)} SET {assignments}{condition} RETURNING *"
        return self._run(sql, [*(_encoded(name, value) for name, value in values.items()), *wanted])

    def _where(
        self, table: str, equal: Mapping[str, Any], beyond: tuple[str, Sequence[Any]] | None = None
    ) -> tuple[str, list[Any]]:
        conditions, values = [], []
        for name, value in equal.items():
            sql, bound = _condition(self._column(table, name), value)
            conditions.append(sql)
            values += bound
        if beyond:
            marks = ", ".join("?" * len(beyond[1]))
            conditions.append(f"({self._order(table, beyond[0])}) > ({marks})")
            values += beyond[1]
        return (" WHERE " + " AND ".join(conditions) if conditions else ""), values

    def _order(self, table: str, order: str) -> str:
        names = (order or self._key(table)).split(",")
        turned = [" DESC" * name.strip().startswith("-") for name in names]
        return ", ".join(self._column(table, name.strip("- ")) + turn for name, turn in zip(names, turned))

    def _table(self, name: str) -> str:
        if name not in self._columns:
            raise ValueError(f"there is no table or view {name!r}")
        return f'"{name}"'

    def _column(self, table: str, name: str) -> str:
        if name not in self._columns.get(table, ()):
            raise ValueError(f"{table!r} has no column {name!r}")
        return f'"{name}"'

    def _key(self, table: str) -> str:
        """The column that names a row: id, or name, or (in a table without one of its own) the first."""
        columns = self._columns.get(table, ())
        return next((name for name in ("id", "name") if name in columns), next(iter(columns), ""))

    # Connections and schema -------------------------------------------------------------------------------------

    def _schema(self) -> dict[str, list[str]]:
        sqlite = self._connections.own()
        return {table.name: list(table.columns_dict) for table in [*sqlite.tables, *sqlite.views]}

    def _migrate(self, steps: list[Path]) -> None:
        before = self._version(len(steps))
        if before == len(steps):
            return
        for number, step in enumerate(steps, 1):
            with self.transaction():
                # Read under the lock: another process may have been faster.
                version = self._version(len(steps))
                if version < number:
                    if before:
                        self.copy_to(self.path.with_name(f"{self.path.name}.before-{step.stem}"))
                    for statement in _statements(step.read_text(encoding="utf-8")):
                        self._run(statement)
                    self._run(f"PRAGMA user_version = {number}")
                    self._run(f"PRAGMA application_id = {_APPLICATION}")

    def _version(self, newest: int) -> int:
        version = self._run("PRAGMA user_version")[0]["user_version"]
        application = self._run("PRAGMA application_id")[0]["application_id"]
        empty = not self._run("SELECT name FROM sqlite_master LIMIT 1")
        if application != _APPLICATION and not empty:
            raise StorageError(f"{self.path} is not a project of LEAML Studio.", "Choose the folder of a project.")
        if version > newest:
            raise StorageError(
                f"The project {self.path.parent.name} was written by a newer version of LEAML Studio"
                f" (schema {version}; this version knows {newest}).",
                "Update LEAML Studio, then open it again.",
            )
        return version

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            raise StorageError(*explained(error, self.path.parent.name)) from error


def _machine(table: str) -> str:
    if table in (*events.TABLES, "events"):
        raise ValueError(f"{table} changes by record() only")
    return table


def _condition(column: str, value: Any) -> tuple[str, list[Any]]:
    """What must hold of a column, and the values that are bound in it."""
    match value:
        case None:
            return f"{column} IS NULL", []
        case Between(low, high):
            bounds = [(">=", low), ("<=", high)]
            given = [(sign, bound) for sign, bound in bounds if bound is not None]
            return " AND ".join(f"{column} {sign} ?" for sign, _ in given) or "1", [bound for _, bound in given]
        case Below(bound):
            return f"{column} < ?", [bound]
        case Other(other):
            return f"{column} IS NOT ?", [other]
        case list() | tuple() | set() | frozenset():
            # One bound value, however long the list.
            return f"{column} IN (SELECT value FROM json_each(?))", [json.dumps(list(value))]
        case _:
            return f"{column} = ?", [value]


def _encoded(column: str, value: Any) -> Any:
    if column in JSON_COLUMNS and value is not None:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    return value


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
