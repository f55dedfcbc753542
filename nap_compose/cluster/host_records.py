"""What was set for a host by command: its state and its labels. Both win over the cluster file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import Lost, StateStore
from nap_compose.cluster.view import HostState
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass

_TRIES = 20
BEGUN, RAN = UPGRADES = ("begun", "ran")


@dataclass(frozen=True)
class HostRecord:
    """The state that people want a host in, and labels to add to those of the file.

    A label with the value None takes one of the file's away. `upgrade` says how far an upgrade of
    the host has come: BEGUN, RAN (its command did, to a good end), or empty: none is under way.
    """

    state: HostState = HostState.ACTIVE
    labels: Mapping[str, str | None] = field(default_factory=dict)
    upgrade: str = ""

    def over(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The file's labels with this record's over them."""
        merged = {**labels, **self.labels}
        return {key: value for key, value in merged.items() if value is not None}


def read_all(store: StateStore) -> dict[str, HostRecord]:
    """Every host for which something was set, by name."""
    return {
        entry.key[len(state_keys.HOSTS) :]: _record(entry.value)
        for entry in store.list(state_keys.HOSTS)
    }


def set_state(store: StateStore, host: str, state: HostState) -> HostRecord:
    """Set what people want of the host; gives the record as it then is."""
    return _change(store, host, lambda record: replace(record, state=state))


def set_upgrade(store: StateStore, host: str, upgrade: str) -> HostRecord:
    """Keep how far an upgrade of the host has come; empty: it is over."""
    return _change(store, host, lambda record: replace(record, upgrade=upgrade))


def set_labels(store: StateStore, host: str, labels: Mapping[str, str | None]) -> HostRecord:
    """Set these labels and leave the others; None takes a label of the file away."""
    return _change(store, host, lambda record: replace(record, labels={**record.labels, **labels}))


def _change(store: StateStore, host: str, change: Callable[[HostRecord], HostRecord]) -> HostRecord:
    key = state_keys.host(host)
    for _ in range(_TRIES):
        entry = store.get(key)
        value: dict[str, Any] = entry.value if entry else {}
        record = change(_record(value))
        # What others keep in the same record stays.
        value = {**value, "state": record.state.value, "labels": dict(record.labels)}
        value.pop("upgrade", None)
        value |= {"upgrade": record.upgrade} if record.upgrade else {}
        try:
            store.put(key, value, if_version=entry.version if entry else 0)
        except Lost:
            continue
        return record
    raise NapError("the host's record kept changing while nap wrote to it", host=host)


def _record(value: Mapping[str, Any]) -> HostRecord:
    state = HostState(value.get("state", "active"))
    return HostRecord(state, value.get("labels", {}), str(value.get("upgrade", "")))
