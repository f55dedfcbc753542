"""What is kept of one container, as lines for people."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from nap_compose.border import LogLine, LogRequest
from nap_compose.logs.block import Stamped
from nap_compose.logs.kept.series import Series
from nap_compose.logs.kept.stored import GAP, STAMP, STREAMS, TEXT, read_note, to_stamp, to_time
from nap_compose.logs.stamps import as_text

MISSING = "gap"
"""The source of a line that says that lines are missing."""


class KeptLines:
    """The lines of a series that a request is about; `skew` as in ContainerLog."""

    def __init__(self, series: Series, request: LogRequest, skew: float = 0.0) -> None:
        self.series = series
        self._ahead = round(skew * 1e9)
        self.since = to_stamp(round(request.since * 1e9)) if request.since is not None else b""
        self._until = to_stamp(round(request.until * 1e9)) if request.until is not None else b"~"
        self._marks = tuple(
            mark.encode() for mark, stream in STREAMS.items() if request.stream in ("", stream)
        )

    def __iter__(self) -> Iterator[Stamped]:
        return self.shown(self.series.lines(self.since))

    def blocks(self) -> Iterator[bytes]:
        """The blocks in which they are, other lines among them."""
        return self.series.blocks(self.since)

    def wanted(self, block: bytes) -> Iterator[bytes]:
        """The container's lines of a block that the request is about, with their ends."""
        for line in block[:-1].split(b"\n"):
            if line[:1] != b"#" and self._is_wanted(line):
                yield line + b"\n"

    def last(self, count: int) -> Iterator[Stamped]:
        """The last `count` of them; reads from the end as far as needed."""
        found: list[Stamped] = []
        for part in reversed(self.series.parts):
            if len(found) >= count or part.ends_before(self.since):
                break
            lines = (line for block in part.blocks() for line in block[:-1].split(b"\n"))
            found = [*deque(self.shown(lines), maxlen=count - len(found)), *found]
        return iter(found)

    def shown(self, lines: Iterable[bytes]) -> Iterator[Stamped]:
        """Those of these stored lines (without their ends) that the request is about."""
        for line in lines:
            if line[:1] == b"#":
                yield from self._note(line)
            elif self._is_wanted(line):
                at = to_time(line[2 : 2 + STAMP])
                yield at - self._ahead, self._line(at, STREAMS[chr(line[0])], line[TEXT:])

    def _is_wanted(self, line: bytes) -> bool:
        return line[:1] in self._marks and self.since <= line[2 : 2 + STAMP] <= self._until

    def _note(self, line: bytes) -> Iterator[Stamped]:
        """What nap itself has to say of the lines: that some may be missing."""
        kind, record = read_note(line) or ("", {})
        if kind == GAP and self.since <= record["before"].encode() <= self._until:
            at = to_time(record["before"].encode())
            text = record.get("why") or (
                f"lines may be missing here, after {record['after']}: the engine had let them go"
            )
            yield at - self._ahead, self._line(at, MISSING, text.encode())

    def _line(self, at: int, source: str, text: bytes) -> LogLine:
        whose = self.series.whose
        return LogLine(at / 1e9, whose.subject, whose.host, source, as_text(text))
