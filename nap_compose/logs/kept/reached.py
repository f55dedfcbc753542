"""How far a container's lines have been kept: what a cursor says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from nap_compose.logs.kept.stored import STAMP, STREAMS, to_time
from nap_compose.plaindata import dataclass


@dataclass
class Reached:
    """The last timestamp of each stream (`o`, `e`) and how many lines there are at it; `latest` is
    the timestamp of the last line of all, `peak` the highest there ever was before the clock was
    last set back. `epoch` counts how often that was; `lines` is all there are.
    """

    last: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    latest: bytes = b""
    peak: bytes = b""
    epoch: int = 0
    lines: int = 0

    def advance(self, stored: bytes) -> bool:
        """Count in a stored line. Whether the clock was set back before it: a new epoch."""
        stream, stamp = stored[:1].decode("latin-1"), stored[2 : 2 + STAMP]
        latest, count = self.last.get(stream, (b"", 0))
        back = stamp < latest
        if back:
            self.peak = max(self.peak, *(each for each, _ in self.last.values()))
            self.epoch += 1
            self.last.clear()
        self.last[stream] = (stamp, count + 1 if stamp == latest else 1)
        self.latest = stamp
        self.lines += 1
        return back

    def copy(self) -> Reached:
        """Another that goes its own way."""
        return Reached(dict(self.last), self.latest, self.peak, self.epoch, self.lines)

    def positions(self) -> dict[str, tuple[int, int]]:
        """For each stream (stdout, stderr) its last time, in nanoseconds, and the lines at it."""
        return {STREAMS[key]: (to_time(stamp), count) for key, (stamp, count) in self.last.items()}

    def to_json(self) -> dict[str, Any]:
        """As it stands in cursors."""
        return {
            "last": {key: [stamp.decode(), count] for key, (stamp, count) in self.last.items()},
            "latest": self.latest.decode(),
            "peak": self.peak.decode(),
            "epoch": self.epoch,
            "lines": self.lines,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Reached:
        """The same again."""
        return cls(
            {key: (stamp.encode(), count) for key, (stamp, count) in record["last"].items()},
            record["latest"].encode(),
            record["peak"].encode(),
            record["epoch"],
            record["lines"],
        )
