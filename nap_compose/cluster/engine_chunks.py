"""An HTTP answer in chunks, decoded many at a time.

An engine sends each line of a log in a chunk of its own, and over TLS in a record of its own:
to look at one after the other would take longer than all the rest together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from io import BufferedIOBase

from nap_compose.cluster.engine_wire import CutShort, HttpFault
from nap_compose.cluster.loaded import not_yet

_PIECE = 64 * 1024
_LOOKS = 20
"""Pauses in which a piece may gather."""
_END = b"\r\n0\r\n\r\n"
"""What an answer ends with: nothing more comes then."""
_LONGEST_HEAD = 4096
"""More than this before a chunk, or after the last one, is no HTTP."""


class Chunks:
    """Takes chunks apart. `ended` tells that the last one has come, with all that follows it."""

    def __init__(self) -> None:
        self._held = b""
        self._left = 0
        self._last = False
        self.ended = False

    def add(self, data: bytes) -> bytes:
        """What of the answer itself is in `data`. Raises HttpFault where it is no HTTP."""
        data = self._held + data
        found: list[bytes] = []
        at, end = 0, len(data)
        while at < end and not self.ended:
            if not self._left and not self._last:
                at = _whole_chunks(data, _lines_in_chunks(data, at, found), found)
            if self._left > 2:
                part = data[at : at + self._left - 2]
                found.append(part)
                at += len(part)
                self._left -= len(part)
            elif self._left:  # the line end after a chunk
                if end - at < self._left:
                    break
                at += self._left
                self._left = 0
            else:
                line = data.find(b"\r\n", at)
                if line < 0:
                    if end - at > _LONGEST_HEAD:
                        raise HttpFault("a chunk without a size")
                    break
                self._begin(data[at:line])
                at = line + 2
        self._held = data[at:]
        return b"".join(found)

    def _begin(self, head: bytes) -> None:
        if self._last:  # lines after the last chunk, until an empty one
            self.ended = not head
            return
        try:
            size = int(head.partition(b";")[0], 16)
            if size < 0:
                raise ValueError
        except ValueError:
            raise HttpFault(f"{head[:40]!r} is no chunk's size") from None
        self._last = size == 0
        self._left = size + 2 if size else 0


def _lines_in_chunks(data: bytes, at: int, found: list[bytes]) -> int:
    """Takes the chunks from `at` on all at once, where each holds one line, as of a log it does;
    where they end. Where one is otherwise it takes none: a chunk then makes more of the line
    ends than three, or they stand elsewhere than its size says."""
    end = data.rfind(b"\n\r\n", at) + 3
    parts = data[at : end - 1].split(b"\n")
    lines = parts[1::3]
    if len(parts) % 3 or set(parts[2::3]) != {b"\r"}:
        return at
    heads = parts[::3]
    try:
        said = {head: int(head[:-1], 16) - 1 for head in set(heads) if head[-1:] == b"\r"}
        if list(map(said.__getitem__, heads)) != list(map(len, lines)):
            return at
    except (KeyError, ValueError):
        return at
    found.append(b"\n".join(lines) + b"\n")
    return end


def _whole_chunks(data: bytes, at: int, found: list[bytes]) -> int:
    """Takes whole chunks from `at` on, as far as there are any; where they end."""
    end, find = len(data), data.find
    while True:
        line = find(b"\r\n", at, at + 20)
        try:
            start = line + 2
            stop = start + int(data[at:line], 16)
        except ValueError:  # no whole head, or one with more in it than a size
            return at
        if line < 0 or stop <= start or stop + 2 > end:
            return at
        found.append(data[start:stop])
        at = stop + 2


def chunked(
    file: BufferedIOBase, wait: Callable[[bool], None], pause: float = 0.0
) -> Iterator[bytes]:
    """The answer's body in pieces, as they arrive; all that is there already comes at once.

    `wait` says whether reads from `file` are to wait for something; where less than a piece is
    there and not the end, more may gather for some pauses of `pause` seconds. Raises what reading
    raises, and CutShort where the answer ends before its end.
    """
    chunks = Chunks()
    while not chunks.ended:
        piece = file.read1(_PIECE)
        if not piece:
            raise CutShort("the last chunk didn't come")
        looks = _LOOKS if pause and not piece.endswith(_END) else 0
        body = chunks.add(piece + b"".join(_at_hand(file, wait, looks, pause)))
        if body:
            yield body


def _at_hand(
    file: BufferedIOBase, wait: Callable[[bool], None], looks: int, pause: float
) -> Iterator[bytes]:
    """What can be had without waiting, up to a piece, and what comes within so many pauses."""
    size = 0
    wait(False)
    try:
        while size < _PIECE:
            more = _there(file)
            if more:
                size += len(more)
                yield more
                if more.endswith(_END):
                    return
            elif looks:
                looks -= 1
                time.sleep(pause)
            else:  # nothing, or the end: the next read that waits tells which
                return
    finally:
        wait(True)


def _there(file: BufferedIOBase) -> bytes:
    try:
        return file.read1(_PIECE) or b""
    except not_yet():
        return b""
