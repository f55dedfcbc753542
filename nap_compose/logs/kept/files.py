"""Kept segments as files: `services/SERVICE/N/CONTAINER-NUMBER.log`, compressed when full.

A segment's file appears whole with its head, under a number that nobody else can take: so of two
writers one comes first, and the other sees that it has been succeeded.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from nap_compose.logs.folders import FILE_MODE, app_folder, plain_name
from nap_compose.logs.kept.segment import Head, Recovered, Whose, recover
from nap_compose.logs.kept.stored import GAP, STAMP, is_stored, note
from nap_compose.plaindata import dataclass

SERVICES = "services"
ONEOFF = "run"
"""The folder of containers that `run` made; a replica's is its number."""

DRAFT = ".new"
"""What the name of a file ends with that is still being made."""

SHORT_ID = 12
BLOCK = 256 * 1024
"""Bytes that are read, and taken apart, at once."""

ZIPPED = 16 * 1024
"""Bytes of a compressed file that are read at once: they are a block, or somewhat less."""

_NAME = re.compile(r"([0-9a-f]{1,12})-(\d{6,})\.log(\.gz)?")
_GZIP = 31
"""zlib's word for gzip's format."""


@dataclass(frozen=True, order=True)
class Segment:
    """One segment's file; `container` is the short id of the one whose lines it has."""

    container: str
    number: int
    folder: Path
    compressed: bool = False

    @property
    def path(self) -> Path:
        """Where it is, or is to be."""
        return self.folder / f"{self.container}-{self.number:06d}.log{'.gz' * self.compressed}"

    @property
    def next(self) -> Segment:
        """The one that comes after it."""
        return Segment(self.container, self.number + 1, self.folder)

    def exists(self) -> bool:
        """Whether it is there, compressed or not."""
        zipped = Segment(self.container, self.number, self.folder, True)
        plain = Segment(self.container, self.number, self.folder)
        return plain.path.exists() or zipped.path.exists()

    def head(self) -> Head | None:
        """What it begins with; None where the file is gone, or is none of ours."""
        for block in self.blocks():
            return Head.read(block[: block.find(b"\n")])
        return None

    def blocks(self, size: int | None = None) -> Iterator[bytes]:
        """Its whole lines in blocks, of its first `size` bytes where given (before it was
        compressed). A file that is compressed or deleted meanwhile is read where it is now."""
        rest, last = b"", b""
        try:
            for piece in self._pieces(size):
                end = piece.rfind(b"\n") + 1
                if end:
                    last = rest + piece[:end]
                    yield last
                    rest = piece[end:]
                else:
                    rest += piece
        except zlib.error:
            yield self._damaged(last)

    def _damaged(self, last: bytes) -> bytes:
        """A note that what comes after the block `last` can't be read."""
        stored = [line for line in last.split(b"\n") if is_stored(line)]
        at = stored[-1][2 : 2 + STAMP].decode() if stored else ""
        why = f"lines are missing here: {self.path} is damaged"
        return note(GAP, {"after": at, "before": at, "why": why})

    def recover(self) -> Recovered | None:
        """What of it counts, and how far it goes."""
        try:
            return recover(b"".join(self._pieces()))
        except zlib.error:
            return None

    def _pieces(self, size: int | None = None) -> Iterator[bytes]:
        for compressed in (self.compressed, not self.compressed):
            try:
                file = Segment(self.container, self.number, self.folder, compressed).path.open("rb")
            except FileNotFoundError:
                continue
            with file:
                if compressed:  # without what didn't count
                    yield from _unzipped(_read(file, ZIPPED))
                else:
                    yield from _bounded(_read(file, BLOCK), size)
            return


def _read(file: BinaryIO, size: int) -> Iterator[bytes]:
    while piece := file.read(size):
        yield piece


def _unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unzip = zlib.decompressobj(_GZIP)
    for piece in pieces:
        yield unzip.decompress(piece)
    yield unzip.flush()
    if not unzip.eof:
        raise zlib.error("the file ends too early")


def _bounded(pieces: Iterator[bytes], size: int | None) -> Iterator[bytes]:
    for piece in pieces:
        if size is None:
            yield piece
            continue
        if size <= 0:
            return
        yield piece[:size]
        size -= len(piece)


def folder_of(logs: Path, whose: Whose) -> Path:
    """Where the lines of a container are kept."""
    slot = ONEOFF if whose.oneoff or not whose.replica else str(whose.replica)
    service = plain_name(whose.service or ONEOFF)
    return app_folder(logs, whose.owner, whose.app) / SERVICES / service / slot


def segments_in(folder: Path) -> list[Segment]:
    """The segments in a folder, each container's together and in turn."""
    found: dict[tuple[str, int], Segment] = {}
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    for name in sorted(names):  # `.log.gz` after `.log`: a compressed file is complete
        match = _NAME.fullmatch(name)
        if match:
            segment = Segment(match[1], int(match[2]), folder, bool(match[3]))
            found[segment.container, segment.number] = segment
    return sorted(found.values())


def segments_of(logs: Path, owner: str, app: str) -> list[Segment]:
    """Every segment that is kept of an app."""
    top = app_folder(logs, owner, app) / SERVICES
    if not top.is_dir():
        return []
    services = [service for service in top.iterdir() if service.is_dir()]
    folders = sorted(slot for service in services for slot in service.iterdir())
    return [segment for folder in folders for segment in segments_in(folder)]


def begin(segment: Segment, head: Head) -> int:
    """Make the segment's file with its head, safely on disk; its descriptor, to append to.

    Raises FileExistsError where somebody else was first, and OSError.
    """
    draft, file = begin_draft(segment.path)
    try:
        write_whole(file, head.line())
        os.fsync(file)
        os.link(draft, segment.path)
        sync_folder(segment.folder)
    except BaseException:
        os.close(file)
        raise
    finally:
        draft.unlink(missing_ok=True)
    return file


def begin_draft(path: Path) -> tuple[Path, int]:
    """Make a file that is to become the one at `path`; where it is, and its descriptor.

    Nobody else writes to it, on no machine: collectors of two may be the same process by number.
    Raises OSError.
    """
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}{DRAFT}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    os.fchmod(file, FILE_MODE)
    return draft, file


def write_whole(file: int, data: bytes) -> None:
    """Write all of it. Raises OSError, with a part of it written."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def sync_folder(folder: Path) -> None:
    """See a folder's entries safely on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
