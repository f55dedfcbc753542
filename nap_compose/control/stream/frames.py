"""Frames: the pieces that the stream is cut into. One framing, with a version and a bound.

A frame is its length and its head's length (4 bytes each, the highest first), the head as JSON,
and after it the bytes that the head speaks of, their lengths under `b`.
"""

from __future__ import annotations

import json
import os
import struct
import threading
from collections.abc import Sequence
from typing import Any

from nap_compose.errors import NapError

VERSION = 2
MOST = 64 << 20
"""The largest frame in bytes: more than a whole app with all that lies beside its file."""
MOST_VALUES = 1_000_000
"""Values in the head of one frame to the broker: twice the entries that an app may have. Each takes
a hundred times the memory of the few bytes that it is written with."""
DEEPEST = 200
_LENGTHS = struct.Struct("!II")


class StreamBroken(NapError):
    """The other side sent what is no frame, or broke off in the middle of one."""


class NotTheLanguage(StreamBroken):
    """What the other side sent is no frame."""


class TooMuch(StreamBroken):
    """The other side sent a frame that nobody here can hold."""


class Frames:
    """Frames over two file descriptors. One thread reads; any may write.

    `weight` tells of the frame that was read last how many values its head has, about.
    """

    def __init__(self, reads: int, writes: int, *, most_values: int | None = None) -> None:
        """`most_values`: the most that a head may have which is read here; None: any number."""
        self.weight = 0
        self._reads = reads
        self._writes = writes
        self._most_values = most_values
        self._lock = threading.Lock()

    def send(self, head: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
        """Write one frame; waits while the other side takes nothing. Raises StreamBroken."""
        text = json.dumps({**head, "b": [len(blob) for blob in blobs]}).encode()
        whole = len(text) + sum(map(len, blobs))
        if whole > MOST:
            raise StreamBroken(f"{whole >> 20} MiB at once are more than the border carries")
        with self._lock:
            self._write(_LENGTHS.pack(whole, len(text)) + text)
            for blob in blobs:
                self._write(blob)

    def receive(self) -> tuple[dict[str, Any], list[bytes]] | None:
        """The next frame; None where the other side has ended. Raises StreamBroken."""
        start = self._read(_LENGTHS.size, at_start=True)
        if start is None:
            return None
        whole, length = _LENGTHS.unpack(start)
        if not length <= whole <= MOST:
            raise NotTheLanguage("the other side doesn't speak nap's language")
        body = self._read(whole) or b""
        text = body[:length]
        self.weight = sum(map(text.count, (b",", b"[", b"{")))
        if self._most_values is not None and self.weight > self._most_values:
            raise TooMuch("more is asked for at once than the border carries")
        try:
            head = json.loads(text)
            sizes = head["b"]
            blobs, at = [], length
            for size in sizes:
                if not isinstance(size, int) or size < 0:
                    raise ValueError(size)
                blobs.append(body[at : at + size])
                at += size
            if at != whole:
                raise ValueError(at)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise NotTheLanguage("the other side doesn't speak nap's language") from None
        return head, blobs

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._writes, left) :]
            except OSError:
                raise StreamBroken("the other side of the border has ended") from None

    def _read(self, size: int, *, at_start: bool = False) -> bytes | None:
        pieces: list[bytes] = []
        left = size
        while left:
            try:
                piece = os.read(self._reads, min(left, 1 << 20))
            except OSError:
                piece = b""
            if not piece:
                if at_start and left == size:
                    return None
                raise StreamBroken("the other side broke off")
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
