"""Which containers that nap didn't make were found to be just what it would have made.

Their labels can't be changed, so it is kept here: each is inspected once, not at every `up`.
"""

from __future__ import annotations

from collections.abc import Mapping

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import StateStore


def read(store: StateStore, owner: str, app: str) -> dict[str, str]:
    """Container id → the config hash of the service that it is as good as made from."""
    entry = store.get(state_keys.taken_over(owner, app))
    return {str(container): str(hash_) for container, hash_ in entry.value.items()} if entry else {}


def write(store: StateStore, owner: str, app: str, hashes: Mapping[str, str]) -> None:
    """Keep it. Written under the app's lock, so unconditionally."""
    store.put(state_keys.taken_over(owner, app), dict(hashes))


def delete(store: StateStore, owner: str, app: str) -> None:
    """Forget it: none of them is left."""
    store.delete(state_keys.taken_over(owner, app))
