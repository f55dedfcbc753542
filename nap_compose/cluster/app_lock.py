"""The app's lock: one deployment at a time changes an app. Taken before observing."""

from __future__ import annotations

import os
import pwd
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.cluster import state_keys
from nap_compose.cluster.state import Held, Lease, StateStore
from nap_compose.errors import Locked

TTL = 15.0
"""Seconds after which a holder that was cut off counts as gone."""

RETRY = 0.5
"""Seconds between two tries of somebody who waits."""


@dataclass(frozen=True)
class LockHolder:
    """Who holds an app: the person, since when (UTC), from where, for which deployment."""

    who: str
    since: str
    origin: str
    deployment: str

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> LockHolder:
        """Read what a holder wrote; parts that are missing are empty."""
        texts = {name: str(value.get(name, "")) for name in cls.__dataclass_fields__}
        return cls(**texts)


def take(
    store: StateStore,
    owner: str,
    app: str,
    *,
    who: str,
    deployment: str,
    wait: float = 0.0,
    ttl: float = TTL,
) -> Lease:
    """The app's lock, for `deployment`; waits up to `wait` seconds for another to end.

    Raises Locked, which says who holds it, and StoreAway. Ask `lost` before each step.
    """
    key = state_keys.app_lock(owner, app)
    holder = {"who": who, "since": utc_now(), "origin": origin(), "deployment": deployment}
    deadline = time.monotonic() + wait
    while True:
        try:
            return store.lease(key, holder, ttl)
        except Held as held:
            left = deadline - time.monotonic()
            if left <= 0:
                raise _locked(owner, app, LockHolder.of(held.holder)) from held
        time.sleep(min(RETRY, left))


def holder(store: StateStore, owner: str, app: str) -> LockHolder | None:
    """Who holds the app now, None where nobody does."""
    entry = store.get(state_keys.app_lock(owner, app))
    return LockHolder.of(entry.value) if entry else None


def origin() -> str:
    """From where this process works, for people: `user@machine pid 123`."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # no name for this user id
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} pid {os.getpid()}"


def _locked(owner: str, app: str, holder: LockHolder) -> Locked:
    name = f"{owner}/{app}" if owner else app
    hint = "wait until it is done; the lock of a process that has died goes within a minute"
    if not holder.deployment:
        return Locked(f"{name} is locked: its last deployment has only just ended", hint=hint)
    return Locked(
        f"{name} is locked by {holder.who or 'somebody'} since {holder.since}, "
        f"from {holder.origin} (deployment {holder.deployment[:8]})",
        hint=hint,
    )
