"""The times that engines put before the lines of a log, in one form: RFC 3339, UTC, nanoseconds."""

from __future__ import annotations

import calendar
import time
from functools import lru_cache
from operator import add
from struct import Struct

HEAD = 31
"""The length of a timestamp with the space after it."""

_PARTS = Struct("19sx9sxx")
"""Its second, and the nanoseconds beyond that."""


@lru_cache(maxsize=256)
def whole_second(text: bytes) -> int:
    """A timestamp up to its second, `2026-03-01T12:00:00`, in nanoseconds since 1970. Kept for
    neighbours: thousands of lines may share a second. Raises ValueError where it is none."""
    return calendar.timegm(time.strptime(text.decode(), "%Y-%m-%dT%H:%M:%S")) * 1_000_000_000


def nanoseconds(stamps: bytes) -> list[int]:
    """Timestamps, each with the space after it, in nanoseconds since 1970. Raises ValueError.

    >>> nanoseconds(b"1970-01-01T00:00:01.000000002Z 1970-01-01T00:01:00.000000000Z ")
    [1000000002, 60000000000]
    """
    if not stamps:
        return []
    seconds, fractions = zip(*_PARTS.iter_unpack(stamps), strict=True)
    of = {each: whole_second(each) for each in {*seconds}}
    return list(map(add, map(int, fractions), map(of.__getitem__, seconds)))
