"""Which image each service of a revision ran: its id, not the name that may since mean another.

Written when the revision is deployed. What a host pulls only then is known only afterwards, so it
is added; what is known never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import StateStore
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Pin:
    """The image of a service: `id` is the digest of its configuration, `digest` by which it can be
    pulled (`NAME@sha256:…`), empty where no registry is known to have it."""

    id: str
    digest: str = ""


Pins = Mapping[str, Pin]
"""By service."""


def read(store: StateStore, owner: str, app: str, number: int) -> dict[str, Pin]:
    """The pins of a revision; empty for one of which none are known."""
    entry = store.get(state_keys.pins(owner, app, number))
    return _of(entry.value) if entry else {}


def read_all(store: StateStore, owner: str, app: str) -> dict[int, dict[str, Pin]]:
    """The pins of each revision of an app, by its number."""
    prefix = state_keys.pins_of(owner, app)
    return {int(entry.key[len(prefix) :]): _of(entry.value) for entry in store.list(prefix)}


def add(store: StateStore, owner: str, app: str, number: int, pins: Pins) -> None:
    """Add what is known now of a revision. Called under the app's lock, so unconditionally."""
    before = read(store, owner, app, number)
    now = {**pins, **before}
    if now != before:
        value = {service: asdict(pin) for service, pin in now.items()}
        store.put(state_keys.pins(owner, app, number), value)


def forget(store: StateStore, owner: str, app: str, number: int) -> None:
    """Forget a revision's pins, with the revision."""
    store.delete(state_keys.pins(owner, app, number))


def agree(one: Pins, other: Pins) -> bool:
    """Whether no service is known to have run different images."""
    return all(other[name].id == pin.id for name, pin in one.items() if name in other)


def everything(store: StateStore) -> dict[str, dict[int, dict[str, Pin]]]:
    """The pins of every revision of every app, by the app's part of a key."""
    found: dict[str, dict[int, dict[str, Pin]]] = {}
    for entry in store.list(state_keys.PINS):
        app, _, number = entry.key[len(state_keys.PINS) :].rpartition("/")
        found.setdefault(app, {})[int(number)] = _of(entry.value)
    return found


def _of(value: Mapping[str, Mapping[str, str]]) -> dict[str, Pin]:
    return {service: Pin(**fields) for service, fields in value.items()}
