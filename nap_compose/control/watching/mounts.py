"""Which hosts have lost the cluster storage while apps run on it: each leaves a sign there, now and
then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.storage import reach

ROUNDS, LEAST = 5, 10.0
"""Sweeps between two times, and the fewest seconds."""


class Mounts:
    """Asks in a thread of its own, from `start` to `stop`; where there is no cluster storage,
    nobody."""

    def __init__(self, parts: Parts, every: float) -> None:
        """`every` so many seconds there is a sweep."""
        self._parts = parts
        self._every = max(LEAST, ROUNDS * every)
        self._lost: Mapping[str, str] = {}
        self._stop = threading.Event()

    def start(self, wanted: Callable[[], bool]) -> None:
        """Begin to ask, whenever it is `wanted`."""
        if self._parts.pool is not None:
            threading.Thread(target=self._ask, args=(wanted,), name="mounts", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def lost(self) -> Mapping[str, str]:
        """Of the hosts that could be asked those that don't reach the storage: host → why."""
        return self._lost

    def _ask(self, wanted: Callable[[], bool]) -> None:
        while not self._stop.is_set():
            if wanted():
                self._lost = lost_mounts(self._parts)
            self._stop.wait(self._every)


def lost_mounts(parts: Parts) -> Mapping[str, str]:
    """Of all hosts that can be asked those that don't reach the cluster storage: host → why."""
    if parts.pool is None:
        return {}
    try:
        parts.pool.knock()
        return reach.unreached(
            parts.pool,
            parts.engines,
            parts.cluster.hosts,
            cluster=parts.cluster.name,
            seal=parts.seal,
            sure=True,
        )
    except NapError as error:  # nobody reaches it, and whoever tried would wait
        return dict.fromkeys(parts.cluster.hosts, error.message)
