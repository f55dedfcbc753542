"""Opening SQLite files for their owner's eyes only, also where their disk is full.

A file with write-ahead logging is read through a second file beside it, which takes room. Where
there is none left, what stands in the database is read into memory instead, and only read.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from nap_compose.cluster.private_files import is_full, make_private_dir, make_private_file

BUSY = 10.0
"""Seconds to wait for another process that is writing."""
FULL = "its disk is full"


class Full(sqlite3.OperationalError):
    """There is no room to write in; what is there can be read."""


class ReadInMemory(sqlite3.Connection):
    """What stood in a database when it was opened."""


def open_private_database(path: Path) -> sqlite3.Connection:
    """A connection to the file, which is made, with its folder, for the owner's eyes only; a
    ReadInMemory where the disk is full.

    It waits up to BUSY seconds for other writers, begins no transaction on its own, and may be
    handed from thread to thread as long as one at a time uses it.
    """
    make_private_dir(path.parent)
    make_private_file(path)
    connection = _connected(path)
    try:
        _use_wal(connection)
    except sqlite3.OperationalError:
        connection.close()
        if not is_full(path.parent):
            raise
        return _read_into_memory(path)
    return connection


def begin_writing(connection: sqlite3.Connection) -> None:
    """Begin a transaction that writes. Raises Full where only reading is possible."""
    if isinstance(connection, ReadInMemory):
        raise Full(FULL)
    connection.execute("BEGIN IMMEDIATE")


def why(error: BaseException, path: Path) -> str:
    """What went wrong with the database in `path`, as a person would say it."""
    faulty = isinstance(error, (sqlite3.OperationalError, OSError))
    return FULL if faulty and "locked" not in str(error) and is_full(path.parent) else str(error)


def _connected(
    path: Path | str, factory: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=BUSY, isolation_level=None, check_same_thread=False, factory=factory
    )


def _read_into_memory(path: Path) -> ReadInMemory:
    memory = _connected(":memory:", ReadInMemory)
    assert isinstance(memory, ReadInMemory)
    with _alone_with(path) as file:
        file.backup(memory)
    return memory


@contextlib.contextmanager
def _alone_with(path: Path) -> Iterator[sqlite3.Connection]:
    """The file for this connection alone, which is how SQLite needs none beside it."""
    file = _connected(path)
    try:
        file.execute("PRAGMA locking_mode = EXCLUSIVE")
        file.execute("SELECT 1 FROM sqlite_master")  # which waits its turn, as a backup doesn't
        yield file
    finally:
        file.close()


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; SQLite doesn't wait for others here, so this does."""
    deadline = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
