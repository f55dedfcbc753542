"""Placements and what was set for hosts by command."""

from __future__ import annotations

import threading

from nap_compose.cluster import host_records, placements
from nap_compose.cluster.host_records import HostRecord
from nap_compose.cluster.state import StateStore
from nap_compose.cluster.view import HostState


def test_a_placement_comes_back_until_it_is_deleted(store: StateStore) -> None:
    assert placements.read(store, "ada", "shop") == {}
    placements.write(store, "ada", "shop", {"web.1": "h1", "web.2": "h2"})
    placements.write(store, "", "shop", {"web.1": "local"})
    placements.write(store, "ada", "shop", {"web.1": "h3"})
    assert placements.read(store, "ada", "shop") == {"web.1": "h3"}
    placements.delete(store, "ada", "shop")
    placements.delete(store, "ada", "shop")
    assert placements.read(store, "ada", "shop") == {}
    assert placements.read(store, "", "shop") == {"web.1": "local"}


def test_a_hosts_state_and_labels_are_set_apart(store: StateStore) -> None:
    assert host_records.read_all(store) == {}
    host_records.set_state(store, "h1", HostState.CORDONED)
    host_records.set_labels(store, "h1", {"disk": "ssd"})
    host_records.set_labels(store, "h1", {"zone": None})
    assert host_records.read_all(store) == {
        "h1": HostRecord(HostState.CORDONED, {"disk": "ssd", "zone": None})
    }


def test_labels_set_by_command_win_over_the_file() -> None:
    record = HostRecord(labels={"disk": "ssd", "zone": None})
    assert record.over({"zone": "a", "disk": "hdd", "rack": "3"}) == {"disk": "ssd", "rack": "3"}


def test_what_others_keep_in_a_hosts_record_stays(store: StateStore) -> None:
    store.put("host/h1", {"seen": "2026-01-01T00:00:00.000Z"})
    assert host_records.read_all(store)["h1"].state is HostState.ACTIVE
    host_records.set_state(store, "h1", HostState.DRAINED)
    entry = store.get("host/h1")
    assert entry is not None
    assert entry.value == {"seen": "2026-01-01T00:00:00.000Z", "state": "drained", "labels": {}}


def test_labels_set_at_once_are_all_kept(store: StateStore) -> None:
    threads = [
        threading.Thread(target=host_records.set_labels, args=(store, "h1", {f"l{number}": "x"}))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(host_records.read_all(store)["h1"].labels) == 8
