"""A volume's content from one host to another, and whether both hold the same.

It goes as a tar from engine to engine, past this machine's disk. What arrived is compared by what
is in it: names, kinds, owners, permissions, links, and every file's content.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from nap_compose.cluster.asking import Asked
from nap_compose.cluster.hostfs import HostFiles
from nap_compose.errors import NapError

MOUNT = "volume"
"""What both are mounted as."""

EVERY = 2.0
"""Seconds between two words on how far it is."""

PIECE = 1 << 20

Tell = Callable[[int], None]
"""Told how many bytes have gone."""


def copy(source: HostFiles, target: HostFiles, tell: Tell) -> int:
    """Copy all that is in one volume into another one that is empty; gives the bytes that went."""
    gone = 0

    def counted() -> Iterator[bytes]:
        nonlocal gone
        said = time.monotonic()
        for piece in source.get(MOUNT):
            gone += len(piece)
            if time.monotonic() - said > EVERY:
                said = time.monotonic()
                tell(gone)
            yield piece

    target.put(counted())
    return gone


def compare(source: HostFiles, target: HostFiles) -> None:
    """Raise NapError where two volumes don't hold the same."""

    def asked(files: HostFiles) -> Asked[str]:
        return Asked(lambda: digest(files.get(MOUNT)))

    both = [asked(source), asked(target)]
    one, other = (each.answer(threading.TIMEOUT_MAX) for each in both)
    if one != other:
        raise NapError(
            "what arrived is not what was sent: the copy is thrown away",
            hint="does anything else write to the volume? Nothing was changed; try again",
        )


def digest(tar: Iterable[bytes]) -> str:
    """A digest of a tar's members, whatever their order."""
    total = count = 0
    with tarfile.open(fileobj=_Reader(tar), mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            total += int.from_bytes(_digest_of(member, content), "big")
            count += 1
    return f"{count}:{total % (1 << 256):064x}"


def _digest_of(member: tarfile.TarInfo, content: IO[bytes] | None) -> bytes:
    name = member.name.rstrip("/")
    attributes = sorted(
        (key, value) for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")
    )
    head = (name, member.type, member.mode, member.uid, member.gid, member.linkname, attributes)
    found = hashlib.sha256(repr(head).encode(errors="surrogateescape"))
    while content is not None and (piece := content.read(PIECE)):
        found.update(piece)
    return found.digest()


class _Reader(io.RawIOBase):
    """Pieces of a stream, read like a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer only at the end."""
        found = [self._rest]
        has = len(self._rest)
        while has < size or size < 0:
            piece = next(self._pieces, None)
            if piece is None:
                break
            found.append(piece)
            has += len(piece)
        whole = b"".join(found)
        self._rest = whole[size:] if size >= 0 else b""
        return whole[:size] if size >= 0 else whole
