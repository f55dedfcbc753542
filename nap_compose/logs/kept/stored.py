"""The lines of a kept segment.

A container's line is `o STAMP TEXT` or `e STAMP TEXT` (stdout, stderr) with the engine's own
timestamp, so that grep finds what it looks for. What nap itself says begins with `#`, one letter,
a JSON object, and the CRC-32 of all that; a container can't write such a line, for none of its
own begins so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from zlib import crc32

from nap_compose.logs.stamps import PIECE, split_stamp

STAMP = 30
"""The length of a timestamp: RFC 3339, UTC, with nanoseconds."""

TEXT = STAMP + 3
"""Where a stored line's text begins."""

MARKS = {"stdout": b"o ", "stderr": b"e "}
STREAMS = {"o": "stdout", "e": "stderr"}

HEAD, CURSOR, EPOCH, GAP = "H", "C", "E", "G"

_STORED = re.compile(rb"[oe] \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
_NO_TIME = b"1970-01-01T00:00:00.000000000Z"


def store(stream: str, raw: bytes) -> bytes:
    """An engine's line, its timestamp in front, as it is kept, with its line end."""
    if raw[STAMP - 1 : STAMP + 1] == b"Z " and len(raw) <= PIECE:
        return MARKS[stream] + raw + b"\n"
    found = split_stamp(raw)
    stamp, text = (to_stamp(found[0]), found[1]) if found else (_NO_TIME, raw)
    return MARKS[stream] + stamp + b" " + text + b"\n"


def is_stored(line: bytes) -> bool:
    """Whether a line (without its end) is a container's."""
    return _STORED.match(line) is not None


def to_stamp(at: int) -> bytes:
    """Nanoseconds since 1970 as a timestamp of fixed length: they sort as the times do."""
    seconds, rest = divmod(at, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z".encode()


def to_time(stamp: bytes) -> int:
    """A timestamp as nanoseconds since 1970."""
    found = split_stamp(stamp)
    return found[0] if found else 0


def note(kind: str, record: Mapping[str, Any]) -> bytes:
    """A line of nap's own, with its line end."""
    body = f"#{kind} {json.dumps(record, separators=(',', ':'))}".encode()
    return b"%s %08x\n" % (body, crc32(body))


def read_note(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """The kind and record of a line of nap's own; None where it is none, or not whole."""
    body, _, checksum = line.rpartition(b" ")
    if not body.startswith(b"#") or checksum != b"%08x" % crc32(body):
        return None
    try:
        record = json.loads(body[3:])
    except ValueError:
        return None
    return (body[1:2].decode("latin-1"), record) if isinstance(record, dict) else None
