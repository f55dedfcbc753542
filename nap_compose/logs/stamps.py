"""The times that engines put before lines, and the text after them."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from operator import add

PIECE = 16 * 1024
"""An engine cuts longer lines into pieces of this many bytes, and stamps each."""

_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z ?")


def split_stamp(raw: bytes) -> tuple[int, bytes] | None:
    """The engine's timestamp (RFC 3339, UTC) in nanoseconds since 1970, and the line after it.

    None where no timestamp is in front.

    >>> split_stamp(b"1970-01-01T00:00:01.000000002Z hello")
    (1000000002, b'hello')
    """
    if raw[29:31] == b"Z " and raw[19:20] == b"." and len(raw) <= PIECE:  # as nearly all are
        try:
            return _seconds(raw[:19]) + int(raw[20:29]), raw[31:]
        except ValueError:
            pass
    found = _TIME.match(raw)
    if found is None:
        return None
    nanoseconds = int((found[2] or b"").ljust(9, b"0"))
    at = _seconds(found[1]) + nanoseconds
    return at, _joined(found[0], raw[found.end() :])


def stamped_alike(raws: Sequence[bytes]) -> tuple[list[int], Sequence[str]] | None:
    """The times and the texts of lines that all are as nearly all lines are: no piece of a longer
    one, UTF-8, with no carriage return at the end, stamped in full. None where one is otherwise.

    >>> stamped_alike([b"1970-01-01T00:00:01.000000002Z hello"])
    ([1000000002], ('hello',))
    """
    whole = b"\n".join(raws)
    if max(map(len, raws), default=PIECE + 1) > PIECE or (
        b"\r" in whole and (b"\r\n" in whole or whole.endswith(b"\r"))
    ):
        return None
    try:
        rests, seconds = _without_seconds(whole.decode(), len(raws))
        fractions, ends, texts = zip(*map(str.partition, rests, repeat("Z ")), strict=True)
        if len(rests) != len(raws) or set(map(len, fractions)) != {9} or set(ends) != {"Z "}:
            return None
        return list(map(add, map(int, fractions), seconds)), texts
    except ValueError:  # a time or a text that is none
        return None


def _without_seconds(whole: str, count: int) -> tuple[list[str], Iterable[int]]:
    """So many lines without the seconds that they begin with, and those. Raises ValueError."""
    first = whole[:20]
    if whole.count(f"\n{first}") == count - 1:  # thousands of lines may share a second
        return whole[20:].split(f"\n{first}"), repeat(_whole_second(first))
    lines = whole.split("\n")
    heads = [line[:20] for line in lines]
    known = {head: _whole_second(head) for head in set(heads)}
    return [line[20:] for line in lines], [known[head] for head in heads]


def _whole_second(head: str) -> int:
    """The second that a timestamp begins with, in nanoseconds since 1970. Raises ValueError."""
    if head[19:] != ".":
        raise ValueError("no timestamp with a fraction")
    return _seconds(head[:19].encode())


@lru_cache(maxsize=256)
def _seconds(text: bytes) -> int:
    """In nanoseconds. Kept for neighbours: thousands of lines may share a second."""
    return calendar.timegm(time.strptime(text.decode(), "%Y-%m-%dT%H:%M:%S")) * 1_000_000_000


def _joined(stamp: bytes, text: bytes) -> bytes:
    """A long line without the stamps that stand before its further pieces.

    With a terminal an engine sends them within the line; otherwise they are gone already.
    """
    if len(text) <= PIECE or not text.startswith(stamp, PIECE):
        return text
    step = PIECE + len(stamp)
    pieces = [text[start : start + PIECE] for start in range(0, len(text), step)]
    stamped = all(
        text.startswith(stamp, start - len(stamp)) for start in range(step, len(text), step)
    )
    return b"".join(pieces) if stamped else text


def as_text(line: bytes) -> str:
    """A line as text: bytes that are no UTF-8 as `\\xff`, a terminal's carriage return dropped."""
    return line.removesuffix(b"\r").decode("utf-8", "backslashreplace")
