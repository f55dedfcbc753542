"""Lines of many sources put into one order by time.

What is on disk already is merged exactly (`in_order`). What is still being printed reaches us
over different ways and may be late: `Holdback` keeps a line for a moment, until every source has
got past it or the moment is over. Neither loses a line, shows one twice, nor ever turns two lines
of one source round.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import accumulate, chain
from operator import itemgetter
from typing import Generic, TypeVar

from nap_compose.border import Lines, LogLine
from nap_compose.logs.block import Batch, Block, Stamped

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


def in_order(sources: Iterable[Iterable[Batch]]) -> Iterator[Lines]:
    """All lines of all sources by time, exactly; lines of the same time by source, as given.

    Reads each source only as far as needed: memory is one batch a source. Where only one has any,
    which then is in order by itself, there may be millions of them and nothing to compare.
    """
    begun = [source for each in sources if (source := _Source(each)).more()]
    if len(begun) > 1:
        yield from _merged(begun)
    else:
        for source in begun:
            yield from source.whole()


class _Source:
    """A source of lines as far as it was read: one batch, of which those from `at` on are left."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = iter(batches)
        self._batch: Batch = []
        self._lines: list[LogLine] = []
        self.times: list[int] = []
        self.at = 0

    def more(self) -> bool:
        """Read the next batch; whether there is one."""
        self._batch = next(filter(len, self._batches), [])
        return len(self._batch) > 0

    def whole(self) -> Iterator[Lines]:
        """This batch and all that come, as they are."""
        yield from self._as_it_is()
        while self.more():
            yield from self._as_it_is()

    def begin(self) -> None:
        """Time the batch: no line before the one that stands before it; see `steady`."""
        batch, latest = self._batch, self.times[-1] if self.times else LONG_AGO
        times = batch.times() if isinstance(batch, Block) else map(_TIME, batch)
        self.times = list(accumulate(times, max, initial=latest))[1:]
        self._lines = []
        self.at = 0

    def told(self, start: int, end: int) -> Iterator[Lines]:
        """The lines of that part of the batch."""
        if end - start == len(self._batch):
            return self._as_it_is()
        return iter(self._one_by_one()[start:end])

    def stamped(self, start: int, end: int) -> Iterator[Stamped]:
        """The same, each with its time."""
        return zip(self.times[start:end], self._one_by_one()[start:end], strict=True)

    def _as_it_is(self) -> Iterator[Lines]:
        batch = self._batch
        return iter([batch.lines]) if isinstance(batch, Block) else map(_LINE, batch)

    def _one_by_one(self) -> list[LogLine]:
        if not self._lines:
            batch = self._batch
            each = batch.lines.each() if isinstance(batch, Block) else map(_LINE, batch)
            self._lines = list(each)
        return self._lines


def _merged(sources: Sequence[_Source]) -> Iterator[Lines]:
    """The lines of several sources, of which each has a batch."""
    ends: list[tuple[int, int]] = []
    heads: list[tuple[int, int]] = []

    def begin(number: int) -> None:
        sources[number].begin()
        heappush(ends, (sources[number].times[-1], number))
        heappush(heads, (sources[number].times[0], number))

    for number in range(len(sources)):
        begin(number)
    while ends:
        # What comes after the end of a batch isn't known: only up to the first end all is there.
        bound, first = heappop(ends)
        due: list[tuple[int, int, int]] = []
        while heads and heads[0] <= (bound, first):
            _, number = heappop(heads)
            source = sources[number]
            until = bisect_right if number <= first else bisect_left
            start, source.at = source.at, until(source.times, bound, source.at)
            due.append((number, start, source.at))
            if source.at < len(source.times):
                heappush(heads, (source.times[source.at], number))
        yield from _together(sources, due)
        if sources[first].more():
            begin(first)


def _together(sources: Sequence[_Source], due: list[tuple[int, int, int]]) -> Iterator[Lines]:
    """Parts of the batches of some sources by time, lines of the same time by source."""
    if len(due) == 1:
        number, start, end = due[0]
        return sources[number].told(start, end)
    parts = (sources[number].stamped(start, end) for number, start, end in sorted(due))
    # Each source's lines are in order already, so that to sort is little more than to merge.
    return map(_LINE, sorted(chain.from_iterable(parts), key=_TIME))


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
