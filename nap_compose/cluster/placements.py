"""Where each replica of an app was last placed.

The engines are the truth; this tells only of replicas on hosts that aren't seen at the moment, so
that nobody takes them for missing and makes them twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import StateStore


def write(store: StateStore, owner: str, app: str, hosts: Mapping[str, str]) -> None:
    """Keep slot → host (`web.2` → `h1`). Written under the app's lock, so unconditionally."""
    store.put(state_keys.placement(owner, app), dict(hosts))


def read(store: StateStore, owner: str, app: str) -> dict[str, str]:
    """Slot → host, empty where nothing was placed yet."""
    entry = store.get(state_keys.placement(owner, app))
    return {str(slot): str(host) for slot, host in entry.value.items()} if entry else {}


def read_all(store: StateStore) -> dict[tuple[str, str], dict[str, str]]:
    """(owner, app) → slot → host, for every app; the owner is empty where there are no users."""
    found = {}
    for entry in store.list(state_keys.PLACEMENTS):
        owner, _, app = entry.key[len(state_keys.PLACEMENTS) :].partition("/")
        slots = {str(slot): str(host) for slot, host in entry.value.items()}
        found["" if owner == state_keys.NO_OWNER else owner, app] = slots
    return found


def delete(store: StateStore, owner: str, app: str) -> None:
    """Forget it: the app is down."""
    store.delete(state_keys.placement(owner, app))
