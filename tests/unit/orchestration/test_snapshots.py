"""Lists of containers that many steps share, kept true by what the engine tells."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from nap_compose.cluster.engine import EngineAway
from nap_compose.cluster.view import Absence, ContainerView
from nap_compose.orchestration.steps import snapshots
from nap_compose.orchestration.steps.snapshots import Snapshots
from tests.support.nap import eventually
from tests.support.views import container

AGES = 3600.0


class Told:
    """Events that the test tells; None breaks the stream."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()

    def tell(self, action: str, subject: str = "c1") -> None:
        self.told.put((action, subject))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while (event := self.told.get()) is not None:
            yield {"Action": event[0], "Actor": {"ID": event[1]}}
        raise EngineAway("h1", Absence.BROKEN, "it is gone")

    def close(self) -> None:
        self.told.put(None)


class Host:
    """One host: how often it was looked at, and what a look finds."""

    def __init__(self) -> None:
        self.looks = 0
        self.events = Told()
        self.listening = threading.Event()
        self.found = {"c1": starting("c1"), "c2": starting("c2")}
        self.while_looking: Callable[[], None] = lambda: None
        self.snapshots = Snapshots(self.look, self.listen)

    def look(self, _host: str) -> Mapping[str, ContainerView]:
        self.looks += 1
        found = dict(self.found)
        self.while_looking()
        return found

    def listen(self, _host: str) -> Told:
        self.listening.set()
        return self.events

    def health(self, of: str = "c1") -> str:
        return self.snapshots.heard("h1", float("-inf"))[of].health

    def quiet(self) -> bool:
        """Whether nobody looks any more."""
        before = self.looks
        self.health()
        return self.looks == before


def seen(name: str, health: str, state: str = "running") -> ContainerView:
    return replace(container(f"{name}.1", "h1", state=state, health=health), id=name)


def starting(name: str) -> ContainerView:
    return seen(name, "starting")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """One that is listened to, and whose lists are good for ages while it tells what happens."""
    monkeypatch.setattr(snapshots, "SLOW", AGES)
    monkeypatch.setattr(snapshots, "FRESH", 0.0)
    host = Host()
    host.snapshots.listen("h1")
    eventually(host.quiet, "it is listened to")
    yield host
    host.snapshots.close()


def test_who_is_told_does_not_look(host: Host) -> None:
    looks = host.looks
    host.events.tell("health_status: healthy")
    eventually(lambda: host.health() == "healthy", "it is known")
    assert host.health("c2") == "starting"
    assert host.looks == looks


def test_who_waits_for_a_container_is_woken(host: Host) -> None:
    woken = threading.Thread(target=host.snapshots.pause, args=("h1", "c1", AGES), daemon=True)
    woken.start()
    host.events.tell("health_status: healthy", "c2")
    eventually(lambda: host.health("c2") == "healthy", "it is known")
    assert woken.is_alive()
    host.events.tell("health_status: healthy")
    woken.join(60)
    assert not woken.is_alive()


@pytest.mark.parametrize("action", ["die", "oom", "destroy", "health_status: unhealthy"])
def test_anything_but_good_news_is_looked_into(host: Host, action: str) -> None:
    host.found = {}
    host.events.tell(action)
    eventually(lambda: not host.snapshots.heard("h1", float("-inf")), "a look")


def test_a_probe_that_begins_is_no_news(host: Host) -> None:
    host.events.tell("health_status: running")
    host.events.tell("health_status: healthy")
    eventually(lambda: host.health() == "healthy", "it is known")
    assert host.quiet()


def test_a_lost_stream_means_looks_again(host: Host) -> None:
    host.events.close()
    eventually(lambda: not host.quiet(), "looks")


def test_what_is_told_during_a_look_counts(host: Host) -> None:
    """The list was made before, and comes after."""

    def told() -> None:
        host.events.tell("health_status: healthy")
        eventually(host.events.told.empty, "it is told")

    host.while_looking = told
    host.snapshots.since("h1", time.monotonic())
    host.while_looking = lambda: None
    eventually(lambda: host.health() == "healthy", "it is known")


def test_news_that_is_older_than_the_list_changes_nothing(host: Host) -> None:
    host.found = {"c1": seen("c1", "none", "exited"), "c2": starting("c2")}
    host.snapshots.since("h1", time.monotonic())
    host.events.tell("health_status: healthy")
    host.events.tell("health_status: healthy", "c2")
    eventually(lambda: host.health("c2") == "healthy", "it is known")
    assert host.health() == "none"


def test_without_a_stream_a_list_is_not_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream may hang: then the next look tells, which comes all the same."""
    monkeypatch.setattr(snapshots, "SLOW", 0.0)
    monkeypatch.setattr(snapshots, "FRESH", 0.0)
    host = Host()
    host.snapshots.listen("h1")
    assert host.listening.wait(60)
    host.found["c1"] = seen("c1", "healthy")
    eventually(lambda: host.health() == "healthy", "it is known")
    host.snapshots.close()


def test_who_is_done_listens_no_more() -> None:
    host = Host()
    host.snapshots.listen("h1")
    assert host.listening.wait(60)
    host.snapshots.close()
    eventually(host.events.told.empty, "the stream ends")
