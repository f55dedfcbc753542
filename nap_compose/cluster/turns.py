"""Turns: one deployment at a time brings overlay networks to a host of a swarm.

An engine that joins a network asks another engine for all that this one knows of it. It keeps one
such question in mind for each engine it asks: of two at once, the first waits 30 s for an answer
that has come. So deployments let each other go first. A turn is a courtesy and no lock: nobody
waits for one for ever, and who gets none goes on without.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nap_compose.clock import utc_now
from nap_compose.cluster import state_keys
from nap_compose.cluster.state import Lost, StateStore, StoreAway

LASTS = 5.0
"""Seconds after which a turn is over, whatever became of who had it. A join takes one or two."""

PATIENCE = 20.0
"""For how long a turn is waited for, seconds."""

LOOK = 0.1
"""Seconds between two looks."""


@contextmanager
def joining(
    store: StateStore, host: str, *, lasts: float = LASTS, patience: float = PATIENCE
) -> Iterator[None]:
    """What is done in the block comes after what others do in theirs for the same host.

    A store that is away, or a turn that doesn't come within `patience` seconds, stops nobody.
    """
    key = state_keys.turn(host)
    version = None
    with suppress(StoreAway):
        version = _take(store, key, lasts, patience)
    try:
        yield
    finally:
        if version is not None:
            with suppress(Lost, StoreAway):
                store.delete(key, version)


def _take(store: StateStore, key: str, lasts: float, patience: float) -> int | None:
    """The version of the record that says the turn is ours; None where it didn't come."""
    began = since = time.monotonic()
    seen = -1
    while True:
        entry = store.get(key)
        version = entry.version if entry else 0
        if version != seen:  # told by one's own clock alone: others' may be wrong
            seen, since = version, time.monotonic()
        if entry is None or time.monotonic() - since > lasts:
            with suppress(Lost):
                return store.put(key, {"since": utc_now()}, version)
        if time.monotonic() - began > patience:
            return None
        time.sleep(LOOK)
