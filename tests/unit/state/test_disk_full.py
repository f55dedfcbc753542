"""A disk without any room: what is in the state file and in the records is read, and only read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nap_compose.cluster.state import StoreAway
from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.db.records import RecordsAway
from nap_compose.db.sqlite import SqliteDatabase
from nap_compose.db.store import SqlRecords
from tests.support.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.mark.parametrize("left_open", [False, True])
def test_the_state_is_read_and_not_written(disk: SmallDisk, left_open: bool) -> None:
    path = disk.folder / "state.sqlite"
    former = SqliteStore(path)
    former.put("k/a", {"n": 1})
    if not left_open:
        former.close()
    disk.fill()
    before = disk.files() - {"state.sqlite-shm", "state.sqlite-wal"}
    store = SqliteStore(path)
    for _ in range(2):
        assert [entry.value for entry in store.list("k/")] == [{"n": 1}]
        with pytest.raises(StoreAway, match="can't be used: its disk is full"):
            store.put("k/a", "x" * 100_000)
        with pytest.raises(StoreAway, match="its disk is full"):
            store.lease("k/lock", {"why": "x" * 100_000})
    assert disk.files() - {"state.sqlite-shm", "state.sqlite-wal"} == before

    disk.make_room()
    store.put("k/a", {"n": 2})
    for each in (store, SqliteStore(path)):
        entry = each.get("k/a")
        assert entry is not None and entry.value == {"n": 2}
        each.close()
    former.close()


def test_what_another_process_wrote_meanwhile_is_seen(disk: SmallDisk) -> None:
    path = disk.folder / "state.sqlite"
    SqliteStore(path).close()
    disk.fill()
    full = SqliteStore(path)
    assert full.get("k") is None
    disk.make_room()
    other = SqliteStore(path)
    other.put("k", 1)
    other.close()
    disk.fill()
    entry = full.get("k")
    assert entry is not None and entry.value == 1
    full.close()


def test_a_killed_process_leaves_what_it_wrote(disk: SmallDisk) -> None:
    """Its last entries stand in the log beside the file, which nobody has room to tidy up."""
    path = disk.folder / "state.sqlite"
    child = os.fork()
    if child == 0:
        SqliteStore(path).put("k", 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    (disk.folder / "state.sqlite-shm").unlink()
    disk.fill()
    store = SqliteStore(path)
    entry = store.get("k")
    assert entry is not None and entry.value == 1
    store.close()


def test_a_state_that_there_never_was_is_empty(disk: SmallDisk) -> None:
    disk.fill()
    store = SqliteStore(disk.folder / "state.sqlite")
    assert list(store.list("k/")) == []
    with pytest.raises(StoreAway, match="its disk is full"):
        store.put("k/a", 1)
    store.close()


def test_other_faults_are_told_as_they_are(disk: SmallDisk) -> None:
    """With room left nothing is read into memory."""
    path = disk.folder / "state.sqlite"
    path.write_text("not a database, not at all\n" * 100)
    with pytest.raises(StoreAway, match="not a database"):
        SqliteStore(path)


def test_the_records_are_read_and_not_written(disk: SmallDisk) -> None:
    path = disk.folder / "records.sqlite"
    records = SqlRecords(SqliteDatabase(path))
    app = records.ensure_app("ada", "shop", "ada_shop")
    records.close()
    disk.fill()
    full = SqlRecords(SqliteDatabase(path))
    assert full.app("ada", "shop") == app
    for _ in range(2):
        with pytest.raises(RecordsAway, match="its disk is full"):
            full.ensure_app("ada", "x" * 50, "ada_x")
        assert full.app("ada", "shop") == app
    disk.make_room()
    full.ensure_app("ada", "blog", "ada_blog")
    full.close()
    with sqlite3.connect(path) as sql:
        assert sql.execute("SELECT count(*) FROM apps").fetchall() == [(2,)]
    sql.close()
