"""Looking at an app's containers while many steps wait: one list a host serves them all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.observe import DEADLINE
from nap_compose.cluster.view import ContainerView

FRESH = 0.1
"""Seconds for which a list serves all who look."""

SHARE = 10
"""How many times longer than a list took it serves all who look."""

Look = Callable[[str], Mapping[str, ContainerView]]
"""Lists the app's containers on one host, by id."""


class Snapshots:
    """Recent lists of each host's containers, shared between threads.

    However many steps wait for containers of a host, its engine is asked for one list at a time.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._guard = threading.Lock()
        self._hosts: dict[str, _Host] = {}

    def recent(self, host: str, after: float) -> Mapping[str, ContainerView]:
        """A list that was asked for after the moment `after`, and not long ago.

        Not long is what keeps an engine at other work most of the time: long lists of a busy one
        may be a little older.
        """
        with self._guard:
            entry = self._hosts.setdefault(host, _Host())
        fresh = max(FRESH, SHARE * entry.took)
        return self.since(host, max(after, time.monotonic() - fresh))

    def since(self, host: str, moment: float) -> Mapping[str, ContainerView]:
        """A list that was asked for at `moment` (monotonic seconds) or later.

        Raises EngineAway where the host doesn't answer.
        """
        with self._guard:
            entry = self._hosts.setdefault(host, _Host())
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
        with self._guard:
            entry = self._hosts.get(host)
        if entry is None:
            return None
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


class _Host:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: float | None = None
        self.took = 0.0
        self.containers: Mapping[str, ContainerView] = {}
