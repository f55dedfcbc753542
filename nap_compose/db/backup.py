"""A backup of the records: lines of JSON, the same from every database and for every database.

The first line says what it is, then each table's name and columns stand before its rows, and the
last line tells how many rows there were and the digest of all lines before it. Models stay sealed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.db import schema
from nap_compose.db.database import Database
from nap_compose.db.schema import Migration
from nap_compose.db.tables import HEAD, TABLES, TRAIL
from nap_compose.db.trail import AuditRecord, link
from nap_compose.errors import BadFile, NapError
from nap_compose.plaindata import dataclass

KIND = "nap records"
_AT_ONCE = 20
"""Rows: a revision may have megabytes."""


@dataclass(frozen=True)
class Restored:
    """What was taken in: the cluster's name and the time that stand in the backup, the version
    of its tables, and how many rows each has."""

    cluster: str
    made: str
    version: int
    rows: dict[str, int]


@dataclass(frozen=True)
class Checked:
    """A backup that was read to its end and is whole. `trail` is the number and the hash of the
    last row of its audit trail; None where that is empty."""

    trail: tuple[int, str] | None


def write(
    database: Database, connection: Any, known: tuple[Migration, ...], cluster: str
) -> Iterator[bytes]:
    """The lines of a backup, as the records are at this one moment."""
    version = schema.version(database, connection, known)
    if not version:
        raise NapError(f"{database.name} has no tables yet, so there is nothing to back up")
    digest = hashlib.sha256()
    counts: dict[str, int] = {}

    def line(told: Any) -> bytes:
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        digest.update(text)
        return text

    with database.at_one_moment(connection):
        yield line({KIND: 1, "schema": version, "cluster": cluster, "made": utc_now()})
        for table in TABLES:
            if not database.columns(connection, table):
                continue  # a table of a later schema
            yield line({"table": table, "columns": list(database.columns(connection, table))})
            counts[table] = 0
            for row in _rows(database, connection, table):
                counts[table] += 1
                yield line(list(row))
        last = {"rows": counts, "sha256": digest.hexdigest()}
        yield json.dumps(last, separators=(",", ":")).encode() + b"\n"


def restore(
    database: Database,
    connection: Any,
    known: tuple[Migration, ...],
    lines: Iterable[bytes],
    *,
    replace: bool = False,
) -> Restored:
    """Take a backup into a database whose tables are empty or not there, or with `replace` into
    their place, and bring them to the newest version.

    Raises BadFile where the backup is damaged or none: then nothing of it is there.
    """
    if not replace:
        _refuse_unless_empty(database, connection)
    reading = _Reading(lines)
    head = reading.head()
    version = _known_version(head, known)
    # Tables as they were when it was made: they were seen to be empty.
    for table in reversed([*TABLES, "schema_version"]):
        database.run(connection, f"DROP TABLE IF EXISTS {table}")
    schema.migrate(database, connection, tuple(each for each in known if each.version <= version))
    database.begin(connection)
    try:
        if database.columns(connection, HEAD):
            database.run(connection, f"DELETE FROM {HEAD}")  # noqa: S608 - our own name
        for table, columns, row in reading.rows():
            places = ", ".join("?" * len(columns))
            database.run(
                connection,
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})",  # noqa: S608
                row,
            )
        reading.check_whole()
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    schema.migrate(database, connection, known)
    return Restored(str(head["cluster"]), str(head["made"]), version, reading.counts)


def check(known: tuple[Migration, ...], lines: Iterable[bytes]) -> Checked:
    """Read a backup to its end. Raises BadFile where it is damaged or none, or a row of its audit
    trail isn't as it was written; NapError where it is a newer nap's."""
    reading = _Reading(lines)
    _known_version(reading.head(), known)
    last: tuple[int, str] | None = None
    for table, columns, row in reading.rows():
        if table == "audit":
            told = AuditRecord(**dict(zip(columns, row, strict=True)))
            seq, before = last or (0, "")
            if told.seq != seq + 1 or told.hash != link(before, told):
                raise BadFile(f"the backup's audit trail was changed: row {seq + 1}")
            last = (told.seq, told.hash)
    reading.check_whole()
    return Checked(last)


def _known_version(head: dict[str, Any], known: tuple[Migration, ...]) -> int:
    version = int(head["schema"])
    if version > known[-1].version:
        raise NapError(
            f"the backup was made by a newer nap (schema {version}, this one knows "
            f"{known[-1].version})",
            hint="bring nap up to date on this machine: pip install --upgrade nap-compose",
        )
    return version


def counted(database: Database, connection: Any) -> dict[str, int]:
    """How many rows each table has; those that aren't there are left out."""
    found = {}
    for table in TABLES:
        if database.columns(connection, table):
            sql = f"SELECT count(*) FROM {table}"  # noqa: S608 - our own names
            found[table] = int(database.run(connection, sql)[0][0])
    return found


