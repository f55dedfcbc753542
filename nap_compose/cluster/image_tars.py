"""Images as the tar streams that engines give and take: which file of it holds which layer. Pure.

An engine that has a layer already, on top of the same ones, doesn't look for its file when it loads
an image; so that file may as well be left out.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Collection, Iterable, Iterator, Sequence

BLOCK = tarfile.BLOCKSIZE
_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
"""Members that say more of the one behind them."""

_OLD_CONFIG = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}
"""What engines before 25 make the name of a layer's folder of, beside what the layer is."""


def shared(layers: Sequence[str], others: Iterable[Sequence[str]]) -> int:
    """How many of an image's first layers some other image has too, on top of the same ones.

    >>> shared(["a", "b", "c"], [["b"], ["a", "b", "x"]])
    2
    """
    most = 0
    for other in others:
        count = 0
        for mine, its in zip(layers, other, strict=False):
            if mine != its:
                break
            count += 1
        most = max(most, count)
    return most


def files_of(layers: Sequence[str], count: int) -> frozenset[str]:
    """The files that may hold the first `count` layers, and no other, in a stream of any engine.

    Those of engines from 25 on are named by the layer's digest. Older ones name a folder for each
    layer but the last by what is below it.
    """
    later = set(layers[count:])
    found = set()
    chain = parent = ""
    for layer in layers[:count]:
        if layer not in later:
            found.add(f"blobs/sha256/{layer.partition(':')[2]}")
        chain = _digest(f"{chain} {layer}") if chain else layer
        parent = _digest(
            _compact(
                {
                    "container_config": _OLD_CONFIG,
                    "created": "1970-01-01T00:00:00Z",
                    "layer_id": chain,
                    **({"parent": parent} if parent else {}),
                }
            )
        )
        found.add(f"{parent.partition(':')[2]}/layer.tar")
    return frozenset(found)


def without(pieces: Iterable[bytes], left_out: Collection[str]) -> Iterator[bytes]:
    """A tar stream without the files of these names; nothing is ever whole in memory."""
    reader = _Reader(pieces)
    held = b""
    while head := reader.exactly(BLOCK):
        if not head.strip(b"\0"):
            yield held + head
            yield from reader.rest()
            return
        member = tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
        size = -(-member.size // BLOCK) * BLOCK
        if member.type in _EXTENDED:
            held += head + reader.exactly(size)
            continue
        keeps = member.name.removeprefix("./") not in left_out
        if keeps:
            yield held + head
        held = b""
        for piece in reader.at_most(size):
            if keeps:
                yield piece


class _Reader:
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._at_hand = b""

    def exactly(self, size: int) -> bytes:
        """So many bytes; fewer where the stream ends."""
        return b"".join(self.at_most(size))

    def at_most(self, size: int) -> Iterator[bytes]:
        while size:
            if not self._at_hand:
                self._at_hand = next(self._pieces, b"")
                if not self._at_hand:
                    return
            piece, self._at_hand = self._at_hand[:size], self._at_hand[size:]
            size -= len(piece)
            yield piece

    def rest(self) -> Iterator[bytes]:
        yield self._at_hand
        yield from self._pieces


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
