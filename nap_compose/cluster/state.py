"""The state store: small JSON values that all of nap's processes agree on.

One Protocol, two stores: Consul for a cluster, SQLite when embedded. Keys are paths without a
leading slash ("lock/app/ada/shop"); each store puts its own prefix in front. Values are JSON.
Every write gives a key a new version, a number that only grows over the whole store.
`docs/state.md` lists every key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from nap_compose.errors import Away
from nap_compose.plaindata import dataclass

BATCH = 64
"""The most operations one batch may hold (Consul 1.8's limit for a transaction)."""

LARGEST = 256 * 1024
"""The largest value in bytes of JSON; what is larger is cut into pieces by its owner."""


class StoreAway(Away):
    """The state store didn't answer."""


class Lost(Exception):
    """A compare-and-set found another version: somebody else was first."""


@dataclass(frozen=True)
class Entry:
    """A key's value and version."""

    key: str
    value: Any
    version: int


@dataclass(frozen=True)
class Put:
    """Write `value`. `if_version`: None always, 0 only if the key isn't there, else only if it
    still has that version."""

    key: str
    value: Any
    if_version: int | None = None


@dataclass(frozen=True)
class Delete:
    """Delete the key, with `if_version` only if it still has that version."""

    key: str
    if_version: int | None = None


class Lease(Protocol):
    """A key that one holder has until it lets go or dies."""

    @property
    def fence(self) -> int:
        """The version of the key when it was taken: larger for each later holder."""

    @property
    def lost(self) -> bool:
        """Whether the lease is certainly or possibly gone. Asked before each step."""

    def release(self) -> None:
        """Let go; doing so twice, or after losing it, does no harm."""

    def __enter__(self) -> Lease: ...
    def __exit__(self, *exc: object) -> None: ...


class Held(Exception):
    """Somebody else has the lease; `holder` is what they wrote about themselves."""

    def __init__(self, key: str, holder: Mapping[str, Any]) -> None:
        super().__init__(f"{key} is held by {holder}")
        self.key = key
        self.holder = holder


class StateStore(Protocol):
    """get, compare-and-set, list, watch, lease, batch. Every method raises StoreAway."""

    def get(self, key: str) -> Entry | None: ...

    def put(self, key: str, value: Any, if_version: int | None = None) -> int:
        """Write and give the new version; raises Lost where `if_version` doesn't fit."""

    def delete(self, key: str, if_version: int | None = None) -> None:
        """Delete; a key that isn't there is no error without `if_version`. Raises Lost."""

    def list(self, prefix: str) -> Sequence[Entry]:
        """Every entry whose key begins with `prefix`, sorted by key."""

    def watch(self, prefix: str, after: int, timeout: float) -> tuple[Sequence[Entry], int]:
        """Wait until something under `prefix` is newer than `after`, or `timeout` seconds.

        Gives all entries under it and the number to hand in as `after` next time.
        """

    def lease(self, key: str, holder: Mapping[str, Any], ttl: float = 15.0) -> Lease:
        """Take the key or raise Held. It is kept alive by a thread until released.

        A dead holder's lease can be taken again within three times `ttl` at the worst.
        """

    def batch(self, ops: Sequence[Put | Delete]) -> None:
        """All or nothing, at most BATCH operations; raises Lost where one doesn't fit."""

    def close(self) -> None: ...
