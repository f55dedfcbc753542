"""The app's lock: one deployment at a time changes an app. Taken before observing."""

from __future__ import annotations

import os
import pwd
import socket
import time
from collections.abc import Mapping
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.cluster import state_keys
from nap_compose.cluster.state import Held, Lease, StateStore
from nap_compose.errors import Locked
from nap_compose.plaindata import dataclass
from nap_compose.text import app_called

TTL = 15.0
"""Seconds after which a holder that was cut off counts as gone."""

BRIEF = 10.0
"""Seconds for which everybody waits for who is brief."""

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
    brief: bool = False,
) -> Lease:
    """The app's lock, for `deployment`; waits up to `wait` seconds for another to end, and in any
    case for one that said it would be `brief`, as the watcher is that starts a container again.

    Raises Locked, which says who holds it, and StoreAway. Ask `lost` before each step.
    """
    key = state_keys.app_lock(owner, app)
    holder = {"who": who, "since": utc_now(), "origin": origin(), "deployment": deployment}
    if brief:
        holder["brief"] = "yes"
    began = time.monotonic()
    while True:
        try:
            return store.lease(key, holder, ttl)
        except Held as held:
            patience = max(wait, BRIEF) if held.holder.get("brief") else wait
            left = began + patience - time.monotonic()
            if left <= 0:
                raise _locked(owner, app, LockHolder.of(held.holder)) from held
        time.sleep(min(RETRY, left))


def holder(store: StateStore, owner: str, app: str) -> LockHolder | None:
    """Who holds the app now, None where nobody does."""
    entry = store.get(state_keys.app_lock(owner, app))
    return LockHolder.of(entry.value) if entry else None


_served: list[str] = []


def serves(caller: str) -> None:
    """Say for which of the system's users this process works, where that isn't its own."""
    _served[:] = [caller]


def origin() -> str:
    """From where somebody works, for people: `user@machine pid 123`."""
    try:
        user = _served[0] if _served else pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # no name for this user id
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} pid {os.getpid()}"


def _locked(owner: str, app: str, holder: LockHolder) -> Locked:
    name = app_called(owner, app)
    hint = "wait until it is done; the lock of a process that has died goes within a minute"
    if not holder.deployment:
        return Locked(f"{name} is locked: its last deployment has only just ended", hint=hint)
    return Locked(
        f"{name} is locked by {holder.who or 'somebody'} since {holder.since}, "
        f"from {holder.origin} (deployment {holder.deployment[:8]})",
        hint=hint,
    )