class _Reading:
    """A backup that is read to its end, checked as it goes."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(_whole(lines))
        self._digest = hashlib.sha256()
        self._last: dict[str, Any] | None = None
        self.counts: dict[str, int] = {}

    def head(self) -> dict[str, Any]:
        """The first line."""
        told = self._next()
        if not isinstance(told, dict) or told.get(KIND) != 1 or "schema" not in told:
            raise BadFile("this is no backup of nap's records")
        return told

    def rows(self) -> Iterator[tuple[str, list[str], list[Any]]]:
        """Table, columns and values of each row."""
        table, columns = "", list[str]()
        while True:
            told = self._next()
            if isinstance(told, list):
                if len(told) != len(columns):
                    raise BadFile(f"the backup is damaged: a row of {table} has {len(told)} values")
                self.counts[table] += 1
                yield table, columns, told
            elif isinstance(told, dict) and "table" in told:
                table, columns = str(told["table"]), [str(each) for each in told["columns"]]
                names = [table, *columns]
                if table not in TABLES or not all(each.isidentifier() for each in names):
                    raise BadFile(f"the backup holds a table '{table}' that nap doesn't know")
                self.counts[table] = 0
            else:
                self._last = told
                return

    def check_whole(self) -> None:
        """Raise BadFile unless all that was written was read."""
        told = self._last or {}
        if (told.get("rows"), told.get("sha256")) != (self.counts, self._digest.hexdigest()):
            raise BadFile("the backup was changed, or cut off")

    def _next(self) -> Any:
        try:
            line = next(self._lines)
            told = json.loads(line)
        except StopIteration:
            raise BadFile("the backup is cut off: its last line is missing") from None
        except ValueError:
            raise BadFile("this is no backup of nap's records, or it is damaged") from None
        if not (isinstance(told, dict) and "sha256" in told):
            self._digest.update(line)
        return told


def _whole(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines, from pieces of any size."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def _rows(database: Database, connection: Any, table: str) -> Iterator[tuple[Any, ...]]:
    """Every row by primary key, a few at a time."""
    columns = list(database.columns(connection, table))
    keys = TABLES[table]
    order, marks = ", ".join(keys), ", ".join("?" * len(keys))
    what = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - our own names
    last: tuple[Any, ...] = ()
    while True:
        after = f" WHERE ({order}) > ({marks})" if last else ""
        rows = database.run(connection, f"{what}{after} ORDER BY {order} LIMIT {_AT_ONCE}", last)
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        last = tuple(rows[-1][columns.index(key)] for key in keys)


def _refuse_unless_empty(database: Database, connection: Any) -> None:
    filled = {
        table: count
        for table, count in counted(database, connection).items()
        if count and table not in TRAIL
    }
    if filled:
        told = ", ".join(f"{table}: {count}" for table, count in filled.items())
        raise NapError(
            f"{database.name} holds records already ({told})",
            hint="a backup is restored into an empty database; --replace lets it take their place, "
            "once they are saved",
        )
