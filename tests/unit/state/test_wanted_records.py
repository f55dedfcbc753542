"""What is to run of an app, and locks of who is brief."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nap_compose.cluster import app_lock, wanted_records
from nap_compose.cluster.lease import Joint
from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.cluster.wanted_records import Wanted
from nap_compose.errors import Locked


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "state.sqlite")
    yield store
    store.close()


def test_what_was_stopped_stays_so_until_it_is_started_or_deployed(store: SqliteStore) -> None:
    wanted_records.stopped(store, "ada", "shop", ["web.1"])
    assert wanted_records.read(store, "ada", "shop") is None, "it isn't deployed"
    wanted_records.deployed(store, "ada", "shop", 3, ["web", "db"])
    wanted_records.stopped(store, "ada", "shop", ["web.1", "web.2", "db.1"])
    wanted_records.started(store, "ada", "shop", ["web.2"])
    assert wanted_records.read(store, "ada", "shop") == Wanted(3, frozenset({"web.1", "db.1"}))
    wanted_records.deployed(store, "ada", "shop", 4, ["web"])
    assert wanted_records.read_all(store) == {("ada", "shop"): Wanted(4, frozenset({"db.1"}))}
    wanted_records.delete(store, "ada", "shop")
    assert wanted_records.read_all(store) == {}


def test_everybody_waits_for_who_is_brief(store: SqliteStore) -> None:
    brief = app_lock.take(store, "ada", "shop", who="watcher", deployment="1", brief=True)
    threading.Timer(0.4, brief.release).start()
    began = time.monotonic()
    app_lock.take(store, "ada", "shop", who="ada", deployment="2").release()
    assert time.monotonic() - began > 0.3


def test_nobody_waits_for_others(store: SqliteStore) -> None:
    with app_lock.take(store, "ada", "shop", who="bob", deployment="1"):
        began = time.monotonic()
        with pytest.raises(Locked, match="locked by bob"):
            app_lock.take(store, "ada", "shop", who="ada", deployment="2")
        assert time.monotonic() - began < app_lock.BRIEF / 2


def test_two_leases_as_one(store: SqliteStore) -> None:
    guard = store.lease("lock/leader/health", {"who": "w"})
    with Joint(store.lease("lock/app/ada/shop", {"who": "w"}), guard) as both:
        assert not both.lost
        guard.release()
        assert both.lost
