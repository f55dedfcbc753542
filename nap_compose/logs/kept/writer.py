"""Keeping one container's lines: appending, seeing them safely on disk, beginning new segments.

What has been kept stands in the files and nowhere else. Whenever something goes wrong, the writer
is thrown away and another one begins where the files end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from nap_compose.logs.folders import make_folders
from nap_compose.logs.kept.files import (
    SHORT_ID,
    Segment,
    begin,
    folder_of,
    segments_in,
    write_whole,
)
from nap_compose.logs.kept.reached import Reached
from nap_compose.logs.kept.segment import Head, Whose, cursor
from nap_compose.logs.kept.series import Series, joined
from nap_compose.logs.kept.stored import EPOCH, GAP, note

SEGMENT = 16 << 20
"""Bytes after which a segment is full."""

OLDEST = 86400.0
"""Seconds after which a segment is ended, so that lines can be let go by age."""


class Succeeded(Exception):
    """Somebody else keeps this container's lines now."""


class Writer:
    """Appends to what is kept of one container; makes a file only when there is a line for it.

    `append` and `sync` raise OSError (the disk is full, for one) or Succeeded; the writer is of no
    use then.
    """

    def __init__(
        self, logs: Path, whose: Whose, *, segment: int | None = None, oldest: float | None = None
    ) -> None:
        self._logs = logs
        self._whose = whose
        folder = folder_of(logs, whose)
        self._largest = SEGMENT if segment is None else segment
        self._oldest = OLDEST if oldest is None else oldest
        short = whose.container[:SHORT_ID]
        mine = [each for each in segments_in(folder) if each.container == short]
        found = joined(mine)
        self.kept: Series | None = found[0] if found else None
        self.reached = self.kept.reached.copy() if self.kept else Reached()
        # A file that can't be read keeps its number.
        self._segment = mine[-1] if mine else Segment(short, 0, folder)
        readable = self.kept is not None and self.kept.number == self._segment.number
        self._before = self.kept.size if self.kept and readable else 0
        self._file = -1
        self._size = 0
        self._dirty = False
        self._began = 0.0

    def append(self, stored: Sequence[bytes]) -> None:
        """Keep these lines, in turn; they are the file's at once, the disk's with the next
        `sync`."""
        if not stored:
            return
        if self._file < 0:
            self._begin()
        # How far it goes is known when it is written: a cursor must never say more than is there.
        reached = self.reached.copy()
        pieces: list[bytes] = []
        for line in stored:
            if reached.advance(line):
                pieces.append(note(EPOCH, {"epoch": reached.epoch, "at": _now()}))
            pieces.append(line)
        self._write(b"".join(pieces))
        self.reached = reached

    def gap(self, after: bytes, before: bytes) -> None:
        """Say that lines between two timestamps may be missing."""
        if self._file < 0:
            self._begin()
        self._write(note(GAP, {"after": after.decode(), "before": before.decode(), "at": _now()}))

    def sync(self) -> bool:
        """See everything safely on disk, with a cursor; ends a segment that is full or old.

        Whether there was anything to do.
        """
        if self._file < 0:
            return False
        if self._dirty:
            # Or somebody tidied it away, who couldn't know that it is still written to.
            if self._segment.next.exists() or not self._segment.path.exists():
                raise Succeeded
            os.fsync(self._file)
            self._write(cursor(self.reached, self._size))
            os.fsync(self._file)
            self._dirty = False
            done = True
        else:
            done = False
        if self._size >= self._largest or time.monotonic() - self._began >= self._oldest:
            self._end()
        return done

    def close(self) -> None:
        """Let go of the file, as it is."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _begin(self) -> None:
        segment = self._segment.next
        make_folders(self._logs, segment.folder)
        head = Head(self._whose, segment.number, self._before, self.reached)
        try:
            self._file = begin(segment, head)
        except FileExistsError:
            raise Succeeded from None
        self._segment = segment
        self._size = len(head.line())
        self._began = time.monotonic()

    def _end(self) -> None:
        self.close()
        self._before = self._size

    def _write(self, data: bytes) -> None:
        try:
            write_whole(self._file, data)
        except OSError:
            # A line that was cut would hide those that come after it.
            try:
                os.ftruncate(self._file, self._size)
            except OSError:
                self.close()
            raise
        self._size += len(data)
        self._dirty = True


def _now() -> float:
    return round(time.time(), 3)
