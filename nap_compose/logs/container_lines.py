"""The lines of one container, straight from its engine, each exactly once.

An engine stamps every line of each stream (stdout, stderr) with a time that only grows within
that stream. So where a connection was lost, reading goes on from a little before the last line,
and what had been read already is told by its stream, its time, and how many lines it shares that
time with. (Only an engine whose clock was set back meanwhile can make us show lines again.)
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import field

from nap_compose.border import LogLine, LogLines
from nap_compose.border.lines import MARKS, line_of
from nap_compose.cluster.engine import Engine
from nap_compose.cluster.engine_logs import PlainFrames
from nap_compose.cluster.view import ContainerView
from nap_compose.logs.block import Batch, Block, Stamped, one_by_one
from nap_compose.logs.kept.overlap import key_of
from nap_compose.logs.kept.resume import resume
from nap_compose.logs.kept.series import Series
from nap_compose.logs.kept.stored import store
from nap_compose.logs.kept_lines import MISSING
from nap_compose.logs.merge import LONG_AGO
from nap_compose.logs.stamps import as_text, split_stamp, stamped_alike
from nap_compose.plaindata import dataclass
from nap_compose.stamps import HEAD, nanoseconds

OVERLAP = 2.0
"""Seconds that are asked for again after a lost connection: by so much may the lines of one
stream be stamped earlier than lines of the other that stand before them."""

_LETTERS = {stream: letter for letter, stream in MARKS.items()}

EVERY = 1 << 62
"""More lines than there can be."""


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
        if self.first is None or at < self.first:
            self.first = at

    def advance_all(self, marks: str, stamps: bytes) -> None:
        """Count in a batch of lines, of which these are the streams' letters and the times."""
        for letter, stream in MARKS.items():
            at = marks.rfind(letter)
            if at < 0:
                continue
            stamp, alike = stamps[at * HEAD : (at + 1) * HEAD], 0
            while at >= 0 and stamps.startswith(stamp, at * HEAD):
                alike += 1
                at = marks.rfind(letter, 0, at)
            (latest,) = nanoseconds(stamp)
            before, count = self.last.get(stream, (latest, 0))
            # All of the stream's lines here may be of that time, and so may some before them.
            self.last[stream] = (latest, alike + (count if at < 0 and before == latest else 0))

    def copy(self) -> Position:
        """The same, which goes its own way from here on."""
        return Position(self.first, dict(self.last))

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

    `floor` is the time from which lines of a stream count that hasn't shown any yet; `past` are
    the streams that have come to new lines.
    """

    def __init__(self, position: Position, floor: int = LONG_AGO) -> None:
        self._floor = floor
        self._last = dict(position.last)
        self.past: set[str] = set()

    def is_old(self, stream: str, at: int) -> bool:
        """Whether this line was read before. To be asked of each line in turn."""
        if stream in self.past:
            return False
        latest, count = self._last.get(stream, (self._floor, 0))
        if at < latest:
            return True
        if at == latest and count > 0:
            self._last[stream] = (latest, count - 1)
            return True
        self.past.add(stream)
        return False


class ContainerLog:
    """Reads one container's log piece by piece; each piece goes on where the last one ended.

    `since` and `until` are seconds since 1970, `tail` the most lines of what is there at first;
    `stream` limits it to stdout or stderr. `skew` is how many seconds the host's clock is ahead:
    by so much earlier do its lines stand among others'. Reading begins `after` what is kept, where
    something is.
    """

    def __init__(
        self,
        container: ContainerView,
        *,
        since: float | None = None,
        until: float | None = None,
        tail: int | None = None,
        stream: str = "",
        skew: float = 0.0,
        after: Series | None = None,
    ) -> None:
        self.container = container
        # Once a clock was set back, times alone don't tell what is kept from what isn't.
        self._after = after if after and after.reached.epoch else None
        self._stream = stream
        self._ahead = round(skew * 1e9)
        self._since = since
        self._until = until
        self._tail = tail
        self._floor = LONG_AGO
        self._last = LONG_AGO
        self._position = Position(last=after.reached.positions() if after else {})
        identity = container.identity
        named = identity is not None and not identity.oneoff and identity.replica
        self.subject = identity.slot if identity and named else container.name

    def copy(self) -> ContainerLog:
        """Another reader that goes on from where this one is now."""
        twin = copy.copy(self)
        twin._position = self._position.copy()
        return twin

    def read(self, engine: Engine, *, follow: bool) -> Iterator[Stamped]:
        """The lines that have not been read, to the end there is now or, with `follow`, as they
        are printed until the container ends.

        Raises what the engine raises; whatever was read until then is not given again.
        """
        return one_by_one(self.batches(engine, follow=follow))

    def since(self) -> float | None:
        """From when on there may be lines that have not been read, in seconds since 1970."""
        at = self._position.since()
        return self._since if at is None else max(at, self._since or 0.0)

    def beyond(self, kept: Iterable[Stamped]) -> Iterator[Stamped]:
        """Those of the lines, which were kept of this container, that have not been read."""
        if self._tail is not None and not self._position.last:
            return  # of these the end was asked for, and not got
        overlap = Overlap(self._position, self._floor)
        for at, line in kept:
            stream, printed = line.source, at + self._ahead
            if stream == MISSING:
                if overlap.past:
                    yield at, line
            elif stream in overlap.past or not overlap.is_old(stream, printed):
                self._position.advance(stream, printed)
                self._last = printed
                yield at, line

    def batches(self, engine: Engine, *, follow: bool) -> Iterator[Batch]:
        """As `read`, as many lines at once as came."""
        if self._after is not None:
            (resumed, known), overlap = resume(self._after), Overlap(Position())
        else:
            resumed, known = self._position.since(), None
            overlap = Overlap(self._position, self._floor)
        # `tail=0` still asks for a line: unseen by people, it marks where the new ones begin.
        hide = self._tail == 0
        batches = engine.log_batches(
            self.container.id,
            follow=follow and not hide,
            since=self._since if resumed is None else max(resumed, self._since or 0.0),
            until=self._until,
            tail=max(self._tail, 1) if self._tail is not None else None,
            stream=self._stream,
        )
        for batch in batches:
            fresh: Sequence[tuple[str, bytes]] = batch
            if known is not None:
                fresh = [line for line in batch if not known.is_old(key_of(store(*line)))]
                if fresh:
                    known = self._after = None
            streams = _streams_of(fresh)
            plain = self._tail is None and streams <= overlap.past
            lines: Batch | None = self._plain(fresh, streams) if plain else None
            if lines is None:
                lines = self._new(fresh, overlap)
            if lines and not hide:
                yield lines
        self._stop_tailing()
        # Lines of the same time as the first of the tail may stand before it, uncounted.
        self._position.close(self._floor)
        if hide and follow:
            yield from self.batches(engine, follow=True)

    def _plain(self, batch: Sequence[tuple[str, bytes]], streams: Set[str]) -> Block | None:
        """The lines of a batch of these streams that are all new, each counted in; None, and
        nothing done, where one is out of the ordinary: few are, and there may be millions. So
        nothing here is done line by line but what C does."""
        if not _LETTERS.keys() >= streams:
            return None
        if isinstance(batch, PlainFrames):
            ordinary = stamped_alike(batch.framed, skip=8)
        else:
            ordinary = stamped_alike([raw for _, raw in batch])
        if ordinary is None:
            return None
        stamps, texts = ordinary
        if len(streams) == 1:
            marks = _LETTERS[next(iter(streams))] * len(batch)
        else:
            marks = "".join([_LETTERS[each] for each, _ in batch])
        self._position.advance_all(marks, stamps)
        (self._last,) = nanoseconds(stamps[-HEAD:])
        lines = LogLines(self.subject, self.container.host, marks, stamps, texts)
        return Block(lines, self._ahead)

    def _new(self, batch: Sequence[tuple[str, bytes]], overlap: Overlap) -> list[Stamped]:
        """Those of the lines that the overlap doesn't have, each counted in."""
        lines: list[Stamped] = []
        position, past = self._position, overlap.past
        ahead, subject, host = self._ahead, self.subject, self.container.host
        reached, at = position.last, self._last
        for stream, raw in batch:
            at, line = split_stamp(raw) or (max(at, 0), raw)
            if stream not in past and overlap.is_old(stream, at):
                continue
            if self._tail is None:
                latest = reached.get(stream)
                reached[stream] = (at, latest[1] + 1 if latest and latest[0] == at else 1)
            else:
                position.advance(stream, at)
                self._stop_tailing()
            try:
                text = line.decode() if line[-1:] != b"\r" else as_text(line)
            except UnicodeDecodeError:
                text = as_text(line)
            lines.append((at - ahead, line_of(LogLine, (at / 1e9, subject, host, stream, text))))
        self._last = at
        return lines

    def _stop_tailing(self) -> None:
        """From now on every line counts, but none from before those that were asked for."""
        if self._tail is not None:
            self._tail = None
            self._floor = LONG_AGO if self._position.first is None else self._position.first


def _streams_of(batch: Sequence[tuple[str, bytes]]) -> Set[str]:
    return batch.streams if isinstance(batch, PlainFrames) else {stream for stream, _ in batch}
