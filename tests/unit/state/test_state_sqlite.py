"""What is SQLite's alone: the file, its rights, and leases of processes that are gone."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nap_compose.cluster.state import Held, StoreAway
from nap_compose.cluster.state_sqlite import REMEMBERED, SqliteStore, open_private_database
from tests.support.state_child import Spec
from tests.support.state_conformance import Child


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state" / "state.sqlite"
    store = SqliteStore(path)
    store.put("k", 1)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    found = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert found == dict.fromkeys(("state.sqlite", "state.sqlite-wal", "state.sqlite-shm"), 0o600)
    store.close()


def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    SqliteStore(tmp_path / "state.sqlite").close()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_values_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    store = SqliteStore(path)
    version = store.put("k", {"a": 1})
    store.close()
    again = SqliteStore(path)
    entry = again.get("k")
    assert entry is not None and (entry.value, entry.version) == ({"a": 1}, version)
    again.close()


def test_a_second_connection_lets_go_of_no_lock_of_the_first(tmp_path: Path) -> None:
    """Else another process that ends thinks that it is the last one, and takes the log of writes
    away: what the first goes on writing is then in a file that nobody finds."""
    path = tmp_path / "records.sqlite"
    first = open_private_database(path)
    first.execute("CREATE TABLE t (n)")
    second = open_private_database(path)
    _elsewhere(path, "INSERT INTO t VALUES (1)")
    first.execute("INSERT INTO t VALUES (2)")
    second.execute("INSERT INTO t VALUES (3)")
    assert _elsewhere(path, "SELECT sum(n) FROM t") == "6"
    assert _elsewhere(path, "PRAGMA integrity_check") == "ok"
    first.close()
    second.close()


def _elsewhere(path: Path, statement: str) -> str:
    """What a process of its own finds, which ends then."""
    program = (
        "import sqlite3, sys; sql = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "print(*(sql.execute(sys.argv[2]).fetchone() or ())); sql.close()"
    )
    words = [sys.executable, "-c", program, str(path), statement]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def test_versions_grow_on_when_the_file_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    store = SqliteStore(path)
    before = [store.put("k", number) for number in range(3)][-1]
    store.close()
    path.unlink()
    time.sleep(0.01)
    store = SqliteStore(path)
    assert store.put("k", 1) > before
    store.close()


def test_a_dead_process_holds_nothing_at_all(tmp_path: Path) -> None:
    """Where processes can be asked for, nobody waits for a dead one's time to end."""
    spec = Spec(state_dir=str(tmp_path))
    child = Child(spec, "lock/a", ttl=600)
    child.says()
    store = spec.open()
    with pytest.raises(Held):
        store.lease("lock/a", {})
    child.kill()
    started = time.monotonic()
    store.lease("lock/a", {}).release()
    assert time.monotonic() - started < 60
    store.close()


def test_a_lease_from_before_a_restart_of_the_machine_is_over(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    store = SqliteStore(path)
    lease = store.lease("lock/a", {"who": "ada"}, 15)
    with sqlite3.connect(path) as sql:  # as the monotonic clock of a long run would have left it
        sql.execute("UPDATE leases SET expires = expires + 1e6, place = 'another run'")
    store.lease("lock/a", {"who": "bob"}, 15).release()
    lease.release()
    store.close()


def test_a_lease_of_another_place_is_judged_by_its_time(tmp_path: Path) -> None:
    """Its process number says nothing here: it may live in another container."""
    path = tmp_path / "state.sqlite"
    store = SqliteStore(path)
    lease = store.lease("lock/a", {"who": "ada"}, 15)
    with sqlite3.connect(path) as sql:
        sql.execute("UPDATE leases SET place = 'a container', pid = 999999999")
    with pytest.raises(Held):
        store.lease("lock/a", {"who": "bob"}, 15)
    lease.release()
    store.close()


def test_deleted_keys_are_not_remembered_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    store = SqliteStore(path)
    store.put("old", 1)
    store.delete("old")
    with sqlite3.connect(path) as sql:
        sql.execute("UPDATE counter SET version = version + ?", (REMEMBERED + 1,))
    store.put("new", 1)
    store.delete("new")
    with sqlite3.connect(path) as sql:
        assert sql.execute("SELECT key FROM entries").fetchall() == [("new",)]
    store.close()


def test_a_watch_from_too_far_back_returns_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    store = SqliteStore(path)
    _, after = store.watch("k/", 0, timeout=0)
    with sqlite3.connect(path) as sql:
        sql.execute("UPDATE counter SET version = version + ?", (REMEMBERED + 1,))
    started = time.monotonic()
    store.watch("k/", after, timeout=60)
    assert time.monotonic() - started < 30
    store.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_text("not a database, not at all\n" * 100)
    with pytest.raises(StoreAway, match=r"state file .*state\.sqlite can't be used") as caught:
        SqliteStore(path)
    assert caught.value.hint


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreAway, match="can't be used"):
        SqliteStore(tmp_path / "file" / "state" / "state.sqlite")


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.sqlite")
    store.close()
    with pytest.raises(StoreAway):
        store.get("k")
