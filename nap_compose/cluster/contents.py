"""What an app's files hold, in the state store: sealed, by digest, as long as a revision names it.

So a rollback, or another host in a dead one's place, needs nobody's files.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Collection

from nap_compose.cluster import state_keys
from nap_compose.cluster.cipher import Cipher
from nap_compose.cluster.state import LARGEST, Entry, StateStore
from nap_compose.compose.model import App
from nap_compose.errors import NapError

_PIECE = LARGEST - 1024


def keep(store: StateStore, cipher: Cipher, owner: str, app: str, digest: str, tar: bytes) -> None:
    """Keep a parcel; one that is kept already stays."""
    key = _key(cipher, owner, app, digest)
    if store.get(key) is not None:
        return
    _write(store, key, cipher.seal(zlib.compress(tar), key), len(tar))


def size(store: StateStore, cipher: Cipher, owner: str, app: str, digest: str) -> int | None:
    """How large a parcel is, in bytes; None where it isn't kept."""
    head = store.get(_key(cipher, owner, app, digest))
    return None if head is None else _size(head)


def _size(head: Entry) -> int:
    """An older nap wrote down in how many pieces it is, and no more."""
    return int(head.value.get("size") or _PIECE * int(head.value["pieces"]))


def load(store: StateStore, cipher: Cipher, owner: str, app: str, digest: str) -> bytes | None:
    """A parcel's tar, None where it isn't kept. Raises BadCipherText where it was changed."""
    key = _key(cipher, owner, app, digest)
    head = store.get(key)
    if head is None:
        return None
    return zlib.decompress(cipher.open(_sealed(store, head), key))


def reseal(store: StateStore, cipher: Cipher, owner: str, app: str) -> int:
    """Seal the app's parcels anew that aren't with the newest key; gives how many. Under the app's
    lock. Killed halfway, each is there as it was or as it shall be."""
    done = 0
    for head in store.list(state_keys.contents(owner, app)):
        sealed = cipher.resealed(_sealed(store, head), head.key)
        if sealed is not None:
            old = [piece.key for piece in store.list(_pieces(head.key))]
            _write(store, head.key, sealed, _size(head), at=f"{uuid.uuid4().hex[:8]}.")
            for key in old:
                store.delete(key)
            done += 1
    return done


def _write(store: StateStore, key: str, sealed: str, size: int, at: str = "") -> None:
    pieces = [sealed[start : start + _PIECE] for start in range(0, len(sealed), _PIECE)]
    for index, piece in enumerate(pieces):
        store.put(f"{_pieces(key)}{at}{index}", piece)
    # Last: a parcel that has a head is there as a whole.
    store.put(key, {"pieces": len(pieces), "size": size, **({"at": at} if at else {})})


def _sealed(store: StateStore, head: Entry) -> str:
    begin = f"{_pieces(head.key)}{head.value.get('at', '')}"
    pieces = [store.get(f"{begin}{index}") for index in range(int(head.value["pieces"]))]
    return "".join(str(piece.value) for piece in pieces if piece is not None)


def names(cipher: Cipher, model: App) -> set[str]:
    """What the parcels that a model names are called in the store."""
    digests = (str(each.get("digest") or "") for each in model.content.values())
    return {cipher.mark(digest) for digest in digests if digest}


def prune(store: StateStore, owner: str, app: str, wanted: Collection[str]) -> None:
    """Let go of all parcels of the app but those of the `wanted` names."""
    prefix = state_keys.contents(owner, app)
    for entry in store.list(prefix):
        if entry.key.removeprefix(prefix) not in wanted:
            store.delete(entry.key)
            for piece in store.list(_pieces(entry.key)):
                store.delete(piece.key)


def seeding(store: StateStore, owner: str, app: str) -> frozenset[str]:
    """The volumes, as `KEY@HOST`, whose filling was begun and not ended."""
    found = store.get(state_keys.seeding(owner, app))
    return frozenset(found.value) if found else frozenset()


def set_seeding(store: StateStore, owner: str, app: str, volumes: Collection[str]) -> None:
    """Write down which volumes are being filled; none: forget it. Under the app's lock.

    Raises NapError where there are more of them than an entry can hold.
    """
    key = state_keys.seeding(owner, app)
    if len(volumes) > 1000:
        raise NapError(f"{app} has more than 1,000 folders to fill volumes from")
    if volumes:
        store.put(key, sorted(volumes))
    else:
        store.delete(key)


def _key(cipher: Cipher, owner: str, app: str, digest: str) -> str:
    return f"{state_keys.contents(owner, app)}{cipher.mark(digest)}"


def _pieces(key: str) -> str:
    return state_keys.CONTENT_PIECES + key.removeprefix(state_keys.CONTENTS) + "/"
