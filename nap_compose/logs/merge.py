"""Lines of many sources put into one order by time.

What is on disk already is merged exactly (`in_order`). What is still being printed reaches us
over different ways and may be late: `Holdback` keeps a line for a moment, until every source has
got past it or the moment is over. Neither loses a line, shows one twice, nor ever turns two lines
of one source round.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from itertools import chain
from operator import itemgetter
from typing import Generic, TypeVar

from nap_compose.border import LogLine

Stamped = tuple[int, LogLine]
"""When a line was printed, in nanoseconds since 1970, and the line."""

_TIME, _LINE = itemgetter(0), itemgetter(1)

Item = TypeVar("Item")

LONG_AGO = -(1 << 63)


def steady(lines: Iterable[tuple[int, Item]], latest: int = LONG_AGO) -> Iterator[tuple[int, Item]]:
    """The same lines with times that never go back, nor before `latest`, so that a source keeps
    its own order.

    An engine's two streams are stamped apart and written together, so neighbours may be some
    microseconds out of turn; a clock that is set back makes it hours.
    """
    for at, line in lines:
        latest = max(at, latest)
        yield latest, line


def in_order(sources: Iterable[Iterable[Stamped]]) -> Iterator[LogLine]:
    """All lines of all sources by time, exactly; lines of the same time by source, as given.

    Reads each source only as far as needed: memory is one line a source. Where only one has any,
    which then is in order by itself, there may be millions of them and nothing to compare.
    """
    begun = [lines for lines in map(_begun, sources) if lines is not None]
    merged = heapq.merge(*map(steady, begun), key=_TIME) if len(begun) > 1 else chain(*begun)
    yield from map(_LINE, merged)


def _begun(lines: Iterable[Stamped]) -> Iterator[Stamped] | None:
    """The same lines, the first of them read; None where there is none."""
    rest = iter(lines)
    first = next(rest, None)
    return None if first is None else chain((first,), rest)


def last(count: int, lines: Iterable[Stamped]) -> Iterator[Stamped]:
    """The last `count` lines."""
    return iter(deque(lines, maxlen=count))


class Holdback(Generic[Item]):
    """Puts lines in order that arrive late, by holding each back for `patience` seconds at most.

    A line is let go as soon as every source has shown a later one (the low watermark), or when it
    has waited long enough: a source that says nothing delays the others by `patience`, not for
    ever. A line that is later still comes at once, out of turn: better there than lost. Times
    that are handed in (`now`) are seconds of any clock that only goes forward.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._heads: dict[Hashable, int] = {}
        self._held: list[tuple[int, Item]] = []
        self._waiting: deque[tuple[float, int]] = deque()
        self._overdue = LONG_AGO

    def add(self, source: Hashable) -> None:
        """A source from which lines are to be expected."""
        self._heads.setdefault(source, LONG_AGO)

    def remove(self, source: Hashable) -> None:
        """A source from which nothing more is to be expected; nobody waits for it any longer."""
        self._heads.pop(source, None)

    def push(self, source: Hashable, at: int, line: Item, now: float) -> None:
        """Take in a line of `source`."""
        self.push_all(source, [(at, line)], now)

    def push_all(self, source: Hashable, lines: Iterable[tuple[int, Item]], now: float) -> None:
        """Take in lines of `source` that came together, at least one."""
        self._held += steady(lines, self._heads.get(source, LONG_AGO))
        latest = self._held[-1][0]
        self._heads[source] = latest
        self._waiting.append((now + self._patience, latest))

    def ready(self, now: float) -> Iterator[Item]:
        """The lines whose turn it is, in order."""
        while self._waiting and self._waiting[0][0] <= now:
            self._overdue = max(self._overdue, self._waiting.popleft()[1])
        # Whatever is older than an overdue line goes before it, overdue or not.
        bound = max(self._overdue, min(self._heads.values(), default=1 << 63))
        # Each source's lines are in order already, so that to sort is little more than to merge.
        self._held.sort(key=_TIME)
        end = bisect_right(self._held, bound, key=_TIME)
        due, self._held = self._held[:end], self._held[end:]
        return map(_LINE, due)

    def rest(self) -> Iterator[Item]:
        """Everything that is still held, in order."""
        due, self._held = sorted(self._held, key=_TIME), []
        return map(_LINE, due)

    def due_in(self, now: float) -> float | None:
        """Seconds until `ready` will have something, None where nothing is held."""
        if not self._held:
            return None
        return max(0.0, self._waiting[0][0] - now) if self._waiting else 0.0
