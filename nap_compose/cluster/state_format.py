"""The format of the state store's keys and values: an older nap reads what a newer one wrote, and
writes nothing there.

`format` is a key itself. Where it is missing the format is the first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import Delete, Entry, Lease, Put, StateStore
from nap_compose.errors import NapError

FORMAT = 1
"""What this nap writes. It grows with each change that an older nap would misread or undo."""

LOOK_AGAIN = 10.0
"""Seconds for which a look at the key counts."""


class NewerState(NapError):
    """A newer nap has written to the state store."""


class FormatStore:
    """A StateStore whose writes first make sure that no newer nap has taken it over. Raises
    NewerState."""

    def __init__(self, inner: StateStore) -> None:
        self.inner = inner
        self._looked = float("-inf")

    def get(self, key: str) -> Entry | None:
        return self.inner.get(key)

    def put(self, key: str, value: Any, if_version: int | None = None) -> int:
        self._check()
        return self.inner.put(key, value, if_version)

    def delete(self, key: str, if_version: int | None = None) -> None:
        self._check()
        self.inner.delete(key, if_version)

    def list(self, prefix: str) -> Sequence[Entry]:
        return self.inner.list(prefix)

    def watch(self, prefix: str, after: int, timeout: float) -> tuple[Sequence[Entry], int]:
        return self.inner.watch(prefix, after, timeout)

    def lease(self, key: str, holder: Mapping[str, Any], ttl: float = 15.0) -> Lease:
        self._check()
        return self.inner.lease(key, holder, ttl)

    def batch(self, ops: Sequence[Put | Delete]) -> None:
        self._check()
        self.inner.batch(ops)

    def close(self) -> None:
        self.inner.close()

    def _check(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_AGAIN:
            return
        found = found_in(self.inner)
        if found > FORMAT:
            raise NewerState(
                f"a newer nap has written to the state store (format {found}, this one writes "
                f"{FORMAT}), so this one only reads",
                hint="bring nap up to date on this machine: pip install --upgrade nap-compose",
            )
        self._looked = now


def found_in(store: StateStore) -> int:
    """The format of what is there."""
    entry = store.get(state_keys.FORMAT)
    return int(entry.value["keys"]) if entry else 1


def begin_anew(store: StateStore) -> None:
    """Say which format what was just written has."""
    store.put(state_keys.FORMAT, {"keys": FORMAT})
