"""What every state store must do: one class that the tests of each store inherit."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nap_compose.cluster.state import (
    BATCH,
    LARGEST,
    Delete,
    Held,
    Lease,
    Lost,
    Put,
    StateStore,
)
from tests.support.cpu_race import Race
from tests.support.state_child import Spec


class Child:
    """A process that holds a lease."""

    def __init__(self, spec: Spec, key: str, ttl: float) -> None:
        self.process = subprocess.Popen(
            spec.argv("hold", key, str(ttl)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the child ended without a word"
        found: dict[str, Any] = json.loads(line)
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


class StateConformance:
    """Inherited with a fixture `spec` that names an empty store of its own for each test."""

    ttl: float
    """The shortest lease that the store grants, in seconds."""

    @pytest.fixture
    def store(self, spec: Spec) -> Iterator[StateStore]:
        store = spec.open()
        yield store
        store.close()

    @pytest.fixture
    def other(self, spec: Spec) -> Iterator[StateStore]:
        """The same store, as another process would open it."""
        store = spec.open()
        yield store
        store.close()

    def test_a_key_that_was_never_written_is_none(self, store: StateStore) -> None:
        assert store.get("host/h1") is None

    @pytest.mark.parametrize(
        "value",
        [None, True, 0, 1.5, "", "text", [], {"a": [1, {"b": None}]}, "naïve ☂ \u0000 \U0001f433"],
        ids=repr,
    )
    def test_a_value_comes_back_as_it_was(
        self, store: StateStore, other: StateStore, value: Any
    ) -> None:
        version = store.put("host/h1", value)
        entry = other.get("host/h1")
        assert entry is not None
        assert (entry.key, entry.value, entry.version) == ("host/h1", value, version)

    def test_each_write_has_a_higher_version_over_the_whole_store(self, store: StateStore) -> None:
        versions = [store.put(key, 1) for key in ("a", "b", "a", "c/d")]
        store.delete("a")
        versions.append(store.put("a", 1))
        assert versions == sorted(set(versions))
        assert versions[0] > 0

    def test_put_if_version(self, store: StateStore, other: StateStore) -> None:
        first = store.put("k", 1)
        second = other.put("k", 2, if_version=first)
        with pytest.raises(Lost):
            store.put("k", 3, if_version=first)
        entry = store.get("k")
        assert entry is not None and (entry.value, entry.version) == (2, second)

    def test_put_if_version_0_only_makes_the_key(self, store: StateStore) -> None:
        store.put("k", 1, if_version=0)
        with pytest.raises(Lost):
            store.put("k", 2, if_version=0)
        store.delete("k")
        store.put("k", 3, if_version=0)

    def test_put_if_version_on_a_key_that_is_gone(self, store: StateStore) -> None:
        version = store.put("k", 1)
        store.delete("k")
        with pytest.raises(Lost):
            store.put("k", 2, if_version=version)
        assert store.get("k") is None

    def test_delete(self, store: StateStore) -> None:
        store.put("k", 1)
        store.delete("k")
        store.delete("k")
        assert store.get("k") is None

    def test_delete_if_version(self, store: StateStore) -> None:
        first = store.put("k", 1)
        second = store.put("k", 2)
        with pytest.raises(Lost):
            store.delete("k", if_version=first)
        assert store.get("k") is not None
        store.delete("k", if_version=second)
        assert store.get("k") is None
        with pytest.raises(Lost):
            store.delete("k", if_version=second)

    def test_list_gives_what_begins_so_sorted(self, store: StateStore) -> None:
        for key in ("host/h2", "host/h10", "hosts", "host/é", "claim/host/h1", "host/h1"):
            store.put(key, key.upper())
        store.delete("host/h2")
        assert [entry.key for entry in store.list("host/")] == ["host/h1", "host/h10", "host/é"]
        assert [entry.key for entry in store.list("host")][-1] == "hosts"
        assert len(store.list("")) == 5
        assert store.list("nothing/") == []
        assert store.list("host/h10")[0].value == "HOST/H10"

    @pytest.mark.parametrize(
        "key",
        [
            "lock/app/ada-2elovelace/größe",
            "a b/c?d&e=f#g",
            "100%/+%2F",
            "☂/\U0001f433",
            "a:b/@;,",
            '"',
        ],
    )
    def test_keys_of_any_letters(self, store: StateStore, key: str) -> None:
        store.put(key, "x")
        assert [entry.key for entry in store.list("")] == [key]
        entry = store.get(key)
        assert entry is not None and entry.key == key
        store.batch([Put(key, "y", entry.version)])
        with store.lease(key, {"who": "me"}, self.ttl):
            pass
        assert store.get(key) is None

    @pytest.mark.parametrize("key", ["", "/", "/a", "a/", "a//b", "a/../b", "./a", "a\0b"])
    def test_what_is_no_key_is_refused(self, store: StateStore, key: str) -> None:
        for attempt in (
            lambda: store.get(key),
            lambda: store.put(key, 1),
            lambda: store.delete(key),
            lambda: store.lease(key, {}),
            lambda: store.batch([Put(key, 1)]),
        ):
            with pytest.raises(ValueError, match="no key"):
                attempt()
        assert store.list("") == []

    def test_the_largest_value_and_one_byte_more(self, store: StateStore) -> None:
        whole = "x" * (LARGEST - 2)  # and two quotes
        store.put("k", whole)
        entry = store.get("k")
        assert entry is not None and entry.value == whole
        with pytest.raises(ValueError, match="bytes"):
            store.put("k", whole + "x")
        with pytest.raises(ValueError, match="bytes"):
            store.put("k", "é" * (LARGEST // 2))
        assert store.get("k") == entry

    def test_what_is_no_json_is_refused(self, store: StateStore) -> None:
        with pytest.raises((ValueError, TypeError)):
            store.put("k", float("nan"))
        with pytest.raises((ValueError, TypeError)):
            store.put("k", object())
        assert store.get("k") is None

    def test_batch_writes_all(self, store: StateStore) -> None:
        a, b = store.put("a", 1), store.put("b", 1)
        store.batch([Put("a", 2, a), Delete("b", b), Put("c", 3, 0), Put("d", 4), Delete("e")])
        assert {entry.key: entry.value for entry in store.list("")} == {"a": 2, "c": 3, "d": 4}

    @pytest.mark.parametrize(
        "misfit",
        [Put("a", 0, 1), Put("a", 0, 0), Delete("a", 1), Delete("gone", 1), Put("gone", 0, 1)],
    )
    def test_batch_writes_nothing_when_one_does_not_fit(
        self, store: StateStore, misfit: Put | Delete
    ) -> None:
        store.put("a", "old")
        before = store.list("")
        with pytest.raises(Lost):
            store.batch([Put("first", 1), misfit, Put("last", 1)])
        assert store.list("") == before

    def test_batch_of_the_most_operations(self, store: StateStore) -> None:
        store.batch([])
        store.batch([Put(f"k/{number:02}", number) for number in range(BATCH)])
        entries = store.list("k/")
        assert [entry.value for entry in entries] == list(range(BATCH))
        store.batch([Delete(entry.key, entry.version) for entry in entries[: BATCH // 2]])
        assert len(store.list("k/")) == BATCH // 2
        too_many = [
            [Put(f"x/{number}", number) for number in range(BATCH + 1)],
            [Delete(entry.key, entry.version) for entry in entries[: BATCH // 2 + 1]],
        ]
        for ops in too_many:
            with pytest.raises(ValueError, match=str(BATCH)):
                store.batch(ops)
        with pytest.raises(ValueError, match="twice"):
            store.batch([Put("k", 1), Delete("k")])
        with pytest.raises(ValueError, match="bytes"):
            store.batch([Put(key, "x" * (LARGEST // 2)) for key in "abc"])
        assert len(store.list("")) == BATCH // 2

    def test_watch_from_nowhere_returns_at_once(self, store: StateStore) -> None:
        started = time.monotonic()
        entries, after = store.watch("k/", 0, timeout=60)
        assert entries == [] and after >= 0
        store.put("k/a", 1)
        entries, _ = store.watch("k/", 0, timeout=60)
        assert [entry.key for entry in entries] == ["k/a"]
        assert time.monotonic() - started < 40

    def test_watch_ends_after_its_timeout(self, store: StateStore) -> None:
        store.put("k/a", 1)
        _, after = store.watch("k/", 0, timeout=0)
        started = time.monotonic()
        entries, again = store.watch("k/", after, timeout=0.5)
        assert 0.4 < time.monotonic() - started < 20
        assert [entry.key for entry in entries] == ["k/a"] and again >= after

    @pytest.mark.parametrize("change", ["put", "new", "delete", "batch", "lease"])
    def test_watch_sees_a_change(self, store: StateStore, other: StateStore, change: str) -> None:
        store.put("k/a", 1)
        _, after = store.watch("k/", 0, timeout=0)
        leases: list[Lease] = []
        changes = {
            "put": lambda: other.put("k/a", 2),
            "new": lambda: other.put("k/b", 2),
            "delete": lambda: other.delete("k/a"),
            "batch": lambda: other.batch([Put("k/a", 2), Put("elsewhere", 1)]),
            "lease": lambda: leases.append(other.lease("k/lock", {"who": "me"}, self.ttl)),
        }
        timer = threading.Timer(0.3, changes[change])
        timer.start()
        started = time.monotonic()
        entries, newer = store.watch("k/", after, timeout=60)
        took = time.monotonic() - started
        timer.join()
        assert 0.2 < took < 40
        assert newer > after
        values = {entry.key: entry.value for entry in entries}
        assert values != {"k/a": 1}
        for lease in leases:
            lease.release()

    def test_watch_misses_nothing_between_two_calls(
        self, store: StateStore, other: StateStore
    ) -> None:
        other.put("k/a", 1)
        _, after = store.watch("k/", 0, timeout=0)
        other.delete("k/a")
        started = time.monotonic()
        entries, _ = store.watch("k/", after, timeout=60)
        assert entries == [] and time.monotonic() - started < 40

    def test_a_lease_is_one_holders(self, store: StateStore, other: StateStore) -> None:
        with store.lease("lock/a", {"who": "ada"}, self.ttl) as lease:
            entry = store.get("lock/a")
            assert entry is not None and entry.value == {"who": "ada"}
            assert not lease.lost
            for each in (store, other):
                with pytest.raises(Held) as held:
                    each.lease("lock/a", {"who": "bob"}, self.ttl)
                assert held.value.holder == {"who": "ada"}
            with other.lease("lock/b", {"who": "bob"}, self.ttl):
                pass
        assert lease.lost
        assert store.get("lock/a") is None

    def test_a_lease_is_taken_again_at_once_after_its_release(
        self, store: StateStore, other: StateStore
    ) -> None:
        fences = []
        for each in (store, other, store, store):
            lease = each.lease("lock/a", {}, self.ttl)
            fences.append(lease.fence)
            lease.release()
            lease.release()
        assert fences == sorted(set(fences))

    def test_an_old_release_leaves_the_next_holder_alone(
        self, store: StateStore, other: StateStore
    ) -> None:
        first = store.lease("lock/a", {"who": "ada"}, self.ttl)
        first.release()
        with other.lease("lock/a", {"who": "bob"}, self.ttl) as second:
            first.release()
            with pytest.raises(Held):
                store.lease("lock/a", {"who": "eve"}, self.ttl)
            assert not second.lost

    def test_the_fence_is_the_version_of_the_key(self, store: StateStore) -> None:
        before = store.put("k", 1)
        with store.lease("lock/a", {}, self.ttl) as lease:
            entry = store.get("lock/a")
            assert entry is not None and entry.version == lease.fence > before

    def test_a_lease_outlives_its_time_while_its_holder_lives(
        self, store: StateStore, other: StateStore
    ) -> None:
        with store.lease("lock/a", {"who": "ada"}, self.ttl) as lease:
            until = time.monotonic() + 3.2 * self.ttl
            while time.monotonic() < until:
                assert not lease.lost
                with pytest.raises(Held):
                    other.lease("lock/a", {"who": "bob"}, self.ttl)
                time.sleep(self.ttl / 10)

    def test_a_lease_whose_key_was_deleted_is_lost(
        self, store: StateStore, other: StateStore
    ) -> None:
        lease = store.lease("lock/a", {"who": "ada"}, self.ttl)
        other.delete("lock/a")
        deadline = time.monotonic() + self.ttl
        while not lease.lost:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with other.lease("lock/a", {"who": "bob"}, self.ttl):
            lease.release()
            entry = store.get("lock/a")
            assert entry is not None and entry.value == {"who": "bob"}

    def test_a_killed_holders_lease_is_free_within_three_times_its_time(
        self, store: StateStore, spec: Spec
    ) -> None:
        child = Child(spec, "lock/a", self.ttl)
        try:
            fence = child.says()["fence"]
            with pytest.raises(Held) as held:
                store.lease("lock/a", {"who": "me"}, self.ttl)
            assert held.value.holder == {"who": "child"}
        finally:
            child.kill()
        with _soon(store, "lock/a", self.ttl) as lease:
            assert lease.fence > fence

    def test_a_suspended_holder_finds_its_lease_lost(self, store: StateStore, spec: Spec) -> None:
        child = Child(spec, "lock/a", self.ttl)
        try:
            fence = child.says()["fence"]
            child.process.send_signal(signal.SIGSTOP)
            with _soon(store, "lock/a", self.ttl) as lease:
                assert lease.fence > fence
                child.process.send_signal(signal.SIGCONT)
                assert child.says() == {"lost": True}
                time.sleep(self.ttl / 2)
                assert not lease.lost
                entry = store.get("lock/a")
                assert entry is not None and entry.value == {"who": "me"}
        finally:
            child.kill()

    def test_eight_processes_count_and_lose_nothing(self, store: StateStore, spec: Spec) -> None:
        children = [subprocess.Popen(spec.argv("increment", "count", "50")) for _ in range(8)]
        assert [child.wait(timeout=300) for child in children] == [0] * 8
        entry = store.get("count")
        assert entry is not None and entry.value == 400

    def test_nobody_sees_half_a_batch(self, store: StateStore, spec: Spec) -> None:
        store.batch([Put("sum/a", 100), Put("sum/b", 100)])
        children = [
            subprocess.Popen(spec.argv("move", source, target, "40"))
            for source, target in (("sum/a", "sum/b"), ("sum/b", "sum/a"), ("sum/a", "sum/b"))
        ]
        sums = set()
        while any(child.poll() is None for child in children):
            sums.add(sum(entry.value for entry in store.list("sum/")))
        assert sums == {200}
        assert [child.wait() for child in children] == [0] * 3
        assert [entry.value for entry in store.list("sum/")] == [60, 140]

    def test_of_ten_apps_just_three_get_the_last_cpu_of_three_hosts(self, spec: Spec) -> None:
        race = Race(["h1", "h2", "h3"], cpus=2.0)
        threads = [
            threading.Thread(target=race.run, args=(spec, f"app{number}")) for number in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert race.problems == []
        assert sorted(host for host, _ in race.made.values()) == ["h1", "h2", "h3"]
        assert len(race.without_room) == 7

    def test_threads_share_a_store(self, store: StateStore) -> None:
        problems: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for turn in range(20):
                    store.put(f"thread/{number}", turn)
                    store.watch(f"thread/{number}", 0, timeout=0)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert [entry.value for entry in store.list("thread/")] == [19] * 6


def _soon(store: StateStore, key: str, ttl: float) -> Lease:
    """Take a lease as soon as it is free, which must be within three times its time."""
    deadline = time.monotonic() + 3 * ttl
    while True:
        try:
            return store.lease(key, {"who": "me"}, ttl)
        except Held:
            assert time.monotonic() < deadline
            time.sleep(0.1)
