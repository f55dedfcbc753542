"""The health records in a real store (SQLite), and who may still be believed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.health import book as keeping
from nap_compose.health.book import HealthBook
from nap_compose.health.changes import Changes, Known, compare
from nap_compose.health.freshness import at_work, is_stale
from nap_compose.health.proof import CONFIRMED, FENCED, Proof, StoredProofs
from nap_compose.health.records import Happening, Heartbeat, HostRecord
from tests.support.views import container, host, view

AT = "2026-01-01T12:00:00.000Z"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "state.sqlite")
    yield store
    store.close()


def happening(number: int) -> Happening:
    return Happening(AT, "state", f"number {number}", "h1")


def test_what_is_written_is_read(store: SqliteStore) -> None:
    seen = view(host("h1", [container(f"web.{n}", "h1") for n in range(1, 201)]))
    changes = compare(Known(), seen, {}, AT)
    changes = Changes(changes.containers, {"h1": HostRecord("h1")}, changes.happenings)
    written = HealthBook(store).write(changes)
    assert written == 200 + 1 + 1, "more records than a batch holds, a host, a page of events"
    known = HealthBook(store).read()
    assert known == Known().after(changes)
    assert HealthBook(store).read("", "shop").containers == known.containers
    assert HealthBook(store).read("", "other").containers == {}
    gone = compare(known, view(host("h1")), {}, AT)
    HealthBook(store).write(gone)
    assert HealthBook(store).read().containers == {}


def test_events_fill_pages_and_the_oldest_go(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PAGE", 3)
    monkeypatch.setattr(keeping, "PAGES", 2)
    mine, yours = HealthBook(store), HealthBook(store)
    mine.tell([happening(n) for n in range(1, 5)])
    yours.tell([happening(5)])
    mine.tell([happening(6)])
    assert [each.text for each in mine.happenings()] == [f"number {n}" for n in range(1, 7)]
    mine.tell([happening(7)])
    assert [each.text for each in yours.happenings()] == [f"number {n}" for n in range(4, 8)]


def at(seconds_ago: float) -> str:
    moment = datetime.now(timezone.utc) - timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_heartbeats(store: SqliteStore) -> None:
    book = HealthBook(store)
    book.beat(Heartbeat("w1", at(300), every=10, unseen=("h2",)))
    book.beat(Heartbeat("w2", at(5), every=10, leads=True))
    assert [each.watcher for each in book.heartbeats()] == ["w2", "w1"]
    assert book.heartbeats()[1].unseen == ("h2",)
    assert [each.watcher for each in at_work(book.heartbeats())] == ["w2"]
    book.forget_heartbeat("w2")
    assert [each.watcher for each in book.heartbeats()] == ["w1"]


@pytest.mark.parametrize(
    ("ago", "every", "stale"),
    [
        (10, 0, False),
        (59, 0, False),
        (70, 0, True),
        (59, 10, False),
        (100, 30, True),
        (80, 30, False),
    ],
)
def test_what_stands_behind_an_old_heartbeat_is_stale(ago: int, every: int, stale: bool) -> None:
    assert is_stale([Heartbeat("w", at(ago), every=every, leads=True)]) is stale


def test_nobody_ever_looked() -> None:
    assert is_stale([])


def test_proofs(store: SqliteStore) -> None:
    proofs = StoredProofs(store)
    assert proofs.of("h1") is None and proofs.all() == {}
    proofs.enter(Proof("h1", CONFIRMED, "ada", AT))
    proofs.enter(Proof("h2", FENCED, "w1", AT))
    assert proofs.all() == {
        "h1": Proof("h1", CONFIRMED, "ada", AT),
        "h2": Proof("h2", FENCED, "w1", AT),
    }
    assert "confirmed lost by ada" in Proof("h1", CONFIRMED, "ada", AT).text
    assert "fenced by w1" in Proof("h2", FENCED, "w1", AT).text
    proofs.withdraw("h1")
    proofs.withdraw("h1")
    assert list(proofs.all()) == ["h2"]
