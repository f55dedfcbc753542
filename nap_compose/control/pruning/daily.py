"""The leading watcher prunes once a day, in a thread of its own: what hangs delays nothing else.

A cluster that was seen only lately is left alone for a day, so that nobody who has just come here
loses what they still wanted to look at.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from nap_compose.border import PrunedRow, PruneRequest
from nap_compose.cluster import state_keys
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.state import Lease, Lost, StateStore, StoreAway
from nap_compose.control.parts import Parts
from nap_compose.control.pruning.prune import prune
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass
from nap_compose.units import show_size

DAY = 86400.0
EVERY = 60.0
"""Seconds between two looks whether it is time."""


@dataclass(frozen=True)
class Pruned:
    """`since` when a watcher knows the cluster, and when it was last pruned by one (0: never), in
    seconds since 1970."""

    since: float
    at: float = 0.0


def is_due(known: Pruned, now: float, hour: int) -> bool:
    """Whether it is time: the hour (UTC) has come since the last time, and the cluster is known
    for a day."""
    last_hour = now - (now - hour * 3600.0) % DAY
    return now >= known.since + DAY and known.at < last_hour


@contextmanager
def pruning(parts: Parts, lease: Lease, say: Callable[[str], None]) -> Iterator[None]:
    """Who leads by this lease prunes meanwhile, where the cluster file doesn't say otherwise."""
    if parts.cluster.embedded or not parts.cluster.prune.daily:
        yield
        return
    daily = Daily(parts.cluster, lease, say)
    daily.start()
    try:
        yield
    finally:
        daily.stop()


class Daily:
    """Prunes once a day, from `start` to `stop`."""

    def __init__(self, cluster: Cluster, lease: Lease, say: Callable[[str], None]) -> None:
        # What the watcher uses in its own threads isn't shared.
        self._parts = Parts(cluster)
        self._lease = lease
        self._say = say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prune", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Prune no more; what is being removed just now may still go."""
        self._stop.set()

    def _run(self) -> None:
        try:
            while not (self._stop.is_set() or self._lease.lost):
                try:
                    self._prune_if_due()
                except (StoreAway, Lost):
                    pass  # the watch says that it is away
                except NapError as error:
                    self._say(f"prune: {error}")
                except Exception as error:  # a fault of nap's own must not end it for good
                    self._say(f"prune: nap itself failed: {error!r}")
                self._stop.wait(EVERY)
        finally:
            self._parts.close()

    def _prune_if_due(self) -> None:
        now = time.time()
        known, version = read(self._parts.store)
        if known is None:
            write(self._parts.store, Pruned(now), version)
        elif is_due(known, now, self._parts.cluster.prune.hour):
            # First: where it fails, or nap is killed in it, tomorrow is soon enough.
            write(self._parts.store, Pruned(known.since, now), version)
            listing = prune(self._parts, PruneRequest())
            for warning in listing.warnings:
                self._say(f"prune: {warning}")
            self._say(f"prune: {told(listing.rows)}")


def told(rows: Sequence[PrunedRow]) -> str:
    """What went, in a sentence."""
    gone = [row for row in rows if not row.problem]
    kinds = Counter(row.kind for row in gone if row.kind in ("image", "container"))
    parts = [f"{number} {kind}{'' if number == 1 else 's'}" for kind, number in kinds.items()]
    parts += [f"{row.kind} {row.subject}" for row in gone if row.kind not in kinds]
    size = sum(row.size for row in gone)
    stays = [f"{row.subject} on {row.host} stays: {row.problem}" for row in rows if row.problem]
    went = f"removed {', '.join(parts)}" if parts else "there was nothing to remove"
    return "; ".join([f"{went} ({show_size(size)})" if size else went, *stays])


def read(store: StateStore) -> tuple[Pruned | None, int]:
    """The record, None where there is none yet, and its version. Raises StoreAway."""
    entry = store.get(state_keys.PRUNED)
    return (Pruned(**entry.value), entry.version) if entry else (None, 0)


def write(store: StateStore, pruned: Pruned, version: int) -> None:
    """Write it where nobody else has. Raises Lost, StoreAway."""
    value = {"since": pruned.since, "at": pruned.at}
    store.put(state_keys.PRUNED, value, if_version=version)
