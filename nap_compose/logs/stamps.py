"""The times that engines put before lines, and the text after them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter

from nap_compose.stamps import HEAD, nanoseconds, whole_second

PIECE = 16 * 1024
"""An engine cuts longer lines into pieces of this many bytes, and stamps each."""

_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z ?")

_SHAPE = b"0000-00-00T00:00:00.000000000Z "
_NOUGHTS = bytes.maketrans(b"123456789", b"000000000")


def split_stamp(raw: bytes) -> tuple[int, bytes] | None:
    """The engine's timestamp (RFC 3339, UTC) in nanoseconds since 1970, and the line after it.

    None where no timestamp is in front.

    >>> split_stamp(b"1970-01-01T00:00:01.000000002Z hello")
    (1000000002, b'hello')
    """
    if raw[29:31] == b"Z " and raw[19:20] == b"." and len(raw) <= PIECE:  # as nearly all are
        try:
            return whole_second(raw[:19]) + int(raw[20:29]), raw[31:]
        except ValueError:
            pass
    found = _TIME.match(raw)
    if found is None:
        return None
    beyond = int((found[2] or b"").ljust(9, b"0"))
    at = whole_second(found[1]) + beyond
    return at, _joined(found[0], raw[found.end() :])


def stamped_alike(raws: Sequence[bytes], skip: int = 0) -> tuple[bytes, str] | None:
    """The timestamps of lines, each with its space, and their texts, with a line end between two;
    None where not all lines are as nearly all lines are: no piece of a longer one, UTF-8, with no
    carriage return at the end, stamped in full. Nothing is done line by line but what C does.

    Each line begins after `skip` bytes.

    >>> stamped_alike([b"1970-01-01T00:00:01.000000002Z hello"])
    (b'1970-01-01T00:00:01.000000002Z ', 'hello')
    """
    begins, ends = skip, skip + HEAD
    stamps = b"".join(map(itemgetter(slice(begins, ends)), raws))
    if not raws or stamps.translate(_NOUGHTS) != _SHAPE * len(raws):
        return None
    if max(map(len, raws)) - skip > PIECE:
        return None
    texts = b"\n".join(map(itemgetter(slice(ends, None)), raws))
    if b"\r" in texts and (b"\r\n" in texts or texts.endswith(b"\r")):
        return None
    try:
        _check_seconds(stamps, len(raws))
        return stamps, texts.decode()
    except ValueError:  # a time or a text that is none
        return None


def _check_seconds(stamps: bytes, count: int) -> None:
    """Raise ValueError where one of so many timestamps of the right shape is of no day or hour."""
    first = stamps[:19]
    if stamps.count(first) == count:  # thousands of lines may share a second
        whole_second(first)
    else:
        nanoseconds(stamps)


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
