"""Proof that a host is gone: nothing on it can write to what it shares with others any more.

Silence is no proof: a host that was cut off goes on writing to a shared volume. What stands there
may be used elsewhere once the host's `fence` command ended well (its power is off), or a person
said so with `nap host confirm-lost`. A host that answers again has no proof against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import StateStore
from nap_compose.plaindata import dataclass

FENCED = "fence"
CONFIRMED = "person"


@dataclass(frozen=True)
class Proof:
    """That `host` is gone: `how` is FENCED or CONFIRMED, by `who` (a person's or a watcher's
    name), `at` (UTC)."""

    host: str
    how: str
    who: str
    at: str

    @property
    def text(self) -> str:
        """For a person: `confirmed lost by ada at …`."""
        done = "confirmed lost" if self.how == CONFIRMED else "fenced"
        return f"{done} by {self.who} at {self.at}"


class Proofs(Protocol):
    """What is proved of the hosts. Raises StoreAway: what can't be read is not proved."""

    def of(self, host: str) -> Proof | None:
        """The proof that the host is gone; None where there is none."""


class StoredProofs:
    """Proofs in the state store, under `lost/HOST`."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def of(self, host: str) -> Proof | None:
        entry = self._store.get(state_keys.lost(host))
        return _read(host, entry.value) if entry else None

    def all(self) -> dict[str, Proof]:
        """Every proof, by host."""
        found = {}
        for entry in self._store.list(state_keys.LOST):
            host = entry.key[len(state_keys.LOST) :]
            found[host] = _read(host, entry.value)
        return found

    def enter(self, proof: Proof) -> None:
        """Keep it; a later one replaces an earlier one."""
        value = {"how": proof.how, "who": proof.who, "at": proof.at}
        self._store.put(state_keys.lost(proof.host), value)

    def withdraw(self, host: str) -> None:
        """The host is back; harmless where nothing was proved."""
        self._store.delete(state_keys.lost(host))


def _read(host: str, value: Mapping[str, Any]) -> Proof:
    return Proof(host, str(value["how"]), str(value["who"]), str(value["at"]))
