"""One connection to a project's database per thread. sqlite3's connections belong to one thread at a time."""

import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import sqlite_utils


class Connections:
    """The connections of this process to one file.

    Args:
        path: the file; made where it is missing.
        patience: seconds that a writer waits for another one.
        settings: statements that every new connection begins with.
    """

    def __init__(self, path: Path, patience: float, settings: Sequence[str]) -> None:
        self._path, self._patience, self._settings = path, patience, settings
        # By process as well: a connection must not be used, nor closed, on the other side of a fork.
        self._open: dict[tuple[int, threading.Thread], sqlite_utils.Database] = {}

    def own(self) -> sqlite_utils.Database:
        """The connection of the calling thread."""
        key = (os.getpid(), threading.current_thread())
        if key not in self._open:
            self._close(ended=True)
            self._open[key] = self._connect()
        return self._open[key]

    def close(self) -> None:
        """Closes the connections of all threads, none of which may be using its own."""
        self._close(ended=False)

    def _close(self, ended: bool) -> None:
        for process, thread in list(self._open):
            if process == os.getpid() and not (ended and thread.is_alive()):
                connection = self._open.pop((process, thread), None)
                if connection is not None:
                    connection.close()

    def _connect(self) -> sqlite_utils.Database:
        # isolation_level: transactions are begun by hand. check_same_thread: another thread closes what has ended.
        connection = sqlite3.connect(self._path, self._patience, isolation_level=None, check_same_thread=False)
        try:
            sqlite = sqlite_utils.Database(connection, execute_plugins=False)
            for statement in self._settings:
                sqlite.execute(statement)
        except BaseException:
            connection.close()
            raise
        return sqlite
