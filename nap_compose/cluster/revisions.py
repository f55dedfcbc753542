"""Revisions: an app's rendered model, numbered, sealed, and never changed.

A revision is written before the first step of the deployment that brings it about, so that
rollback and failover need neither the person's files nor the records.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.cluster import state_keys
from nap_compose.cluster.cipher import BadCipherText, Cipher
from nap_compose.cluster.state import LARGEST, Lost, StateStore
from nap_compose.compose.model import App
from nap_compose.errors import NapError

KEPT = 20
"""So many revisions of an app are kept; older ones go when a new one is written."""

_PIECE = LARGEST - 1024


@dataclass(frozen=True)
class Revision:
    """A revision that was written: its number, the plain model's digest, and the sealed text.

    `sealed` is what the records keep, for history.
    """

    number: int
    digest: str
    sealed: str


def write(
    store: StateStore, cipher: Cipher, owner: str, app: str, *, number: int, model: App
) -> Revision:
    """Keep `model` as revision `number`. The same model once more is no error.

    Raises Lost where another model already has that number: ask for the latest again.
    """
    key = state_keys.revision(owner, app, number)
    plain = _plain(model)
    digest = digest_of(model)
    sealed = cipher.seal(plain, key)
    pieces = [sealed[at : at + _PIECE] for at in range(0, len(sealed), _PIECE)]
    prefix = f"{state_keys.revision_pieces(owner, app, number)}{uuid.uuid4().hex[:8]}."
    for index, piece in enumerate(pieces):
        store.put(f"{prefix}{index}", piece)
    head = {"digest": digest, "prefix": prefix, "pieces": len(pieces), "created": utc_now()}
    try:
        store.put(key, head, if_version=0)
    except Lost:
        for index in range(len(pieces)):
            store.delete(f"{prefix}{index}")
        if digest != _head(store, owner, app, number)["digest"]:
            raise
    _forget_old(store, owner, app, number)
    return Revision(number, digest, sealed)


def load(store: StateStore, cipher: Cipher, owner: str, app: str, number: int) -> App:
    """The model of a revision. Raises NapError where it isn't there, BadCipherText where it was
    tampered with."""
    head = _head(store, owner, app, number)
    prefix, count = str(head["prefix"]), int(head["pieces"])
    pieces = [store.get(f"{prefix}{index}") for index in range(count)]
    text = "".join(str(piece.value) for piece in pieces if piece is not None)
    plain = cipher.open(text, state_keys.revision(owner, app, number))
    kept = json.loads(plain)
    model = App.of(
        kept["document"],
        working_dir=kept["working_dir"],
        files=tuple(kept["files"]),
        profiled_out=tuple(kept["profiled_out"]),
    )
    if digest_of(model) != head["digest"]:
        raise BadCipherText(
            f"revision {number} of {_name(owner, app)} isn't the one that its record names",
            hint=f"bring the app to its file again: nap up -p {app}",
        )
    return model


def latest_number(store: StateStore, owner: str, app: str) -> int:
    """The highest revision of the app; 0 where it has none."""
    return max(_numbers(store, owner, app), default=0)


def digest(store: StateStore, owner: str, app: str, number: int) -> str:
    """The digest of a revision's plain model, without opening it."""
    return str(_head(store, owner, app, number)["digest"])


def digest_of(model: App) -> str:
    """SHA-256 over the plain model, in hex: equal for models that are equal."""
    return hashlib.sha256(json.dumps(_parts(model), sort_keys=True).encode()).hexdigest()


def forget(store: StateStore, owner: str, app: str) -> None:
    """Delete every revision of an app that is no more."""
    for number in _numbers(store, owner, app):
        _forget(store, owner, app, number)


def _parts(model: App) -> dict[str, Any]:
    return {
        "document": model.document,
        "working_dir": model.working_dir,
        "files": list(model.files),
        "profiled_out": list(model.profiled_out),
    }


def _plain(model: App) -> bytes:
    """The model as JSON in the file's own order, which lists and tables follow later."""
    return json.dumps(_parts(model), ensure_ascii=False, separators=(",", ":")).encode()


def _head(store: StateStore, owner: str, app: str, number: int) -> dict[str, Any]:
    entry = store.get(state_keys.revision(owner, app, number))
    if entry is None:
        kept = sorted(_numbers(store, owner, app))
        known = f"kept are {kept[0]} to {kept[-1]}" if kept else "none is kept"
        raise NapError(f"there is no revision {number} of {_name(owner, app)}; {known}")
    value: dict[str, Any] = entry.value
    return value


def _numbers(store: StateStore, owner: str, app: str) -> list[int]:
    prefix = state_keys.revisions(owner, app)
    numbers = (entry.key[len(prefix) :] for entry in store.list(prefix))
    return [int(number) for number in numbers if number.isdecimal()]


def _forget_old(store: StateStore, owner: str, app: str, newest: int) -> None:
    for number in _numbers(store, owner, app):
        if number <= newest - KEPT:
            _forget(store, owner, app, number)


def _forget(store: StateStore, owner: str, app: str, number: int) -> None:
    # The head first: a revision is never there without its pieces. By prefix, because a writer
    # that was killed before it wrote the head left pieces that no head names.
    store.delete(state_keys.revision(owner, app, number))
    for piece in store.list(state_keys.revision_pieces(owner, app, number)):
        store.delete(piece.key)


def _name(owner: str, app: str) -> str:
    return f"{owner}/{app}" if owner else app
