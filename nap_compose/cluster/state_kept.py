"""Which keys of the state store a backup holds: those that nobody could make again.

What a moment's work needs (locks, claims, turns) is over with it, and what the watcher and the
collectors write they write anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from nap_compose.cluster import state_keys as keys
from nap_compose.cluster.state import Entry, StateStore

KEPT = (
    keys.REVISION_PIECES,
    keys.CONTENT_PIECES,
    keys.CONTENTS,
    keys.REVISIONS,
    keys.PINS,
    keys.PRIVATE_IMAGES,
    keys.SHOWN_IMAGES,
    keys.SEEDING,
    keys.MOVING,
    keys.ADOPTED,
    keys.PLACEMENTS,
    keys.HOSTS,
    keys.STORAGE,
    keys.HEALTH_EVENTS,
    keys.WANTED,
)
"""What their keys begin with, in the order in which they are brought back: what is named before
what names it, and last what makes the watcher act."""

LEFT = (
    keys.LOCKS,
    keys.CLAIMS,
    keys.TAKEN_OVER,
    keys.LOGS,
    keys.LOGS_OF_HOSTS,
    keys.LOST,
    keys.FAILURES,
    keys.SUBNETS,
    keys.TURNS,
    keys.HEALTH,
    keys.HEALTH_HOSTS,
    keys.HEARTBEATS,
    keys.FORMAT,
    keys.BACKUP,
    keys.NOTIFIED,
    keys.PRUNED,
)
"""What a backup leaves out. `lost/` too: a host that was proved to be gone may be back since."""

_BY_APP = (keys.REVISION_PIECES, keys.CONTENT_PIECES)
"""Large ones, of which one app's, or one file's, are read at a time."""

_STAYING = (keys.HEALTH_EVENTS, keys.PRIVATE_IMAGES)
"""What is there also where nothing runs: the watcher writes it, or it stays with the hosts."""


def kept(store: StateStore) -> Iterator[Entry]:
    """Every entry that a backup holds, in the order in which they are to be brought back.

    What is written meanwhile may be in or not, but no revision without its pieces.
    """
    heads = [entry.key.split("/") for entry in store.list(keys.REVISIONS)]
    apps = sorted({f"{owner}/{app}/" for _, owner, app, *_ in heads})
    for app in apps:
        yield from store.list(keys.REVISION_PIECES + app)
        for head in store.list(keys.CONTENTS + app):
            yield from store.list(keys.CONTENT_PIECES + head.key.removeprefix(keys.CONTENTS) + "/")
    for prefix in KEPT:
        if prefix not in _BY_APP:
            yield from _named(store, prefix)


def any_of(store: StateStore) -> str:
    """A key of those that a backup holds, where there is any of an app's; else empty."""
    for prefix in KEPT:
        if prefix in (*_BY_APP, *_STAYING):
            continue
        for entry in _named(store, prefix):
            return entry.key
    return ""


def clear(store: StateStore) -> None:
    """Delete all of them, what names something before what is named."""
    for prefix in reversed(KEPT):
        for entry in _named(store, prefix):
            store.delete(entry.key)


def is_kept(key: str) -> bool:
    """Whether a backup may hold this key."""
    return any(key.startswith(p) if p.endswith("/") else key == p for p in KEPT)


def _named(store: StateStore, prefix: str) -> Iterator[Entry]:
    for entry in store.list(prefix):
        if prefix.endswith("/") or entry.key == prefix:
            yield entry
