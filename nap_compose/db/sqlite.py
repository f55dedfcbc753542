"""The records in a SQLite file: where nap is embedded, or a cluster names no database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nap_compose.cluster.sqlite_file import begin_writing, open_private_database, why
from nap_compose.db.database import Fault, Row


class SqliteDatabase:
    """The file `path`, which is made, with its folder, for the owner's eyes only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return f"the records file {self._path}"

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        return (sqlite3.Error, OSError)

    def connect(self) -> sqlite3.Connection:
        connection = open_private_database(self._path)
        connection.execute("PRAGMA foreign_keys = ON")
        # A power cut may take the last lines of the history; what must not be lost stands in the
        # state store. So a deployment doesn't wait for the disk at each line that it writes here.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def run(
        self, connection: sqlite3.Connection, sql: str, parameters: Sequence[Any] = ()
    ) -> Sequence[Row]:
        rows: Sequence[Row] = connection.execute(sql, parameters).fetchall()
        return rows

    def begin(self, connection: sqlite3.Connection) -> None:
        begin_writing(connection)

    @contextmanager
    def at_one_moment(self, connection: sqlite3.Connection) -> Iterator[None]:
        if connection.in_transaction:  # of a migration, which keeps writers out
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.rollback()

    def columns(self, connection: sqlite3.Connection, table: str) -> Sequence[str]:
        rows = self.run(connection, "SELECT name FROM pragma_table_info(?)", (table,))
        return [str(name) for (name,) in rows]

    def fault(self, error: BaseException) -> Fault:
        if isinstance(error, sqlite3.IntegrityError):
            return Fault.CLASH
        if isinstance(error, sqlite3.OperationalError):
            if "no such table" in str(error):
                return Fault.NO_TABLE
            if "no such column" in str(error) or "has no column" in str(error):
                return Fault.OTHER
        return Fault.AWAY

    def why(self, error: BaseException) -> str:
        return why(error, self._path)

    @contextmanager
    def migrating(self, connection: sqlite3.Connection) -> Iterator[None]:
        """All migrations are one transaction: killed halfway, nothing of it is there."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
