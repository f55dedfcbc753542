"""Lines of logs, and which of them are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from operator import truediv
from typing import NamedTuple, TypeAlias

from nap_compose.border.words import Target
from nap_compose.plaindata import dataclass
from nap_compose.stamps import nanoseconds

MARKS = {"o": "stdout", "e": "stderr"}
"""Letters for the streams of a container."""


class LogLine(NamedTuple):
    """A line of a container's output or of a deployment's log.

    `at` is seconds since 1970 by the clock of the host it was printed on; `source` is stdout,
    stderr, deploy, or gap where lines are missing; `subject` the replica (`web.2`) or `deploy`;
    `host` empty for the latter. (A tuple: there may be millions.)
    """

    at: float
    subject: str
    host: str
    source: str
    text: str


line_of = tuple.__new__
"""What a LogLine's own name comes to, in half the time: there may be millions."""


class LogLines(NamedTuple):
    """Lines of a container that came together: millions pass sooner so than one by one.

    `marks` has the letter of each line's stream, `stamps` the engine's timestamps, each with a
    space after it, and `texts` the texts, with a line end between two.
    """

    subject: str
    host: str
    marks: str
    stamps: bytes
    texts: str

    def times(self) -> list[int]:
        """When they were printed, in nanoseconds since 1970."""
        return nanoseconds(self.stamps)

    def each(self) -> Iterator[LogLine]:
        """The lines, one by one."""
        at = map(truediv, self.times(), repeat(1e9))
        sources = map(MARKS.__getitem__, self.marks)
        texts = self.texts.split("\n")
        parts = zip(at, repeat(self.subject), repeat(self.host), sources, texts)
        return map(line_of, repeat(LogLine), parts)


Lines: TypeAlias = LogLine | LogLines
"""A line, or some at once."""


def each_line(lines: Iterable[Lines]) -> Iterator[LogLine]:
    """Lines, one by one."""
    return chain.from_iterable(
        each.each() if isinstance(each, LogLines) else (each,) for each in lines
    )


@dataclass(frozen=True)
class LogRequest:
    """Which lines of an app; `since` and `until` in seconds since 1970, `tail` lines a source.

    `hosts` limits the containers to those on some hosts, `stream` (stdout or stderr) their lines
    to one stream; `deployment` the deployments to those whose id begins so.
    """

    target: Target
    services: tuple[str, ...] = ()
    follow: bool = False
    tail: int | None = None
    since: float | None = None
    until: float | None = None
    deploy: bool = True
    containers: bool = True
    hosts: tuple[str, ...] = ()
    stream: str = ""
    deployment: str = ""


@dataclass(frozen=True)
class AttendRequest:
    """An app that is watched in the foreground: the services whose lines are shown, and those
    whose ends are awaited."""

    target: Target
    shown: tuple[str, ...]
    awaited: tuple[str, ...]
