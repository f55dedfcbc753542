"""The state store of the embedded mode: one SQLite file that all processes of a person share.

A deleted key stays as a row without a value for a while, so that who watches sees it go. A lease
is a row beside its entry; it ends when its time is over, or at once when its process is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nap_compose.cluster.lease import KeptLease
from nap_compose.cluster.sqlite_file import ReadInMemory, begin_writing, open_private_database, why
from nap_compose.cluster.state import Delete, Entry, Held, Lease, Lost, Put, StoreAway
from nap_compose.cluster.state_values import check_key, check_prefix, encode, encode_batch

POLL = 0.1
"""Seconds between two looks of `watch`."""

REMEMBERED = 10_000
"""For so many writes a deleted key is remembered; who watches from further back is told at once."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counter (
    id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY NOT NULL, value TEXT, version INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS deleted ON entries (version) WHERE value IS NULL;
CREATE TABLE IF NOT EXISTS leases (
    key TEXT PRIMARY KEY NOT NULL, token TEXT NOT NULL, expires REAL NOT NULL, ttl REAL NOT NULL,
    pid INTEGER NOT NULL, place TEXT NOT NULL
);
"""


class SqliteStore:
    """A StateStore in the file `path`, which is made, with its folder, for the owner's eyes only.

    Safe to use from several threads and processes at once. Raises StoreAway where the file can't
    be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.RLock()
        self._place = _place()
        with self._speaking_plainly():
            self._connection = self._connect()

    def get(self, key: str) -> Entry | None:
        check_key(key)
        with self._reading() as sql:
            row = sql.execute(
                "SELECT key, value, version FROM entries WHERE key = ? AND value IS NOT NULL",
                (key,),
            ).fetchone()
        return _entry(row) if row else None

    def put(self, key: str, value: Any, if_version: int | None = None) -> int:
        check_key(key)
        text = encode(key, value)
        with self._writing() as sql:
            _expect(sql, key, if_version)
            return _write(sql, key, text)

    def delete(self, key: str, if_version: int | None = None) -> None:
        check_key(key)
        with self._writing() as sql:
            _expect(sql, key, if_version)
            _delete(sql, key)

    def list(self, prefix: str) -> Sequence[Entry]:
        check_prefix(prefix)
        with self._reading() as sql:
            return _under(sql, prefix)

    def watch(self, prefix: str, after: int, timeout: float) -> tuple[Sequence[Entry], int]:
        check_prefix(prefix)
        deadline = time.monotonic() + timeout
        while True:
            with self._reading() as sql:
                now = _version(sql)
                if _news(sql, prefix, after, now) or time.monotonic() >= deadline:
                    return _under(sql, prefix), now
            time.sleep(max(0.0, min(POLL, deadline - time.monotonic())))

    def lease(self, key: str, holder: Mapping[str, Any], ttl: float = 15.0) -> Lease:
        check_key(key)
        text = encode(key, dict(holder))
        token = uuid.uuid4().hex
        asked_at = time.monotonic()
        with self._writing() as sql:
            if self._taken(sql, key):
                raise Held(key, _holder(sql, key))
            fence = _write(sql, key, text)
            sql.execute(
                "REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)",
                (key, token, time.monotonic() + ttl, ttl, os.getpid(), self._place),
            )
        return KeptLease(
            key,
            fence=fence,
            ttl=ttl,
            renew=lambda: self._renew(key, token),
            give_back=lambda: self._give_back(key, token),
            taken_at=asked_at,
        )

    def batch(self, ops: Sequence[Put | Delete]) -> None:
        texts = encode_batch(ops)
        with self._writing() as sql:
            for op in ops:
                _expect(sql, op.key, op.if_version)
            for op in ops:
                if isinstance(op, Put):
                    _write(sql, op.key, texts[op.key])
                else:
                    _delete(sql, op.key)

    def close(self) -> None:
        with self._guard:
            self._in_memory = False
            self._connection.close()

    def _taken(self, sql: sqlite3.Connection, key: str) -> bool:
        row = sql.execute(
            "SELECT expires, ttl, pid, place FROM leases WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return False
        expires, ttl, pid, place = row
        left = expires - time.monotonic()
        # More time left than it ever had: its clock was another one, before a restart.
        if left <= 0 or left > ttl:
            return False
        return place != self._place or _alive(pid)

    def _renew(self, key: str, token: str) -> bool:
        now = time.monotonic()
        with self._writing() as sql:
            changed = sql.execute(
                "UPDATE leases SET expires = ? + ttl WHERE key = ? AND token = ? AND expires > ?",
                (now, key, token, now),
            )
            return changed.rowcount == 1

    def _give_back(self, key: str, token: str) -> None:
        with self._writing() as sql:
            ours = sql.execute("DELETE FROM leases WHERE key = ? AND token = ?", (key, token))
            if ours.rowcount == 1:
                _delete(sql, key)

    def _connect(self) -> sqlite3.Connection:
        connection = open_private_database(self._path)
        # Versions are fences: one that a power cut takes back would be given out twice.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        # Counting from the time keeps versions growing where somebody deletes the file, while
        # containers still carry fences from the old one.
        connection.execute(
            "INSERT OR IGNORE INTO counter VALUES (1, ?)", (time.time_ns() // 1_000_000,)
        )
        connection.execute("COMMIT")
        self._in_memory = isinstance(connection, ReadInMemory)
        return connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._guard, self._speaking_plainly():
            yield from self._transaction(lambda sql: sql.execute("BEGIN"))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._guard, self._speaking_plainly():
            yield from self._transaction(begin_writing)

    def _transaction(
        self, begin: Callable[[sqlite3.Connection], object]
    ) -> Iterator[sqlite3.Connection]:
        if self._in_memory:  # there may be room again, and other processes may have written since
            self._connection.close()
            self._connection = self._connect()
        begin(self._connection)
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            # Of itself SQLite takes back what met a full disk.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _speaking_plainly(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreAway(
                f"the state file {self._path} can't be used: {why(error, self._path)}",
                hint="look at the folder's owner, its room and its rights, "
                "or set NAP_STATE_DIR to another one",
            ) from error


def _version(sql: sqlite3.Connection) -> int:
    return int(sql.execute("SELECT version FROM counter").fetchone()[0])


def _next_version(sql: sqlite3.Connection) -> int:
    sql.execute("UPDATE counter SET version = version + 1")
    return _version(sql)


def _write(sql: sqlite3.Connection, key: str, text: str | None) -> int:
    version = _next_version(sql)
    sql.execute("REPLACE INTO entries VALUES (?, ?, ?)", (key, text, version))
    return version


def _delete(sql: sqlite3.Connection, key: str) -> None:
    """Forget the value, and whoever holds the key has lost it."""
    present = sql.execute("SELECT 1 FROM entries WHERE key = ? AND value IS NOT NULL", (key,))
    if present.fetchone() is None:
        return
    version = _write(sql, key, None)
    sql.execute("DELETE FROM leases WHERE key = ?", (key,))
    sql.execute("DELETE FROM entries WHERE value IS NULL AND version < ?", (version - REMEMBERED,))


def _expect(sql: sqlite3.Connection, key: str, if_version: int | None) -> None:
    if if_version is None:
        return
    row = sql.execute(
        "SELECT version FROM entries WHERE key = ? AND value IS NOT NULL", (key,)
    ).fetchone()
    found = row[0] if row else 0
    if found != if_version:
        raise Lost(f"{key} has version {found}, not {if_version}")


def _range(prefix: str) -> tuple[str, str]:
    """The keys under a prefix as a range, which the index can follow."""
    return prefix, prefix + chr(sys.maxunicode)


def _under(sql: sqlite3.Connection, prefix: str) -> Sequence[Entry]:
    rows = sql.execute(
        "SELECT key, value, version FROM entries"
        " WHERE key >= ? AND key < ? AND value IS NOT NULL ORDER BY key",
        _range(prefix),
    )
    return [_entry(row) for row in rows]


def _news(sql: sqlite3.Connection, prefix: str, after: int, now: int) -> bool:
    """Whether something under `prefix` changed after version `after`, or nobody can tell any more.

    A number that is ahead of `now` comes from a file that was since replaced.
    """
    if after <= 0 or after > now or after < now - REMEMBERED:
        return True
    newest = sql.execute(
        "SELECT max(version) FROM entries WHERE key >= ? AND key < ?", _range(prefix)
    ).fetchone()[0]
    return newest is not None and newest > after


def _entry(row: tuple[str, str, int]) -> Entry:
    return Entry(row[0], json.loads(row[1]), row[2])


def _holder(sql: sqlite3.Connection, key: str) -> Mapping[str, Any]:
    row = sql.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
    value = json.loads(row[0]) if row and row[0] else {}
    return value if isinstance(value, dict) else {}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _place() -> str:
    """Where process numbers mean the same: this run of the machine, this namespace."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return "this machine"
