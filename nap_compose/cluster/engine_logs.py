"""A container's output as the engine sends it, taken apart into lines.

Without a terminal the two streams come mixed in frames: one byte for the stream, three of zeros,
four with the length (big endian), then as many bytes. With a terminal there is one raw stream.
A frame is no line: lines may be cut over several frames, and one frame may hold many.

The engine keeps a line of more than 16 KiB in parts and puts the timestamp before each of them;
nap takes out all but the first.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

Line = tuple[str, bytes]

_HEADER = struct.Struct(">BxxxL")
_NAMES = {0: "stdin", 1: "stdout", 2: "stderr"}
LONGEST_LINE = 1 << 20
"""A line that grows beyond this is handed on in parts: no container fills nap's memory."""


_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*(?:Z|[+-]\d\d:\d\d) ")
_LONGEST_STAMP = 40


class Assembler:
    """Puts lines together, each stream's own."""

    def __init__(self) -> None:
        self._rest: dict[str, bytes] = {}

    def add(self, source: str, data: bytes) -> Iterator[Line]:
        """The lines that `data` completes, without their line ends."""
        *whole, rest = (self._rest.get(source, b"") + data).split(b"\n")
        for line in whole:
            yield source, line.removesuffix(b"\r")
        if len(rest) > LONGEST_LINE:
            yield source, rest
            rest = b""
        self._rest[source] = rest

    def within(self, source: str) -> bool:
        """Whether a line of that stream has begun and not ended."""
        return bool(self._rest.get(source))

    def flush(self) -> Iterator[Line]:
        """What is left when the stream is over: lines that never ended."""
        for source, rest in self._rest.items():
            if rest:
                yield source, rest
        self._rest.clear()


class BrokenFrame(Exception):
    """The stream ended, or went astray, in the middle of a frame."""


def framed_lines(pieces: Iterable[bytes]) -> Iterator[Line]:
    """Lines of a container without a terminal. Raises BrokenFrame."""
    lines = Assembler()
    for source, data, begins in _frames(pieces):
        stamp = _STAMP.match(data) if begins and lines.within(source) else None
        yield from lines.add(source, data[stamp.end() :] if stamp else data)
    yield from lines.flush()


def raw_lines(pieces: Iterable[bytes]) -> Iterator[Line]:
    """Lines of a container with a terminal: all of it is its standard output."""
    lines = Assembler()
    for piece in pieces:
        yield from lines.add("stdout", piece)
    yield from lines.flush()


def _frames(pieces: Iterable[bytes]) -> Iterator[tuple[str, bytes, bool]]:
    """The stream, a part of a frame's payload, and whether that is the frame's first part.

    Parts are handed on as they arrive, for a frame may be of any length; only the first waits
    until a timestamp would be whole.
    """
    held = bytearray()
    source, left, begins = "", 0, False
    for piece in pieces:
        held += piece
        while held:
            if not left:
                if len(held) < _HEADER.size:
                    break
                kind, left = _HEADER.unpack_from(held)
                del held[: _HEADER.size]
                source, begins = _name_of(kind), True
                continue
            if begins and len(held) < min(left, _LONGEST_STAMP):
                break
            data = bytes(held[:left])
            del held[: len(data)]
            left -= len(data)
            yield source, data, begins
            begins = False
    if held or left:
        raise BrokenFrame("the stream ended in the middle of a frame")


def _name_of(kind: int) -> str:
    if kind == 3:
        raise BrokenFrame("the engine broke the stream off with an error of its own")
    if kind not in _NAMES:
        raise BrokenFrame(f"a frame of stream {kind}, which there isn't")
    return _NAMES[kind]
