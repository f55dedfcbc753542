"""What the records ask of a database: the little in which SQLite and MySQL differ."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import Enum
from typing import Any, Protocol

Row = tuple[Any, ...]


class Fault(Enum):
    """What an error of the driver means."""

    AWAY = "the connection is gone, or none could be made"
    BUSY = "others were in the way; the same once more may work"
    CLASH = "a row with this key is there already, or one it needs isn't"
    NO_TABLE = "the table isn't there"
    OTHER = "a mistake, in the statement or in the data"


class Database(Protocol):
    """Connections to one database. SQL is written with `?` for each parameter.

    A connection is used by the thread that made it, and by nobody else.
    """

    @property
    def name(self) -> str:
        """What the database is for people: `the database at db.example:3306`."""

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """What the driver raises."""

    def connect(self) -> Any: ...
    def run(self, connection: Any, sql: str, parameters: Sequence[Any] = ()) -> Sequence[Row]:
        """Run one statement and give its rows."""

    def begin(self, connection: Any) -> None:
        """Begin a transaction that will write."""

    def at_one_moment(self, connection: Any) -> AbstractContextManager[None]:
        """A block in which the data is seen as it is now, whatever others write. It may stand
        within `migrating`, before anything is changed there."""

    def columns(self, connection: Any, table: str) -> Sequence[str]:
        """The names of a table's columns; none where there is no such table."""

    def fault(self, error: BaseException) -> Fault: ...

    def why(self, error: BaseException) -> str:
        """The error as a phrase for people."""

    def migrating(self, connection: Any) -> AbstractContextManager[None]:
        """Keep every other process from migrating meanwhile."""
