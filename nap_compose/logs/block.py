"""Lines of one container that came together, and are handed on as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TypeAlias

from nap_compose.border import LogLine, LogLines
from nap_compose.plaindata import dataclass

Stamped: TypeAlias = tuple[int, LogLine]
"""When a line was printed, in nanoseconds since 1970, and the line."""

TOGETHER = 512
"""Lines that are taken at once from where they come one by one."""


@dataclass(frozen=True)
class Block:
    """Lines that came together; their times are `ahead` nanoseconds less than the engine's."""

    lines: LogLines
    ahead: int = 0

    def __len__(self) -> int:
        return len(self.lines.marks)

    def times(self) -> list[int]:
        """When they were printed."""
        ahead, times = self.ahead, self.lines.times()
        return [each - ahead for each in times] if ahead else times

    def __iter__(self) -> Iterator[Stamped]:
        return zip(self.times(), self.lines.each(), strict=True)


Batch: TypeAlias = "list[Stamped] | Block"


def one_by_one(batches: Iterable[Batch]) -> Iterator[Stamped]:
    """The lines of batches."""
    return chain.from_iterable(batches)


def together(lines: Iterable[Stamped]) -> Iterator[list[Stamped]]:
    """The same lines, some at once."""
    rest = iter(lines)
    while some := list(islice(rest, TOGETHER)):
        yield some
