"""A volume's content as a file: the tar that its engine gives, and after its end a block that says
what was in it. Any tar unpacks it; nap takes in none that isn't whole."""

from __future__ import annotations

import hashlib
import json
import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from nap_compose.errors import BadFile
from nap_compose.plaindata import dataclass
from nap_compose.storage import copying

_MAGIC = b"nap volume backup 1\n"
BLOCK = 512
"""Bytes of the last block: a tar's own measure, so that the file stays one."""
_AHEAD = 4
"""Pieces that may wait for who counts while they are sent on."""


@dataclass(frozen=True)
class Told:
    """What the last block says: bytes of the tar and their SHA-256, and the digest of what the
    volume holds, as `copying.digest` makes it."""

    size: int
    sha256: str
    content: str


def written(tar: Iterable[bytes]) -> Iterator[bytes]:
    """The file of a volume whose content comes as `tar`."""
    sha, size = hashlib.sha256(), 0
    beside = _Beside()
    try:
        for piece in tar:
            sha.update(piece)
            size += len(piece)
            beside.feed(piece)
            yield piece
        told = Told(size, sha.hexdigest(), beside.end())
    finally:
        beside.close()
    text = _MAGIC + json.dumps(asdict(told)).encode() + b"\n"
    yield text.ljust(BLOCK, b"\n")


class Incoming:
    """Such a file as it comes in: iterate over its tar, then ask what it `told`."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._sha = hashlib.sha256()
        self._size = 0
        self._rest = b""

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            held = self._rest + piece
            self._rest = held[-BLOCK:]
            if tar := held[:-BLOCK]:
                self._sha.update(tar)
                self._size += len(tar)
                yield tar

    def told(self) -> Told:
        """What the last block says, once all before it was taken in. Raises BadFile where that
        isn't what came."""
        if not self._rest.startswith(_MAGIC):
            raise BadFile(
                "the backup is cut off, or no volume's",
                hint="nap volume backup writes one that nap volume restore takes",
            )
        try:
            told = Told(**json.loads(self._rest[len(_MAGIC) :]))
        except (ValueError, TypeError):
            raise BadFile("the backup's last block is damaged") from None
        if (told.size, told.sha256) != (self._size, self._sha.hexdigest()):
            raise BadFile("the backup was changed, or cut off")
        return told


class _Beside:
    """The digest of a tar that is sent on meanwhile."""

    def __init__(self) -> None:
        self._queue: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._found: Any = None
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def feed(self, piece: bytes) -> None:
        self._queue.put(piece)

    def end(self) -> str:
        """The digest; raises what counting raised."""
        self.close()
        if isinstance(self._found, BaseException):
            raise self._found
        return str(self._found)

    def close(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _count(self) -> None:
        pieces = iter(self._queue.get, None)
        try:
            self._found = copying.digest(pieces)
        except Exception as error:
            self._found = error
        for _ in pieces:
            pass  # what follows a tar's end, or can't be counted
