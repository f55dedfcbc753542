"""Failures of replicas on hosts: what is on record, what counts for whom, and that it ends."""

from __future__ import annotations

import threading

import pytest

from nap_compose.cluster import failures
from nap_compose.cluster.failures import Failed, that_count
from nap_compose.cluster.state import StateStore


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    now = ["2026-03-01T12:00:00.000Z"]
    monkeypatch.setattr(failures, "utc_now", lambda: now[0])
    return now


def test_a_failure_counts_for_five_minutes(store: StateStore, clock: list[str]) -> None:
    failures.enter(store, "h1", "ada", "shop", ["web.1", "web.2"])
    clock[0] = "2026-03-01T12:04:00.000Z"
    failures.enter(store, "h1", "", "blog", ["web.1"])
    assert [each.slot for each in failures.read_all(store)["h1"]] == ["web.1", "web.2", "web.1"]
    clock[0] = "2026-03-01T12:05:01.000Z"
    assert failures.read_all(store) == {
        "h1": (Failed("2026-03-01T12:04:00.000Z", "-/blog", "web.1"),)
    }
    failures.enter(store, "h1", "ada", "shop", ["web.3"])
    entry = store.get("failures/h1")
    assert entry is not None
    assert [each[2] for each in entry.value] == ["web.1", "web.3"], "what is over is taken off"
    clock[0] = "2026-03-01T12:30:00.000Z"
    assert failures.read_all(store) == {}


def test_no_failure_is_lost_and_only_so_many_are_kept(store: StateStore, clock: list[str]) -> None:
    threads = [
        threading.Thread(target=failures.enter, args=(store, "h1", "ada", f"app{n}", ["web.1"]))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures.read_all(store)["h1"]) == 8
    failures.enter(store, "h1", "ada", "shop", [f"web.{n}" for n in range(200)])
    assert len(failures.read_all(store)["h1"]) == failures.MOST


def test_one_apps_failures_are_its_own_and_those_of_several_are_the_hosts() -> None:
    def failed(*apps: str) -> tuple[Failed, ...]:
        return tuple(Failed("", app, "web.1") for app in apps)

    found = {"h1": failed("ada/shop", "ada/shop"), "h2": failed("ada/shop", "bob/blog")}
    assert that_count(found, "ada", "shop") == {"h1": 2, "h2": 2}
    assert that_count(found, "bob", "blog") == {"h2": 2}
    assert that_count(found, "", "wiki") == {"h2": 2}
