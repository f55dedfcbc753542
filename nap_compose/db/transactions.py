"""Statements and transactions over a database that may be lost and come back."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from nap_compose.db.database import Database, Fault, Row
from nap_compose.db.records import RecordsAway
from nap_compose.errors import NapError

T = TypeVar("T")
_TRIES = 4


class Clash(NapError):
    """A record with this key is there already and says something else, or one is missing."""


class Transactions:
    """What every group of records works with.

    Safe to use from several threads: each has a connection of its own. A connection that is lost
    is made again once, and the transaction it was in is run again: each does the same when it is
    run twice.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connections: weakref.WeakKeyDictionary[threading.Thread, Any]
        self._connections = weakref.WeakKeyDictionary()
        self._guard = threading.Lock()

    def close(self) -> None:
        """Close every connection; the next statement opens one again."""
        with self._guard:
            open_ones = list(self._connections.values())
            self._connections.clear()
        for connection in open_ones:
            with contextlib.suppress(*self._database.errors):
                connection.close()

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
                self._before_writing(connection)
                result = work(connection)
                connection.commit()
            except BaseException:
                with contextlib.suppress(*self._database.errors):
                    connection.rollback()
                raise
            return result

        return self._attempt(whole)

    def _before_writing(self, connection: Any) -> None:
        """Called within each transaction that writes, before it does; what it raises ends that."""

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
                if fault is Fault.AWAY:
                    self._drop_connection()
                # A new connection that fails too means that the database is away.
                again = (fault is Fault.AWAY and not fresh) or fault is Fault.BUSY
                if not again or attempt == _TRIES:
                    raise self._told(fault, error) from error
        raise AssertionError("the last attempt returns or raises")

    @contextlib.contextmanager
    def _once(self) -> Iterator[Any]:
        """This thread's connection, for what can't be begun again. Raises as `_attempt` does."""
        try:
            yield self._connection()
        except self._database.errors as error:
            self._drop_connection()
            raise self._told(self._database.fault(error), error) from error

    def _told(self, fault: Fault, error: BaseException) -> NapError:
        if fault is Fault.CLASH:
            return Clash(self._said("has another record there", error))
        if fault in (Fault.OTHER, Fault.NO_TABLE):
            return NapError(self._said("refused what nap asked", error))
        return self._away(error)

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
