"""Revisions: an app's rendered model, numbered, sealed, and never changed.

A revision is written before the first step of the deployment that brings it about, so that
rollback and failover need neither the person's files nor the records.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.cluster import contents, pins, state_keys
from nap_compose.cluster.cipher import BadCipherText, Cipher
from nap_compose.cluster.state import LARGEST, Lost, StateStore
from nap_compose.compose.model import App
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass
from nap_compose.text import app_called

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
    prefix, count = _write_pieces(store, owner, app, number, sealed)
    head = {
        "digest": digest,
        "prefix": prefix,
        "pieces": count,
        "created": utc_now(),
        # Which of the kept files are still wanted is told without opening every model.
        **({"content": sorted(contents.names(cipher, model))} if model.content else {}),
    }
    try:
        store.put(key, head, if_version=0)
    except Lost:
        for index in range(count):
            store.delete(f"{prefix}{index}")
        if digest != _head(store, owner, app, number)["digest"]:
            raise
    if _forget_old(store, owner, app, number):
        contents.prune(store, owner, app, _wanted_contents(store, owner, app))
    return Revision(number, digest, sealed)


def load(store: StateStore, cipher: Cipher, owner: str, app: str, number: int) -> App:
    """The model of a revision. Raises NapError where it isn't there, BadCipherText where it was
    tampered with."""
    head = _head(store, owner, app, number)
    text = _sealed(store, head)
    return opened(cipher, owner, app, number, sealed=text, digest=str(head["digest"]))


def opened(cipher: Cipher, owner: str, app: str, number: int, *, sealed: str, digest: str) -> App:
    """The model in a sealed text, as the store and the records keep it. Raises BadCipherText
    where it was tampered with, or isn't the one of that number and digest."""
    kept = json.loads(cipher.open(sealed, state_keys.revision(owner, app, number)))
    model = App.of(
        kept["document"],
        working_dir=kept["working_dir"],
        files=tuple(kept["files"]),
        profiled_out=tuple(kept["profiled_out"]),
        content=kept.get("content"),
    )
    if digest_of(model) != digest:
        raise BadCipherText(
            f"revision {number} of {app_called(owner, app)} isn't the one that its record names",
            hint=f"bring the app to its file again: nap up -p {app}",
        )
    return model


@dataclass(frozen=True)
class Kept:
    """A revision as the store keeps it: when it was written, and what `Revision` says."""

    created: str
    digest: str
    sealed: str


def apps(store: StateStore) -> list[tuple[str, str]]:
    """Owner and name of each app that has a revision."""
    paths = (entry.key.split("/") for entry in store.list(state_keys.REVISIONS))
    found = {("" if path[1] == state_keys.NO_OWNER else path[1], path[2]) for path in paths}
    return sorted(found)


def kept(store: StateStore, owner: str, app: str) -> dict[int, Kept]:
    """Number → the revision, still sealed, of all that are kept whole."""
    found = {}
    for number in numbers(store, owner, app):
        head = _head(store, owner, app, number)
        found[number] = Kept(str(head["created"]), str(head["digest"]), _sealed(store, head))
    return found


def latest_number(store: StateStore, owner: str, app: str) -> int:
    """The highest revision of the app; 0 where it has none."""
    return max(numbers(store, owner, app), default=0)


def digest(store: StateStore, owner: str, app: str, number: int) -> str:
    """The digest of a revision's plain model, without opening it."""
    return str(_head(store, owner, app, number)["digest"])


def digest_of(model: App) -> str:
    """SHA-256 over the plain model, in hex: equal for models that are equal."""
    return hashlib.sha256(json.dumps(_parts(model), sort_keys=True).encode()).hexdigest()


def reseal(store: StateStore, cipher: Cipher, owner: str, app: str) -> int:
    """Seal the app's revisions anew that aren't with the newest key; gives how many. Under the
    app's lock. Killed halfway, each is there as it was or as it shall be."""
    done = 0
    for number in numbers(store, owner, app):
        head = _head(store, owner, app, number)
        sealed = cipher.resealed(_sealed(store, head), state_keys.revision(owner, app, number))
        if sealed is None:
            continue
        old = [piece.key for piece in store.list(state_keys.revision_pieces(owner, app, number))]
        prefix, count = _write_pieces(store, owner, app, number, sealed)
        store.put(
            state_keys.revision(owner, app, number), {**head, "prefix": prefix, "pieces": count}
        )
        for key in old:
            store.delete(key)
        done += 1
    return done


def _write_pieces(
    store: StateStore, owner: str, app: str, number: int, sealed: str
) -> tuple[str, int]:
    """Write a sealed text in pieces; gives what their keys begin with, and how many there are."""
    pieces = [sealed[at : at + _PIECE] for at in range(0, len(sealed), _PIECE)]
    prefix = f"{state_keys.revision_pieces(owner, app, number)}{uuid.uuid4().hex[:8]}."
    for index, piece in enumerate(pieces):
        store.put(f"{prefix}{index}", piece)
    return prefix, len(pieces)


def forget(store: StateStore, owner: str, app: str) -> None:
    """Delete every revision of an app that is no more, and the files that they name."""
    for number in numbers(store, owner, app):
        _forget(store, owner, app, number)
    contents.prune(store, owner, app, ())


def _parts(model: App) -> dict[str, Any]:
    return {
        "document": model.document,
        "working_dir": model.working_dir,
        "files": list(model.files),
        "profiled_out": list(model.profiled_out),
        # As apps without any were written before there was content.
        **({"content": model.content} if model.content else {}),
    }


def _plain(model: App) -> bytes:
    """The model as JSON in the file's own order, which lists and tables follow later."""
    return json.dumps(_parts(model), ensure_ascii=False, separators=(",", ":")).encode()


def _head(store: StateStore, owner: str, app: str, number: int) -> dict[str, Any]:
    entry = store.get(state_keys.revision(owner, app, number))
    if entry is None:
        kept = sorted(numbers(store, owner, app))
        known = f"kept are {kept[0]} to {kept[-1]}" if kept else "none is kept"
        raise NapError(f"there is no revision {number} of {app_called(owner, app)}; {known}")
    value: dict[str, Any] = entry.value
    return value


def _sealed(store: StateStore, head: dict[str, Any]) -> str:
    prefix, count = str(head["prefix"]), int(head["pieces"])
    pieces = [store.get(f"{prefix}{index}") for index in range(count)]
    return "".join(str(piece.value) for piece in pieces if piece is not None)


def numbers(store: StateStore, owner: str, app: str) -> list[int]:
    """The numbers of the revisions that are kept, in no order."""
    prefix = state_keys.revisions(owner, app)
    found = (entry.key[len(prefix) :] for entry in store.list(prefix))
    return [int(number) for number in found if number.isdecimal()]


def _forget_old(store: StateStore, owner: str, app: str, newest: int) -> bool:
    """Whether there was any."""
    old = [number for number in numbers(store, owner, app) if number <= newest - KEPT]
    for number in old:
        _forget(store, owner, app, number)
    return bool(old)


def _wanted_contents(store: StateStore, owner: str, app: str) -> set[str]:
    heads = (_head(store, owner, app, number) for number in numbers(store, owner, app))
    return {name for head in heads for name in head.get("content") or ()}


def _forget(store: StateStore, owner: str, app: str, number: int) -> None:
    # The head first: a revision is never there without its pieces. By prefix, because a writer
    # that was killed before it wrote the head left pieces that no head names.
    store.delete(state_keys.revision(owner, app, number))
    pins.forget(store, owner, app, number)
    for piece in store.list(state_keys.revision_pieces(owner, app, number)):
        store.delete(piece.key)
