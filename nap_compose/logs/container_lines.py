"""The lines of one container, straight from its engine, each exactly once.

An engine stamps every line of each stream (stdout, stderr) with a time that only grows within
that stream. So where a connection was lost, reading goes on from a little before the last line,
and what had been read already is told by its stream, its time, and how many lines it shares that
time with. (Only an engine whose clock was set back meanwhile can make us show lines again.)
"""

from __future__ import annotations

import calendar
import copy
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from nap_compose.cluster.engine import Engine
from nap_compose.cluster.view import ContainerView
from nap_compose.control.border import LogLine
from nap_compose.logs.merge import LONG_AGO, Stamped

OVERLAP = 2.0
"""Seconds that are asked for again after a lost connection: by so much may the lines of one
stream be stamped earlier than lines of the other that stand before them."""

PIECE = 16 * 1024
"""An engine cuts longer lines into pieces of this many bytes, and stamps each."""

EVERY = 1 << 62
"""More lines than there can be."""

_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z ?")


def split_stamp(raw: bytes) -> tuple[int, bytes] | None:
    """The engine's timestamp (RFC 3339, UTC) in nanoseconds since 1970, and the line after it.

    None where no timestamp is in front.

    >>> split_stamp(b"1970-01-01T00:00:01.000000002Z hello")
    (1000000002, b'hello')
    """
    found = _TIME.match(raw)
    if found is None:
        return None
    nanoseconds = int((found[2] or b"").ljust(9, b"0"))
    at = _seconds(found[1]) * 1_000_000_000 + nanoseconds
    return at, _joined(found[0], raw[found.end() :])


@lru_cache(maxsize=256)
def _seconds(text: bytes) -> int:
    """Kept for neighbours: thousands of lines may share a second."""
    return calendar.timegm(time.strptime(text.decode(), "%Y-%m-%dT%H:%M:%S"))


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


@dataclass
class Position:
    """How far a container's log has been read: the last time seen in each stream, and how many
    lines there were at that time. `first` is the earliest time seen at all."""

    first: int | None = None
    last: dict[str, tuple[int, int]] = field(default_factory=dict)

    def advance(self, stream: str, at: int) -> None:
        """Count a line in."""
        latest, count = self.last.get(stream, (at, 0))
        self.last[stream] = (at, count + 1 if at == latest else 1)
        self.first = at if self.first is None else min(self.first, at)

    def close(self, at: int) -> None:
        """Take every line of the time `at` for read, however many there may be."""
        for stream, (latest, _) in self.last.items():
            if latest == at:
                self.last[stream] = (latest, EVERY)

    def since(self) -> float | None:
        """From when to ask again, in seconds since 1970; None where nothing has been read."""
        if not self.last:
            return None
        return max(at for at, _ in self.last.values()) / 1e9 - OVERLAP


class Overlap:
    """Tells lines that are read again from new ones; made anew each time reading goes on.

    `floor` is the time from which lines of a stream count that hasn't shown any yet.
    """

    def __init__(self, position: Position, floor: int = LONG_AGO) -> None:
        self._floor = floor
        self._last = dict(position.last)
        self._past: set[str] = set()

    def is_old(self, stream: str, at: int) -> bool:
        """Whether this line was read before. To be asked of each line in turn."""
        if stream in self._past:
            return False
        latest, count = self._last.get(stream, (self._floor, 0))
        if at < latest:
            return True
        if at == latest and count > 0:
            self._last[stream] = (latest, count - 1)
            return True
        self._past.add(stream)
        return False


class ContainerLog:
    """Reads one container's log piece by piece; each piece goes on where the last one ended.

    `since` and `until` are seconds since 1970, `tail` the most lines of what is there at first.
    """

    def __init__(
        self,
        container: ContainerView,
        *,
        since: float | None = None,
        until: float | None = None,
        tail: int | None = None,
    ) -> None:
        self.container = container
        self._since = since
        self._until = until
        self._tail = tail
        self._floor = LONG_AGO
        self._position = Position()
        identity = container.identity
        named = identity is not None and not identity.oneoff and identity.replica
        self.subject = identity.slot if identity and named else container.name

    def copy(self) -> ContainerLog:
        """Another reader that goes on from where this one is now."""
        twin = copy.copy(self)
        twin._position = copy.deepcopy(self._position)
        return twin

    def read(self, engine: Engine, *, follow: bool) -> Iterator[Stamped]:
        """The lines that have not been read, to the end there is now or, with `follow`, as they
        are printed until the container ends.

        Raises what the engine raises; whatever was read until then is not given again.
        """
        resumed = self._position.since()
        overlap = Overlap(self._position, self._floor)
        # `tail=0` still asks for a line: unseen by people, it marks where the new ones begin.
        hide = self._tail == 0
        lines = engine.logs(
            self.container.id,
            follow=follow and not hide,
            since=self._since if resumed is None else max(resumed, self._since or 0.0),
            until=self._until,
            tail=max(self._tail, 1) if self._tail is not None else None,
        )
        last = LONG_AGO
        for stream, raw in lines:
            at, text = split_stamp(raw) or (max(last, 0), raw)
            last = at
            if overlap.is_old(stream, at):
                continue
            self._position.advance(stream, at)
            self._stop_tailing()
            if not hide:
                yield at, self._line(at, stream, text)
        self._stop_tailing()
        # Lines of the same time as the first of the tail may stand before it, uncounted.
        self._position.close(self._floor)
        if hide and follow:
            yield from self.read(engine, follow=True)

    def _stop_tailing(self) -> None:
        """From now on every line counts, but none from before those that were asked for."""
        if self._tail is not None:
            self._tail = None
            self._floor = LONG_AGO if self._position.first is None else self._position.first

    def _line(self, at: int, stream: str, text: bytes) -> LogLine:
        return LogLine(at / 1e9, self.subject, self.container.host, stream, as_text(text))
