"""Looking at an app's containers while many steps wait: one list a host serves them all, and what
its engine tells keeps that list true."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.engine import Events
from nap_compose.cluster.observe import DEADLINE
from nap_compose.cluster.view import ContainerView
from nap_compose.orchestration.steps.hearing import Hearing

FRESH = 0.1
"""Seconds for which a list serves all who look."""

SHARE = 10
"""How many times longer than a list took it serves all who look."""

SLOW = 1.0
"""Seconds for which a list serves while its host's engine tells what happens: a stream may hang,
and then nothing comes but looks like peace."""

Look = Callable[[str], Mapping[str, ContainerView]]
"""Lists the app's containers on one host, by id."""

Listen = Callable[[str], Events]
"""Listens to what one host's engine tells of the app's containers."""


class Snapshots:
    """Recent lists of each host's containers, shared between threads.

    However many steps wait for containers of a host, its engine is asked for one list at a time.
    Without `listen` they do nothing but look.
    """

    def __init__(self, look: Look, listen: Listen | None = None) -> None:
        self._look = look
        self._listen = listen
        self._guard = threading.Lock()
        self._hosts: dict[str, _Host] = {}

    def recent(self, host: str, after: float) -> Mapping[str, ContainerView]:
        """A list that was asked for after the moment `after`, and not long ago.

        Not long is what keeps an engine at other work most of the time: long lists of a busy one
        may be a little older.
        """
        fresh = max(FRESH, SHARE * self._host(host).took)
        return self.since(host, max(after, time.monotonic() - fresh))

    def heard(self, host: str, after: float) -> Mapping[str, ContainerView]:
        """A list that was asked for after the moment `after`, as it is by what the engine has told
        since; one not long ago where the engine tells nothing, or something that only a list
        explains."""
        entry = self._host(host)
        peace = entry.hearing.peace_since
        if peace is None:
            return self.recent(host, after)
        return self.since(host, max(after, peace, time.monotonic() - SLOW))

    def since(self, host: str, moment: float) -> Mapping[str, ContainerView]:
        """A list that was asked for at `moment` (monotonic seconds) or later.

        Raises EngineAway where the host doesn't answer.
        """
        entry = self._host(host)
        with entry.lock:
            if entry.asked is None or entry.asked < moment:
                asked = time.monotonic()
                entry.containers = self._look(host)
                entry.asked = asked
                entry.took = time.monotonic() - asked
            return entry.containers

    def last(self, host: str) -> Mapping[str, ContainerView]:
        """The last list, however old; raises EngineAway where there is none and the host doesn't
        answer."""
        return self.since(host, float("-inf"))

    def known_since(self, host: str, moment: float) -> Mapping[str, ContainerView] | None:
        """A list that was asked for at `moment` or later, None where nobody asked."""
        entry = self._host(host)
        with entry.lock:
            fresh = entry.asked is not None and entry.asked >= moment
            return entry.containers if fresh else None

    def look_at_all(self, hosts: Iterable[str], moment: float) -> None:
        """Have a list of each host that was asked for at `moment` or later, of all at once. Who
        doesn't answer is asked again by whoever wants to know."""
        looks = {host: partial(self.since, host, moment) for host in hosts}
        if len(looks) > 1:
            for _ in ask_each(looks, deadline=DEADLINE):
                pass

    def listen(self, host: str) -> None:
        """Begin to listen to the host's engine, where nobody does yet; waits for nothing."""
        if self._listen is not None:
            entry = self._host(host)
            entry.hearing.begin(partial(self._listen, host), entry.healthy)

    def pause(self, host: str, container: str, seconds: float) -> None:
        """Wait so long, or until the engine tells something of the container."""
        self._host(host).hearing.wait(container, seconds)

    def wake(self, host: str, container: str) -> None:
        """Wake who pauses for the container's sake."""
        self._host(host).hearing.wake(container)

    def ended_since(self, host: str, container: str, moment: float) -> bool:
        """Whether the engine has told, after that moment, that the container's process ended."""
        return self._host(host).hearing.ended_since(container, moment)

    def close(self) -> None:
        """Listen no more."""
        with self._guard:
            hosts = list(self._hosts.values())
        for entry in hosts:
            entry.hearing.close()

    def _host(self, host: str) -> _Host:
        with self._guard:
            return self._hosts.setdefault(host, _Host())


class _Host:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: float | None = None
        self.took = 0.0
        self.containers: Mapping[str, ContainerView] = {}
        self.hearing = Hearing()

    def healthy(self, container: str) -> None:
        """The engine tells that a container has become healthy.

        A list that is under way is waited for: whether it knows of that or not, it's true then.
        """
        with self.lock:
            found = self.containers.get(container)
            if found is not None and found.state == "running" and found.health == "starting":
                self.containers = {**self.containers, container: replace(found, health="healthy")}
