"""The records over any database: the SQL that SQLite and MySQL share."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import uuid
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from nap_compose.clock import utc_now
from nap_compose.db import schema
from nap_compose.db.database import Database, Fault, Row
from nap_compose.db.records import (
    AppRecord,
    DeploymentRecord,
    RecordsAway,
    RevisionRecord,
    StepRecord,
)
from nap_compose.errors import NapError

T = TypeVar("T")
_TRIES = 4

_APP = "SELECT id, owner, name, project, created FROM apps WHERE live = 1"
_REVISION = "SELECT app_id, number, digest, sealed, author, created FROM revisions WHERE app_id = ?"
_DEPLOYMENT = (
    "SELECT id, app_id, revision, verb, author, origin, started, ended, outcome, error"
    " FROM deployments"
)
_STEP = "SELECT deployment, step, host, subject, phase, started, ended, error FROM steps"


class Clash(NapError):
    """A record with this key is there already and says something else, or one is missing."""


class SqlRecords:
    """The Records in a database, whose tables are made or brought up to date at once.

    Safe to use from several threads: each has a connection of its own. A connection that is lost
    is made again once, and the transaction it was in is run again: each does the same when it is
    run twice.
    """

    def __init__(
        self, database: Database, known: tuple[schema.Migration, ...] | None = None
    ) -> None:
        self._database = database
        self._connections: weakref.WeakKeyDictionary[threading.Thread, Any]
        self._connections = weakref.WeakKeyDictionary()
        self._guard = threading.Lock()
        known = known or schema.migrations()
        self._attempt(lambda connection: schema.migrate(database, connection, known))

    def app(self, owner: str, name: str) -> AppRecord | None:
        rows = self._read(f"{_APP} AND owner = ? AND name = ?", owner, name)
        return AppRecord(*rows[0]) if rows else None

    def ensure_app(self, owner: str, name: str, project: str) -> AppRecord:
        found = self.app(owner, name)
        if found is None:
            # Who is second finds the row of the first.
            with contextlib.suppress(Clash):
                self._write(
                    "INSERT INTO apps (id, owner, name, project, created, live, removed)"
                    " VALUES (?, ?, ?, ?, ?, 1, '')",
                    (uuid.uuid4().hex, owner, name, project, utc_now()),
                )
            found = self.app(owner, name)
        if found is None:
            raise Clash(f"the app {owner}/{name} was removed while it was made: try again")
        return found

    def apps(self, owner: str | None = None) -> Sequence[AppRecord]:
        whose, values = ("", ()) if owner is None else (" AND owner = ?", (owner,))
        return [
            AppRecord(*row) for row in self._read(f"{_APP}{whose} ORDER BY owner, name", *values)
        ]

    def remove_app(self, app_id: str) -> None:
        self._write(
            "UPDATE apps SET live = NULL, removed = ? WHERE id = ? AND live = 1",
            (utc_now(), app_id),
        )

    def add_revision(self, revision: RevisionRecord) -> None:
        """Keep a revision. The same model once more is no error; another raises Clash."""
        try:
            self._insert("revisions", revision)
        except Clash:
            found = self.revision(revision.app_id, revision.number)
            if found is None or found.digest != revision.digest:
                raise

    def revision(self, app_id: str, number: int) -> RevisionRecord | None:
        rows = self._read(f"{_REVISION} AND number = ?", app_id, number)
        return RevisionRecord(*rows[0]) if rows else None

    def last_revision(self, app_id: str) -> RevisionRecord | None:
        rows = self._read(f"{_REVISION} ORDER BY number DESC LIMIT 1", app_id)
        return RevisionRecord(*rows[0]) if rows else None

    def begin(self, deployment: DeploymentRecord) -> None:
        try:
            self._insert("deployments", deployment)
        except Clash:
            rows = self._read(f"{_DEPLOYMENT} WHERE id = ?", deployment.id)
            if not rows or DeploymentRecord(*rows[0]) != deployment:
                raise

    def finish(self, deployment: str, outcome: str, error: str, ended: str) -> None:
        self._write(
            "UPDATE deployments SET outcome = ?, error = ?, ended = ? WHERE id = ?",
            (outcome, error, ended, deployment),
        )

    def add_steps(self, steps: Sequence[StepRecord]) -> None:
        """Keep how steps went; a step that is there already takes what is new and its new place."""
        if not steps:
            return

        def add(connection: Any) -> None:
            last: dict[str, int] = {}
            for step in steps:
                if step.deployment not in last:
                    last[step.deployment] = self._last_position(connection, step.deployment)
                last[step.deployment] += 1
                self._database.run(
                    connection,
                    "REPLACE INTO steps (deployment, step, host, subject, phase, started, ended,"
                    " error, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*dataclasses.astuple(step), last[step.deployment]),
                )

        self._transact(add)

    def deployments(self, app_id: str, limit: int = 20) -> Sequence[DeploymentRecord]:
        rows = self._read(
            f"{_DEPLOYMENT} WHERE app_id = ? ORDER BY started DESC, id DESC LIMIT ?", app_id, limit
        )
        return [DeploymentRecord(*row) for row in rows]

    def steps(self, deployment: str) -> Sequence[StepRecord]:
        rows = self._read(f"{_STEP} WHERE deployment = ? ORDER BY position", deployment)
        return [StepRecord(*row) for row in rows]

    def close(self) -> None:
        with self._guard:
            open_ones = list(self._connections.values())
            self._connections.clear()
        for connection in open_ones:
            with contextlib.suppress(*self._database.errors):
                connection.close()

    def _last_position(self, connection: Any, deployment: str) -> int:
        rows = self._database.run(
            connection, "SELECT max(position) FROM steps WHERE deployment = ?", (deployment,)
        )
        return int(rows[0][0] or 0)

    def _insert(self, table: str, record: Any) -> None:
        """A record's fields are the table's columns."""
        values = dataclasses.asdict(record)
        places = ", ".join("?" * len(values))
        self._write(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})",  # noqa: S608 - names
            tuple(values.values()),
        )

    def _read(self, sql: str, *values: Any) -> Sequence[Row]:
        return self._attempt(lambda connection: self._database.run(connection, sql, values))

    def _write(self, sql: str, values: Sequence[Any]) -> None:
        self._transact(lambda connection: self._database.run(connection, sql, values))

    def _transact(self, work: Callable[[Any], T]) -> T:
        def whole(connection: Any) -> T:
            self._database.begin(connection)
            try:
                result = work(connection)
                connection.commit()
            except BaseException:
                with contextlib.suppress(*self._database.errors):
                    connection.rollback()
                raise
            return result

        return self._attempt(whole)

    def _attempt(self, work: Callable[[Any], T]) -> T:
        """Do the work over this thread's connection, and again where that may help.

        Raises Clash and RecordsAway.
        """
        for attempt in range(1, _TRIES + 1):
            fresh = self._open_connection() is None
            try:
                return work(self._connection())
            except self._database.errors as error:
                fault = self._database.fault(error)
                if fault is Fault.CLASH:
                    raise Clash(self._said("has another record there", error)) from error
                if fault in (Fault.OTHER, Fault.NO_TABLE):
                    raise NapError(self._said("refused what nap asked", error)) from error
                if fault is Fault.AWAY:
                    self._drop_connection()
                # A new connection that fails too means that the database is away.
                again = (fault is Fault.AWAY and not fresh) or fault is Fault.BUSY
                if not again or attempt == _TRIES:
                    raise self._away(error) from error
        raise AssertionError("the last attempt returns or raises")

    def _away(self, error: BaseException) -> RecordsAway:
        return RecordsAway(
            self._said("can't be used", error),
            hint="containers run on and `nap ps` works; changes wait until the records are back",
        )

    def _said(self, what: str, error: BaseException) -> str:
        return f"{self._database.name} {what}: {self._database.why(error)}"

    def _open_connection(self) -> Any | None:
        """This thread's connection, where it has one."""
        with self._guard:
            return self._connections.get(threading.current_thread())

    def _connection(self) -> Any:
        connection = self._open_connection()
        if connection is None:
            connection = self._database.connect()
            with self._guard:
                self._connections[threading.current_thread()] = connection
        return connection

    def _drop_connection(self) -> None:
        with self._guard:
            connection = self._connections.pop(threading.current_thread(), None)
        if connection is not None:
            with contextlib.suppress(*self._database.errors):
                connection.close()
