"""Looking at an app's containers while many steps wait: one list a host serves them all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from nap_compose.cluster.view import ContainerView

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

    def since(self, host: str, moment: float) -> Mapping[str, ContainerView]:
        """A list that was asked for at `moment` (monotonic seconds) or later.

        Raises EngineAway where the host doesn't answer.
        """
        with self._guard:
            entry = self._hosts.setdefault(host, _Host())
        with entry.lock:
            if entry.asked < moment:
                asked = time.monotonic()
                entry.containers = self._look(host)
                entry.asked = asked
            return entry.containers


class _Host:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked = float("-inf")
        self.containers: Mapping[str, ContainerView] = {}
