"""Parcels: a file, or a folder with all in it, as one tar that goes by its digest.

The digest is over what a container will see: paths, kinds, permissions, owners, contents, links.
When a file was changed doesn't count, so that a fresh checkout of the same files is the same.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nap_compose.errors import BadFile, NapError
from nap_compose.units import show_size

if TYPE_CHECKING:
    from tarfile import TarFile, TarInfo

CONTENT = "content"
"""What the file or folder is called in the tar, whatever it was called where it came from."""

_RIGHTS = 0o777
_END = 16 << 10
"""Bytes of a tar that holds one short file: its head, and what fills up the end."""


class Limits(NamedTuple):
    """The most that one parcel may hold: bytes, and files of any kind."""

    size: int
    files: int


class Piece(NamedTuple):
    """One file, folder or link: `path` within the parcel, where it is read from, and its state."""

    path: str
    source: str
    state: os.stat_result

    @property
    def is_file(self) -> bool:
        """Whether it has a content."""
        return stat.S_ISREG(self.state.st_mode)


class Entry(NamedTuple):
    """What counts of a piece: `body` is the SHA-256 of a file, or where a link leads."""

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    body: str


def pieces(source: Path, limits: Limits) -> list[Piece]:
    """The file, or the folder and all in it, in a fixed order.

    Links in a folder are kept as links. Raises BadFile for what can't be read, what is neither
    file, folder nor link, and what is larger than `limits`.
    """
    found: list[Piece] = []
    size = 0
    for piece in _walk(str(source), CONTENT, followed=True):
        found.append(piece)
        size += piece.state.st_size if piece.is_file else 0
        if size > limits.size or len(found) > limits.files + 1:
            raise TooLarge(source, limits)
    return found


class TooLarge(BadFile):
    """A file or folder is larger than nap takes along."""

    def __init__(self, source: Path, limits: Limits) -> None:
        super().__init__(
            f"{source} is larger than nap takes along: "
            f"{show_size(limits.size)} and {limits.files:,} files are the most"
        )


def digest(entries: Iterable[Entry]) -> str:
    """The parcel's digest, as hex digits."""
    import hashlib

    total = hashlib.sha256()
    for entry in sorted(entries):
        line = "\0".join(str(part) for part in entry)
        total.update(f"{len(line.encode())}:{line}".encode())
    return total.hexdigest()


def entry(piece: Piece, body: str) -> Entry:
    """What counts of a piece; `body` is a file's SHA-256."""
    state = piece.state
    kind = "file" if piece.is_file else "link" if stat.S_ISLNK(state.st_mode) else "folder"
    if kind == "link":
        body = str(Path(piece.source).readlink())
    mode = 0 if kind == "link" else state.st_mode & _RIGHTS
    return Entry(piece.path, kind, mode, state.st_uid, state.st_gid, body)


