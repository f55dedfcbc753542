"""Counting what is kept: lines, bytes and errors for each service and hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from nap_compose.border import LogRequest
from nap_compose.logs.kept.series import Series
from nap_compose.logs.kept.stored import TEXT
from nap_compose.logs.kept_lines import KeptLines
from nap_compose.plaindata import dataclass

ERRORS = (b"ERROR", b"FATAL", b"CRITICAL", b"PANIC", b'"error"', b'"fatal"', b'"critical"')
"""A line in which one of these stands counts as an error."""

_HOUR = slice(2, 2 + len("2024-05-01T13"))
_OUT, _ERR = b"\no 2", b"\ne 2"


@dataclass
class Count:
    """How many lines, bytes of text, lines of stderr and errors."""

    lines: int = 0
    size: int = 0
    stderr: int = 0
    errors: int = 0


def tally(kept: Sequence[Series], request: LogRequest) -> dict[tuple[str, str], Count]:
    """The counts of each service and hour (`2024-05-01T13`, UTC) that the request is about."""
    counts: dict[tuple[str, str], Count] = defaultdict(Count)
    bounded = request.since is not None or request.until is not None or request.stream
    for series in kept:
        lines = KeptLines(series, request)
        for block in lines.blocks():
            # With bounds each line is looked at; without, nearly every block is of one hour.
            pieces = [b"".join(lines.wanted(block))] if bounded else [block]
            for hour, piece in (each for part in pieces for each in _by_hour(part)):
                _add(counts[series.whose.service, hour.decode()], piece)
    return dict(counts)


def _by_hour(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The block in pieces, each of one hour."""
    body = block
    first = _first_hour(body)
    if first is None:
        return
    last_line = body[body.rfind(b"\n", 0, -1) + 1 :]
    if last_line[:1] != b"#" and last_line[_HOUR] == first and _sorted_by_hour(body, first):
        yield first, body
        return
    piece: list[bytes] = []
    hour = first
    for line in body[:-1].split(b"\n"):
        if line[:1] == b"#":
            continue
        if line[_HOUR] != hour:
            yield hour, b"\n".join([*piece, b""])
            piece, hour = [], line[_HOUR]
        piece.append(line)
    yield hour, b"\n".join([*piece, b""])


def _first_hour(block: bytes) -> bytes | None:
    at = 0
    while block[at : at + 1] == b"#":
        at = block.find(b"\n", at) + 1
    return block[at:][_HOUR] if at < len(block) else None


def _sorted_by_hour(block: bytes, hour: bytes) -> bool:
    """Whether every line is of that hour: a clock may have been set in between."""
    of_it = block.count(b"\no " + hour) + block.count(b"\ne " + hour)
    return of_it + (block[:1] != b"#") == _lines(block)


def _lines(block: bytes) -> int:
    return block.count(_OUT) + block.count(_ERR) + (block[:1] != b"#")


def _add(count: Count, piece: bytes) -> None:
    lines = _lines(piece)
    count.lines += lines
    count.size += len(piece) - _notes(piece) - lines * (TEXT + 1)
    count.stderr += piece.count(_ERR) + (piece[:1] == b"e")
    count.errors += len(set(_error_lines(piece)))


def _notes(piece: bytes) -> int:
    """How many bytes of it are nap's own notes."""
    size, at = 0, 0 if piece[:1] == b"#" else piece.find(b"\n#") + 1
    while piece[at : at + 1] == b"#":
        end = piece.find(b"\n", at) + 1
        size += end - at
        at = end if piece[end : end + 1] == b"#" else piece.find(b"\n#", end) + 1
        if at == 0:
            break
    return size


def _error_lines(piece: bytes) -> Iterator[int]:
    """Where the lines that are errors begin; a line may come more than once."""
    for word in ERRORS:
        at = piece.find(word)
        while at >= 0:
            start = piece.rfind(b"\n", 0, at) + 1
            if piece[start : start + 1] != b"#":
                yield start
            end = piece.find(b"\n", at)
            at = piece.find(word, end)
