"""Turns: deployments that let each other go first, and never stand in each other's way."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nap_compose.cluster import turns
from nap_compose.cluster.state import StateStore, StoreAway

KEY = "turn/host/h1"


def test_what_several_do_on_one_host_comes_one_after_another(store: StateStore) -> None:
    inside, most, guard = 0, 0, threading.Lock()

    def join(_: int) -> None:
        nonlocal inside, most
        with turns.joining(store, "h1"):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.05)
            with guard:
                inside -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(join, range(8)))
    assert most == 1
    assert store.get(KEY) is None, "nothing stays behind"


def test_another_host_has_turns_of_its_own(store: StateStore) -> None:
    with turns.joining(store, "h1"), turns.joining(store, "h2", patience=0):
        assert [entry.key for entry in store.list("turn/")] == [KEY, "turn/host/h2"]


def test_the_turn_of_one_who_died_is_over_soon(store: StateStore) -> None:
    store.put(KEY, {"since": "2999-01-01T00:00:00.000Z"})  # whatever its clock said
    with turns.joining(store, "h1", lasts=0.3):
        entry = store.get(KEY)
        assert entry is not None
        assert entry.value["since"] < "2999"
    assert store.get(KEY) is None


def test_nobody_waits_for_ever(store: StateStore) -> None:
    with turns.joining(store, "h1"):
        version = store.get(KEY)
        with turns.joining(store, "h1", patience=0.3):
            assert store.get(KEY) == version
        assert store.get(KEY) == version, "it wasn't the other's to end"


def test_what_fails_in_a_turn_ends_it(store: StateStore) -> None:
    with pytest.raises(ZeroDivisionError), turns.joining(store, "h1"):
        raise ZeroDivisionError
    assert store.get(KEY) is None


def test_without_a_store_one_goes_on(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreAway("no Consul")

    monkeypatch.setattr(type(store), "get", away)
    done = False
    with turns.joining(store, "h1"):
        done = True
    assert done
