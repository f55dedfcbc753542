"""One segment of a container's kept lines, as bytes: what of it counts, and how far it goes.

It begins with a head (whose lines they are, and where the segment before ended), and from time to
time there is a cursor, after which everything before it is safely on disk. A writer that is killed
leaves a tail without a cursor, its last line perhaps cut: whole lines count, whatever comes after
the first that isn't whole does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from nap_compose.logs.kept.reached import Reached
from nap_compose.logs.kept.stored import CURSOR, HEAD, is_stored, note, read_note
from nap_compose.plaindata import dataclass

VERSION = 1


@dataclass(frozen=True)
class Whose:
    """The container whose lines they are. `name` is what its engine calls it."""

    container: str
    name: str
    host: str
    owner: str
    app: str
    service: str
    replica: int
    oneoff: bool = False

    @property
    def subject(self) -> str:
        """As people write it: `web.2`, or the name of a container that `run` made."""
        return self.name if self.oneoff or not self.replica else f"{self.service}.{self.replica}"


@dataclass(frozen=True)
class Head:
    """A segment's first line.

    `number` counts the container's segments; `before` is how many bytes of the one before count,
    whatever its writer may have added since; `reached` how far the lines had been kept by then.
    """

    whose: Whose
    number: int
    before: int
    reached: Reached

    def line(self) -> bytes:
        """As it is written."""
        record = {"v": VERSION, **asdict(self.whose), "number": self.number, "before": self.before}
        return note(HEAD, {**record, "reached": self.reached.to_json()})

    @classmethod
    def read(cls, line: bytes) -> Head | None:
        """The head in a line; None where there is no whole one of this version."""
        found = read_note(line)
        if found is None or found[0] != HEAD or found[1].get("v") != VERSION:
            return None
        record: Mapping[str, Any] = found[1]
        whose = Whose(**{key: record[key] for key in Whose.__dataclass_fields__})
        reached = Reached.from_json(record["reached"])
        return cls(whose, record["number"], record["before"], reached)


@dataclass(frozen=True)
class Recovered:
    """A segment as it was found: `size` bytes of it count, and lead to `reached`."""

    head: Head
    size: int
    reached: Reached


def cursor(reached: Reached, size: int) -> bytes:
    """A cursor to stand after `size` bytes of the segment."""
    return note(CURSOR, {"size": size, **reached.to_json()})


def recover(data: bytes) -> Recovered | None:
    """What of a segment counts; None where it has no head.

    Only what comes after the last cursor is looked at line by line.
    """
    end = data.find(b"\n") + 1
    head = Head.read(data[: end - 1]) if end else None
    if head is None:
        return None
    reached, at = _last_cursor(data, end) or (head.reached, end)
    reached = reached.copy()
    for line in _lines(data, at):
        if is_stored(line):
            reached.advance(line)
        elif read_note(line) is None:
            break
        at += len(line) + 1
    return Recovered(head, at, reached)


def _last_cursor(data: bytes, begin: int) -> tuple[Reached, int] | None:
    """How far the last whole cursor says that lines have been kept, and where it ends."""
    found = len(data)
    while (found := data.rfind(b"\n#C ", begin - 1, found)) >= 0:
        start = found + 1
        end = data.find(b"\n", start)
        record = read_note(data[start:end]) if end >= 0 else None
        if record and record[1].get("size") == start:
            return Reached.from_json(record[1]), end + 1
    return None


def _lines(data: bytes, at: int) -> Iterator[bytes]:
    """The whole lines from there on, without their ends."""
    while (end := data.find(b"\n", at)) >= 0:
        yield data[at:end]
        at = end + 1
