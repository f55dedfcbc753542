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
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

Line = tuple[str, bytes]

_HEADER = struct.Struct(">BxxxL")
_LINE_END, _RETURN = b"\n\r"
PAYLOAD = itemgetter(slice(8, None))
"""What is in a frame."""
_HEAD = itemgetter(slice(8))
_OUTPUTS = {1: "stdout", 2: "stderr"}
_NAMES = {0: "stdin", **_OUTPUTS}
LONGEST_LINE = 1 << 20
"""A line that grows beyond this is handed on in parts: no container fills nap's memory."""

LONGEST_FRAME = 64 << 20
"""Engines send some kilobytes at once; more than this is none of their frames."""

_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*(?:Z|[+-]\d\d:\d\d) ")
_LONGEST_STAMP = 40
PIECE = 16 * 1024
_STAMPED_PIECE = PIECE + 31
"""What a terminal's long lines come in: a timestamp, a space and 16 KiB each."""


class Assembler:
    """Puts lines together, each stream's own. One of more than `longest` bytes comes in parts,
    cut always in the same places, each with the line's timestamp in front."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._rest: dict[str, bytes] = {}
        self._longest = longest
        self.begun: set[str] = set()
        """The streams of which a line has begun and not ended."""

    def add(self, source: str, data: bytes) -> Iterator[Line]:
        """The lines that `data` completes, without their line ends."""
        *whole, rest = (self._rest.get(source, b"") + data).split(b"\n")
        for line in whole:
            *parts, end = self._parts(line)
            for part in parts:
                yield source, part
            yield source, end.removesuffix(b"\r")
        *parts, rest = self._parts(rest)
        self._rest[source] = rest
        (self.begun.add if rest else self.begun.discard)(source)
        for part in parts:
            yield source, part

    def finish(self, source: str) -> Iterator[Line]:
        """The line of that stream that has begun is over."""
        rest = self._rest.pop(source, b"")
        self.begun.discard(source)
        if rest:
            yield source, rest

    def flush(self) -> Iterator[Line]:
        """What is left when the stream is over: lines that never ended."""
        for source, rest in self._rest.items():
            if rest:
                yield source, rest
        self._rest.clear()

    def _parts(self, line: bytes) -> Iterator[bytes]:
        """The line in parts, of which all but the last are of the greatest length."""
        while len(line) > self._longest:
            yield line[: self._longest]
            stamp, rest = _STAMP.match(line), line[self._longest :]
            line = stamp[0] + rest if stamp and not rest.startswith(stamp[0]) else rest
        yield line


class BrokenFrame(Exception):
    """The stream ended, or went astray, in the middle of a frame."""


class PlainFrames(Sequence[Line]):
    """Lines that came in a frame each, a whole one: they are taken out as they are looked at."""

    def __init__(self, framed: Sequence[bytes], heads: Sequence[bytes]) -> None:
        self.framed = framed
        self._heads = heads
        self._sources = {head: _OUTPUTS[head[0]] for head in set(heads)}
        self.streams = set(self._sources.values())

    @property
    def sources(self) -> Iterator[str]:
        """The stream of each line."""
        return map(self._sources.__getitem__, self._heads)

    def __len__(self) -> int:
        return len(self.framed)

    def __iter__(self) -> Iterator[Line]:
        return zip(self.sources, map(PAYLOAD, self.framed), strict=True)

    def __getitem__(self, place: Any) -> Any:
        return list(self)[place]


def framed_batches(pieces: Iterable[bytes]) -> Iterator[Sequence[Line]]:
    """Lines of a container without a terminal, as many at once as came. Raises BrokenFrame."""
    assembler = Assembler()
    held, needed = b"", 0
    more: list[bytes] = []
    for piece in pieces:
        more.append(piece)
        needed -= len(piece)
        if needed > 0:
            continue
        data = held + b"".join(more)
        more.clear()
        lines, at, needed = _whole_frames(data, assembler)
        held = data[at:]
        if lines:
            yield lines
    if held or more:
        raise BrokenFrame("the stream ended in the middle of a frame")
    rest = list(assembler.flush())
    if rest:
        yield rest


def _whole_frames(data: bytes, assembler: Assembler) -> tuple[Sequence[Line], int, int]:
    """The lines of the whole frames in `data`, where those end, and how much the next one lacks.

    A frame is nearly always one line of its own, and there may be millions of them.
    """
    at, end, begun = 0, len(data), assembler.begun
    plain = None
    if not begun and (plain := _plain_frames(data[: (last := data.rfind(b"\n") + 1)])):
        at = last
    lines: list[Line] = []
    unpack, find = _HEADER.unpack_from, data.find
    while at + 8 <= end:
        kind, length = unpack(data, at)
        start = at + 8
        stop = start + length
        if stop > end:
            if length > LONGEST_FRAME:
                raise BrokenFrame(f"a frame of {length} bytes")
            return _both(plain, lines), at, stop - end
        source = _OUTPUTS.get(kind) or _name_of(kind)
        at, last = stop, stop - 1
        if (
            source in begun
            or length > LONGEST_LINE
            or not length
            or data[last] != _LINE_END
            or find(b"\n", start, last) >= 0
        ):
            lines.extend(_odd_frame(data[start:stop], source, assembler))
        elif data[last - 1] == _RETURN and length > 1:
            lines.append((source, data[start : last - 1]))
        else:
            lines.append((source, data[start:last]))
    return _both(plain, lines), at, 8 - (end - at)


def _both(plain: PlainFrames | None, lines: list[Line]) -> Sequence[Line]:
    if plain is None:
        return lines
    return [*plain, *lines] if lines else plain


def _plain_frames(data: bytes) -> PlainFrames | None:
    """The lines of `data` all at once, where it is frames of the two outputs that hold a whole
    line each; None where one is otherwise, or where a line ends in a carriage return."""
    if not data or (b"\r" in data and b"\r\n" in data):  # the first is looked for far sooner
        return None
    framed = data[:-1].split(b"\n")
    heads = list(map(_HEAD, framed))
    said: dict[bytes, int] = {}
    for head in set(heads):
        if len(head) < 8 or head[0] not in _OUTPUTS or head[1:4] != b"\0\0\0":
            return None
        said[head] = _HEADER.unpack(head)[1] + 7  # its own size, but for the line end
    if max(said.values()) > LONGEST_LINE or list(map(said.get, heads)) != list(map(len, framed)):
        return None
    return PlainFrames(framed, heads)


def _odd_frame(payload: bytes, source: str, assembler: Assembler) -> Iterator[Line]:
    """The lines that come of a frame which isn't one whole line.

    A line is kept in pieces of PIECE bytes (`journald` gives each its own timestamp); a shorter
    one is the last, though the `local` driver gives it no line end, nor any driver where its
    container ended there.
    """
    stamp = _STAMP.match(payload)
    if stamp is None:
        yield from assembler.add(source, payload)
        return
    text = payload[stamp.end() :]
    yield from assembler.add(source, text if source in assembler.begun else payload)
    if len(text) < PIECE and not text.endswith(b"\n"):
        yield from assembler.finish(source)


def raw_batches(pieces: Iterable[bytes]) -> Iterator[list[Line]]:
    """Lines of a container with a terminal: all of it is its standard output."""
    assembler = Assembler(LONGEST_LINE // _STAMPED_PIECE * _STAMPED_PIECE)
    for piece in pieces:
        lines = list(assembler.add("stdout", piece))
        if lines:
            yield lines
    rest = list(assembler.flush())
    if rest:
        yield rest


def framed_lines(pieces: Iterable[bytes]) -> Iterator[Line]:
    """As `framed_batches`, line by line."""
    return chain.from_iterable(framed_batches(pieces))


def raw_lines(pieces: Iterable[bytes]) -> Iterator[Line]:
    """As `raw_batches`, line by line."""
    return chain.from_iterable(raw_batches(pieces))


def frames(pieces: Iterable[bytes], *, at_once: bool = False) -> Iterator[tuple[str, bytes, bool]]:
    """The stream, a part of a frame's payload, and whether that is the frame's first part.

    Parts are handed on as they arrive, for a frame may be of any length; only the first waits
    until a timestamp would be whole, unless it is wanted `at_once`. Raises BrokenFrame.
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
            if begins and not at_once and len(held) < min(left, _LONGEST_STAMP):
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
