"""Compressing segments that are full, and letting go of the oldest ones."""

from __future__ import annotations

import os
import zlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path

from nap_compose.logs.kept.files import (
    DRAFT,
    Segment,
    begin_draft,
    segments_in,
    sync_folder,
    write_whole,
)
from nap_compose.plaindata import dataclass

LEVEL = 6
_GZIP = 31


def compress(segment: Segment, *, over: bool = False) -> None:
    """Put a segment that has been succeeded into gzip's format, without what came after its end;
    one that has not, only where its container is `over`.

    Killed anywhere, it leaves the one file or both, whole. Raises OSError.
    """
    size = _size(segment, over)
    if segment.compressed or size is None:
        return
    zipped = Segment(segment.container, segment.number, segment.folder, True)
    draft, file = begin_draft(zipped.path)
    try:
        for piece in _zipped(segment.blocks(size)):
            write_whole(file, piece)
        os.fsync(file)
        # Its age is that of its lines.
        at = segment.path.stat().st_mtime
        os.utime(file, (at, at))
        draft.rename(zipped.path)
    finally:
        os.close(file)
        draft.unlink(missing_ok=True)
    sync_folder(segment.folder)
    segment.path.unlink(missing_ok=True)


def _size(segment: Segment, over: bool) -> int | None:
    after = segment.next.head()
    if after is not None:
        return after.before
    found = segment.recover() if over else None
    return found.size if found else None


def _zipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    zipping = zlib.compressobj(LEVEL, wbits=_GZIP)
    for piece in pieces:
        yield zipping.compress(piece)
    yield zipping.flush()


@dataclass(frozen=True)
class File:
    """A segment's file: its size in bytes, when it was last written, and whether its container's
    lines still go into it, or begin where it ends."""

    segment: Segment
    app: Path
    size: int
    at: float
    last: bool


def files_in(logs: Path) -> list[File]:
    """Every segment's file below `logs`."""
    found = []
    for folder in sorted(logs.glob("*/*/services/*/*")):
        segments = segments_in(folder)
        # A folder may have none yet: where the disk is full it could be made and its file not.
        for segment, after in zip_longest(segments, segments[1:]):
            try:
                there = segment.path.stat()
            except FileNotFoundError:
                continue
            last = after is None or after.container != segment.container
            found.append(File(segment, folder.parents[2], there.st_size, there.st_mtime, last))
    return found


def remove_drafts(logs: Path, *, before: float) -> None:
    """Remove what was begun before `before` (seconds since 1970) by somebody who died over it.
    Raises OSError."""
    for draft in logs.glob(f"*/*/services/*/*/.*{DRAFT}"):
        with suppress(FileNotFoundError):
            if draft.stat().st_mtime < before:
                draft.unlink()


def too_many(
    files: Sequence[File], *, before: float, max_app: int, max_total: int, live: frozenset[str]
) -> list[File]:
    """Which files are to go: those last written before `before` (seconds since 1970), then the
    oldest until each app has `max_app` bytes at the most, and the oldest of whoever has most until
    all have `max_total`: nobody's lines go because others print much.

    What a container of `live` (short ids) ends with stays: from there its lines go on.
    """
    by_app: Counter[Path] = Counter()
    for each in files:
        by_app[each.app] += each.size
    going, staying = [], []
    for each in sorted(files, key=lambda each: each.at):
        if each.last and each.segment.container in live:
            continue
        if each.at < before or by_app[each.app] > max_app:
            going.append(each)
            by_app[each.app] -= each.size
        else:
            staying.append(each)
    return going + _beyond(staying, by_app, max_total)


def _beyond(oldest_first: Sequence[File], by_app: Mapping[Path, int], most: int) -> list[File]:
    """Which of these go until all together have `most` bytes, each of the owner who has most by
    then."""
    by_owner: Counter[Path] = Counter()
    for app, size in by_app.items():
        by_owner[app.parent] += size
    theirs: dict[Path, deque[File]] = {}
    for each in oldest_first:
        theirs.setdefault(each.app.parent, deque()).append(each)
    total, going = by_owner.total(), []
    while total > most and theirs:
        owner = max(theirs, key=lambda each: by_owner[each])
        found = theirs[owner].popleft()
        going.append(found)
        by_owner[owner] -= found.size
        total -= found.size
        if not theirs[owner]:
            del theirs[owner]
    return going
