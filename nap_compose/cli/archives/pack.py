"""A file or folder of this machine as a tar stream, in pieces, never whole in memory."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from nap_compose.errors import NapError

PIECE = 1 << 20
_BLOCK = tarfile.BLOCKSIZE


def pack(path: Path, name: str, *, follow: bool, warn: Callable[[str], None]) -> Iterator[bytes]:
    """`path` under `name`, with all that is in it; an empty name stands for a folder's contents.

    Links are packed as links; with `follow` that at `path` itself is what it leads to. What is
    neither file, folder nor link is left out and told to `warn`. Raises NapError where something
    can't be read.
    """
    found = _stat(path, follow=follow)
    if name or not stat.S_ISDIR(found.st_mode):
        yield from _entry(path, name or path.name, found, warn)
    if stat.S_ISDIR(found.st_mode):
        yield from _inside(path, name, warn)
    yield bytes(2 * _BLOCK)


def pack_each(entries: Iterable[tuple[Path, str]], warn: Callable[[str], None]) -> Iterator[bytes]:
    """Each path under its name in one tar; folders without what is in them. The rest as `pack`."""
    for path, name in entries:
        yield from _entry(path, name, _stat(path, follow=False), warn)
    yield bytes(2 * _BLOCK)


def retarred(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """A tar stream whose one top entry goes by another name; an empty one leaves it out, and
    keeps what is in it."""
    from nap_compose.cli.archives.unpack import members, tar_stream

    with tar_stream(pieces) as archive:
        for member in members(archive):
            if not _renamed(member, name):
                continue
            yield member.tobuf(tarfile.PAX_FORMAT)
            content = archive.extractfile(member) if member.isreg() else None
            while content and (piece := content.read(PIECE)):
                yield piece
            yield _padding(member.size if content else 0)
    yield bytes(2 * _BLOCK)


def _renamed(member: tarfile.TarInfo, name: str) -> bool:
    """Whether the entry has a name below the new top, which it then goes by."""
    from nap_compose.cli.archives.unpack import LeftOut, below_top

    top = (name,) if name else ()
    try:
        member.name = "/".join((*top, *below_top(member.name)))
        if member.islnk():
            member.linkname = "/".join((*top, *below_top(member.linkname)))
    except LeftOut:
        return False
    member.pax_headers = {
        key: value for key, value in member.pax_headers.items() if key not in ("path", "linkpath")
    }
    return bool(member.name)


def _inside(folder: Path, name: str, warn: Callable[[str], None]) -> Iterator[bytes]:
    """All that is in a folder, however deep; that costs no stack."""
    waiting = [(folder, name)]
    while waiting:
        here, prefix = waiting.pop()
        for each in _listed(here):
            inside = f"{prefix}/{each.name}" if prefix else each.name
            path = Path(each.path)
            found = _stat(path, follow=False)
            yield from _entry(path, inside, found, warn)
            if stat.S_ISDIR(found.st_mode):
                waiting.append((path, inside))


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda each: each.name)
    except OSError as error:
        raise _unreadable(folder, error) from None


def _entry(
    path: Path, name: str, found: os.stat_result, warn: Callable[[str], None]
) -> Iterator[bytes]:
    member = tarfile.TarInfo(name)
    member.mode = stat.S_IMODE(found.st_mode)
    member.mtime = found.st_mtime
    member.uid, member.gid = found.st_uid, found.st_gid
    if stat.S_ISDIR(found.st_mode):
        member.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(found.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
    elif stat.S_ISREG(found.st_mode):
        yield from _file(path, member, found.st_size)
        return
    else:
        warn(f"{path} is neither file, folder nor link, and was left out")
        return
    yield member.tobuf(tarfile.PAX_FORMAT)


def _file(path: Path, member: tarfile.TarInfo, size: int) -> Iterator[bytes]:
    """A file of the size that is announced: one that grows meanwhile is cut, one that shrinks is
    an error."""
    try:
        # Not through a link, nor a pipe, that took the file's place since it was looked at.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from None
    with os.fdopen(number, "rb", buffering=0) as file:
        member.size = size
        yield member.tobuf(tarfile.PAX_FORMAT)
        left = size
        while left:
            try:
                piece = file.read(min(PIECE, left))
            except OSError as error:
                raise _unreadable(path, error) from None
            if not piece:
                raise NapError(f"{path} became shorter while it was read", hint="run it again")
            left -= len(piece)
            yield piece
    yield _padding(size)


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _stat(path: Path, *, follow: bool) -> os.stat_result:
    try:
        return path.stat() if follow else path.lstat()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> NapError:
    return NapError(f"{path} can't be read: {error.strerror or error}")