def read(piece: Piece) -> bytes:
    """A file's content. Raises BadFile where it can't be read, or is no longer a file."""
    try:
        descriptor = os.open(piece.source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _no_file(piece.source)
            return file.read(piece.state.st_size + 1)[: piece.state.st_size]
    except OSError as error:
        raise _unreadable(piece.source, error) from error


def pack(found: Iterable[Piece]) -> bytes:
    """The tar of these pieces."""
    import tarfile

    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for piece in found:
            head = tarfile.TarInfo(piece.path)
            head.uid, head.gid = piece.state.st_uid, piece.state.st_gid
            head.mode = piece.state.st_mode & _RIGHTS
            head.mtime = int(piece.state.st_mtime)
            content = b""
            if piece.is_file:
                content = read(piece)
            elif stat.S_ISDIR(piece.state.st_mode):
                head.type = tarfile.DIRTYPE
            else:
                head.type = tarfile.SYMTYPE
                head.linkname = str(Path(piece.source).readlink())
            head.size = len(content)
            tar.addfile(head, io.BytesIO(content))
    return whole.getvalue()


def of_bytes(content: bytes) -> bytes:
    """The tar of a file that is nowhere on a disk: readable by all, root's."""
    import tarfile

    head = tarfile.TarInfo(CONTENT)
    head.mode, head.size = 0o444, len(content)
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(head, io.BytesIO(content))
    return whole.getvalue()


def digest_of(tar: bytes) -> str:
    """The digest of what a tar holds. Raises NapError for one that is no parcel."""
    import hashlib

    found: list[Entry] = []
    with opened(tar) as archive:
        for head, kind in heads(archive):
            content = archive.extractfile(head) if kind == "file" else None
            body = hashlib.sha256(content.read()).hexdigest() if content else head.linkname
            mode = 0 if kind == "link" else head.mode
            found.append(Entry(head.name, kind, mode, head.uid, head.gid, body))
    return digest(found)


def check_size(called: str, tar: bytes, limits: Limits) -> None:
    """Raise NapError for a parcel that is larger than `limits`, whoever packed it."""
    found = [head for head, _ in _heads_of(tar)]
    size = sum(head.size for head in found)
    # What stands beside the contents has its end too.
    fits = size <= limits.size and len(tar) <= packed_size(limits.size)
    if not fits or len(found) > limits.files + 1:
        raise NapError(
            f"{called} is larger than nap takes along: "
            f"{show_size(limits.size)} and {limits.files:,} files are the most"
        )


def packed_size(size: int) -> int:
    """How large a tar of so many bytes may be, with heads, names and the end of it."""
    return 2 * size + _END


def _heads_of(tar: bytes) -> list[tuple[TarInfo, str]]:
    with opened(tar) as archive:
        return list(heads(archive))


@contextmanager
def opened(tar: bytes) -> Iterator[TarFile]:
    """A parcel's tar. It is never compressed: what somebody packed by hand can't come to more than
    it is. Raises NapError for what is no tar, and for one that isn't whole."""
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
            yield archive
    except tarfile.TarError as error:
        raise NapError(f"the content is no parcel of nap's: {error}") from None


def heads(archive: TarFile) -> Iterator[tuple[TarInfo, str]]:
    """What a parcel's tar holds, each with its kind: file, folder or link.

    It may come from somebody who made it by hand, and is unpacked where others' files are too, and
    mounted from there. So what is at its root is a file or a folder, and all the rest below folders
    that came before: nothing is written through a link, and no mount leads along one. Raises
    NapError for that, for devices and special permissions, for files with holes, and for what is in
    it twice.
    """
    import tarfile

    kinds = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link"}
    known: dict[str, str] = {}
    for head in archive:
        above, _, last = head.name.rpartition("/")
        kind = kinds.get(head.type, "")
        if above:
            good = bool(kind) and known.get(above) == "folder" and last not in ("", ".", "..")
        else:
            good = head.name == CONTENT and kind in ("file", "folder")
        special = kind != "link" and head.mode & ~_RIGHTS
        # A hole of any size takes no room in a tar, and all of it where it is read.
        if not good or special or head.issparse() or head.name in known:
            raise NapError(f"the content holds {head.name!r}, which isn't taken")
        known[head.name] = kind
        yield head, kind


def the_file(tar: bytes) -> bytes:
    """The content of the one file that a parcel holds."""
    with opened(tar) as archive:
        content = archive.extractfile(CONTENT)
        return content.read() if content else b""


def _walk(source: str, path: str, *, followed: bool = False) -> Iterator[Piece]:
    try:
        state = Path(source).stat() if followed else Path(source).lstat()
        piece = Piece(path, source, state)
        if stat.S_ISDIR(state.st_mode):
            yield piece
            with os.scandir(source) as listing:
                names = sorted(each.name for each in listing)
            for name in names:
                yield from _walk(f"{source}/{name}", f"{path}/{name}")
        elif piece.is_file:
            if not os.access(source, os.R_OK):
                raise PermissionError(13, "Permission denied")
            yield piece
        elif stat.S_ISLNK(state.st_mode):
            yield piece
        else:
            raise _no_file(source)
    except OSError as error:
        raise _unreadable(source, error) from error


def _no_file(source: str) -> BadFile:
    return BadFile(
        f"{source} is neither a file nor a folder, and can't be brought to the hosts",
        hint="a socket or a device of the host is named by its absolute path",
    )


def _unreadable(source: str, error: OSError) -> BadFile:
    return BadFile(f"{source} can't be read: {error.strerror}")
