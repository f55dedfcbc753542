"""The app's lock: who has it, and what the others are told."""

from __future__ import annotations

import os
import threading
import time

import pytest

from nap_compose.cluster import app_lock
from nap_compose.cluster.state import StateStore
from nap_compose.errors import Locked
from nap_compose.exits import Exit


def test_the_second_is_told_who_has_it(store: StateStore) -> None:
    with app_lock.take(store, "ada", "shop", who="Ada", deployment="d" * 32):
        with pytest.raises(Locked) as caught:
            app_lock.take(store, "ada", "shop", who="Bob", deployment="e" * 32)
        holder = app_lock.holder(store, "ada", "shop")
    assert holder is not None
    said = str(caught.value)
    assert said == (
        f"ada/shop is locked by Ada since {holder.since}, from {app_lock.origin()} "
        "(deployment dddddddd)"
    )
    assert f"pid {os.getpid()}" in said
    assert caught.value.exit_code is Exit.LOCKED
    assert app_lock.holder(store, "ada", "shop") is None


def test_apps_are_locked_apart(store: StateStore) -> None:
    with (
        app_lock.take(store, "ada", "shop", who="ada", deployment="1"),
        app_lock.take(store, "bob", "shop", who="bob", deployment="2"),
        app_lock.take(store, "", "shop", who="", deployment="3") as third,
    ):
        assert not third.lost
        assert [entry.key for entry in store.list("lock/")] == [
            "lock/app/-/shop",
            "lock/app/ada/shop",
            "lock/app/bob/shop",
        ]


def test_one_who_waits_gets_it_when_it_is_free(store: StateStore) -> None:
    first = app_lock.take(store, "", "shop", who="ada", deployment="1")
    threading.Timer(0.7, first.release).start()
    started = time.monotonic()
    with app_lock.take(store, "", "shop", who="bob", deployment="2", wait=60) as second:
        assert 0.6 < time.monotonic() - started < 40
        assert second.fence > first.fence


def test_one_who_waits_is_told_in_the_end(store: StateStore) -> None:
    with app_lock.take(store, "", "shop", who="ada", deployment="1"):
        started = time.monotonic()
        with pytest.raises(Locked, match=r"^shop is locked by ada since"):
            app_lock.take(store, "", "shop", who="bob", deployment="2", wait=0.8)
        assert 0.7 < time.monotonic() - started < 20
