"""All that is kept of one container, as one stream of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import dropwhile, groupby, pairwise
from pathlib import Path

from nap_compose.logs.kept.files import SHORT_ID, Segment, segments_of
from nap_compose.logs.kept.reached import Reached
from nap_compose.logs.kept.segment import Head, Recovered, Whose
from nap_compose.logs.kept.stored import EPOCH, STAMP, read_note
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Part:
    """A segment of which `size` bytes count (None: all of it); its lines lead to `reached`."""

    segment: Segment
    head: Head
    size: int | None
    reached: Reached

    def blocks(self) -> Iterator[bytes]:
        """Its lines in blocks, its head and cursors among them."""
        return self.segment.blocks(self.size)

    def ends_before(self, stamp: bytes) -> bool:
        """Whether every line of it is earlier than that."""
        if self.reached.epoch:  # set back, a clock puts later lines under earlier times
            return False
        return max((at for at, _ in self.reached.last.values()), default=b"") < stamp


@dataclass(frozen=True)
class Series:
    """One container's parts in turn; they lead to `reached`."""

    whose: Whose
    parts: Sequence[Part]

    @property
    def reached(self) -> Reached:
        return self.parts[-1].reached

    @property
    def number(self) -> int:
        """The number of its last segment."""
        return self.parts[-1].head.number

    @property
    def size(self) -> int:
        """How much of its last segment counts."""
        return self.parts[-1].size or 0

    def blocks(self, since: bytes = b"") -> Iterator[bytes]:
        """Its lines in blocks, heads and cursors among them; with `since`, a timestamp, without
        the parts that end earlier."""
        for part in self.parts:
            if not since or not part.ends_before(since):
                yield from part.blocks()

    def lines(self, since: bytes = b"") -> Iterator[bytes]:
        """Its lines without their ends, nap's own among them; with `since` from about then on."""
        for block in self.blocks(since):
            yield from block[:-1].split(b"\n")

    def of_latest_epoch(self, since: bytes = b"") -> Iterator[bytes]:
        """As `lines`, from where the clock was last set back."""
        lines = self.lines(since)
        epoch = self.reached.epoch
        if self.parts[0].head.reached.epoch == epoch:
            return lines
        return dropwhile(lambda line: not _begins_epoch(line, epoch), lines)

    def stored_since(self, stamp: bytes) -> list[bytes]:
        """The container's lines of that time and later, in the order in which they were kept."""
        return [
            line for line in self.lines(stamp) if line[:1] != b"#" and line[2 : 2 + STAMP] >= stamp
        ]


def series_of(logs: Path, owner: str, app: str) -> list[Series]:
    """Everything that is kept of an app, container by container."""
    return joined(segments_of(logs, owner, app))


def series_of_one(logs: Path, owner: str, app: str, container: str) -> Series | None:
    """What is kept of one of an app's containers."""
    mine = [
        each for each in segments_of(logs, owner, app) if each.container == container[:SHORT_ID]
    ]
    return next(iter(joined(mine)), None)


def joined(segments: Iterable[Segment]) -> list[Series]:
    """The series that these segments make, which stand in turn."""
    found = []
    for _, group in groupby(segments, key=lambda each: (each.folder, each.container)):
        series = _join(list(group))
        if series:
            found.append(series)
    return found


def _join(segments: Sequence[Segment]) -> Series | None:
    """The series of one container; None where nothing of it can be read."""
    headed = [(segment, head) for segment in segments if (head := segment.head())]
    while headed:
        recovered = headed[-1][0].recover()
        if recovered:
            break
        headed.pop()  # it was deleted between two looks
    else:
        return None
    return Series(headed[0][1].whose, tuple(_parts(headed, recovered)))


def _parts(headed: Sequence[tuple[Segment, Head]], last: Recovered) -> Iterator[Part]:
    for (segment, head), (_, after) in pairwise(headed):
        # What follows the size that its successor names came after the succession.
        follows = after.number == head.number + 1
        yield Part(segment, head, after.before if follows else None, after.reached)
    segment, head = headed[-1]
    yield Part(segment, head, last.size, last.reached)


def _begins_epoch(line: bytes, epoch: int) -> bool:
    found = read_note(line) if line[:1] == b"#" else None
    return found is not None and found[0] == EPOCH and found[1].get("epoch") == epoch
