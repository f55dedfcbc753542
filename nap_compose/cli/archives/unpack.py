"""A tar stream from a container, unpacked here without trusting it.

Whoever owns the container chose every name, link and mode in it. So nothing is created but below
the place that was named: each folder on the way is opened without following links, a file never
takes another's place through one, links that lead out, devices and hard links to what didn't come
with the stream are left out, and setuid bits are dropped.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import itertools
import os
import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Any

from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass
from nap_compose.text import plain

PIECE = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class PiecesReader:
    """Pieces of bytes as a file that tarfile reads from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        """That many bytes; fewer at the end."""
        found = bytearray(self._rest[:size])
        self._rest = self._rest[size:]
        while len(found) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            wanted = size - len(found)
            found += piece[:wanted]
            self._rest = piece[wanted:]
        return bytes(found)


@dataclass
class Unpacked:
    """How much came: the bytes of files, and the entries that were left out, a sentence each."""

    size: int = 0
    left_out: list[str] = field(default_factory=list)


class LeftOut(Exception):
    """An entry that isn't unpacked, and why."""


def unpack(
    pieces: Iterator[bytes], parent: Path, name: str, *, keep_owner: bool = False
) -> Unpacked:
    """Unpack a stream that has one top entry as `parent`/`name`.

    An empty name unpacks what is in the top folder right into `parent`. With `keep_owner` root
    gives each entry its owner's number. Raises NapError where something can't be written.
    """
    done = Unpacked()
    try:
        with _opened(parent) as folder, tar_stream(pieces) as archive:
            _Unpacking(folder, parent, name, done, keep_owner=keep_owner).take(archive)
    except tarfile.TarError as error:
        raise NapError(f"what came is no tar stream: {error}") from None
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else name
        raise NapError(
            f"{plain(str(parent / where))} can't be written: {error.strerror or error}"
        ) from None
    return done


@contextlib.contextmanager
def tar_stream(pieces: Iterator[bytes]) -> Iterator[tarfile.TarFile]:
    """Pieces as a tar that is read once, from its beginning to its end; see `members`."""
    source: Any = PiecesReader(pieces)
    with tarfile.open(fileobj=source, mode="r|") as archive:
        yield archive


def members(archive: Any) -> Iterator[tarfile.TarInfo]:
    """Its entries as they come. They are forgotten at once: there may be millions."""
    while (member := archive.next()) is not None:
        archive.members.clear()
        yield member


def below_top(name: str) -> tuple[str, ...]:
    """The parts of an entry's name below its top folder. Raises LeftOut where it leads out."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise LeftOut("its name leads out of the folder")
    return tuple(parts[1:])


class _Unpacking:
    def __init__(
        self, folder: int, parent: Path, name: str, done: Unpacked, *, keep_owner: bool
    ) -> None:
        self._folder = folder
        self._parent = parent
        self._name = name
        self._done = done
        self._keep_owner = keep_owner and os.geteuid() == 0
        self._folders: list[tuple[tuple[str, ...], tarfile.TarInfo]] = []

    def take(self, archive: tarfile.TarFile) -> None:
        for member in members(archive):
            try:
                self._entry(archive, member)
            except LeftOut as why:
                self._done.left_out.append(f"{plain(member.name)}: {why}")
        # Last, and the deepest first: what is in a folder changes its time, and needs its rights.
        for path, member in reversed(self._folders):
            with self._within(path[:-1]) as inside:
                self._dress(member, path[-1], inside)

    def _entry(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = self._place(member.name)
        if not path:
            if not member.isdir():
                raise LeftOut("it is no folder")
            return
        depth = len(path) - (2 if self._name else 1)
        if member.issym() and not _stays_within(member.linkname, depth):
            raise LeftOut(f"it is a link that leads out, to {plain(member.linkname)}")
        self._filter(member, path)
        with self._within(path[:-1]) as inside:
            if member.isdir():
                self._make_folder(path, member, inside)
            elif member.issym():
                self._make_link(path, member, inside)
            elif member.islnk():
                self._make_hard_link(path, member, inside)
            elif member.isreg():
                self._make_file(archive, path, member, inside)
            else:
                raise LeftOut("it is a device or a pipe")

    def _filter(self, member: tarfile.TarInfo, path: tuple[str, ...]) -> None:
        """Python's own filter for data looks too, where this Python has it."""
        data_filter: Any = getattr(tarfile, "data_filter", None)
        if data_filter is None:
            return
        there = copy.copy(member)
        # The place is judged, not what lies there: that is taken away, and followed nowhere.
        there.name = "/".join(path) + ".new"
        if member.islnk():
            there.linkname = "/".join(self._place(member.linkname))
        try:
            data_filter(there, str(self._parent))
        except tarfile.TarError as error:
            raise LeftOut(plain(str(error))) from None

    def _place(self, name: str) -> tuple[str, ...]:
        """Where an entry goes, as the parts of a path below the parent folder."""
        below = below_top(name)
        return (self._name, *below) if self._name else below

    @contextlib.contextmanager
    def _within(self, parts: tuple[str, ...]) -> Iterator[int]:
        """A folder below the parent, reached without following a link."""
        number = os.dup(self._folder)
        try:
            for part in parts:
                try:
                    inner = os.open(part, _FOLDER, dir_fd=number)
                except NotADirectoryError:
                    raise LeftOut(f"{plain(part)} on its way is a link or no folder") from None
                except FileNotFoundError:
                    raise LeftOut(f"the folder {plain(part)} didn't come before it") from None
                except OSError as error:
                    if error.errno == errno.ELOOP:
                        raise LeftOut(f"{plain(part)} on its way is a link") from None
                    raise
                os.close(number)
                number = inner
            yield number
        finally:
            os.close(number)

    def _make_folder(self, path: tuple[str, ...], member: tarfile.TarInfo, inside: int) -> None:
        try:
            os.mkdir(path[-1], 0o700, dir_fd=inside)
        except FileExistsError:
            with self._within(path):  # a folder that is there already takes it in
                return
        self._folders.append((path, member))

    def _make_file(
        self, archive: tarfile.TarFile, path: tuple[str, ...], member: tarfile.TarInfo, inside: int
    ) -> None:
        self._make_room(path[-1], inside)
        content = archive.extractfile(member)
        number = os.open(path[-1], _NEW_FILE, 0o600, dir_fd=inside)
        with os.fdopen(number, "wb", buffering=0) as file:
            while content and (piece := content.read(PIECE)):
                left = memoryview(piece)
                while left:
                    left = left[file.write(left) :]
                self._done.size += len(piece)
        self._dress(member, path[-1], inside)

    def _make_link(self, path: tuple[str, ...], member: tarfile.TarInfo, inside: int) -> None:
        self._make_room(path[-1], inside)
        os.symlink(member.linkname, path[-1], dir_fd=inside)

    def _make_hard_link(self, path: tuple[str, ...], member: tarfile.TarInfo, inside: int) -> None:
        original = self._place(member.linkname)
        if not original or original == path:
            raise LeftOut("it is a second name of nothing")
        with self._within(original[:-1]) as there:
            self._make_room(path[-1], inside)
            try:
                os.link(
                    original[-1],
                    path[-1],
                    src_dir_fd=there,
                    dst_dir_fd=inside,
                    follow_symlinks=False,
                )
            except FileNotFoundError:
                raise LeftOut("it is a second name of what didn't come") from None

    def _make_room(self, name: str, inside: int) -> None:
        """Take away what has the name; a folder stays, and the entry is left out."""
        try:
            os.unlink(name, dir_fd=inside)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError) as error:
            raise LeftOut(f"a folder is in its place ({error.strerror})") from None

    def _dress(self, member: tarfile.TarInfo, name: str, inside: int) -> None:
        """Its rights but for setuid and the like, its time, and its owner where that is kept."""
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=inside)
        try:
            if self._keep_owner:
                os.fchown(number, member.uid, member.gid)
            os.fchmod(number, member.mode & 0o777)
            with contextlib.suppress(OSError, OverflowError, ValueError):
                os.utime(number, (member.mtime, member.mtime))
        finally:
            os.close(number)


def _stays_within(link: str, depth: int) -> bool:
    """Whether a link that lies `depth` folders deep leads nowhere above the top. Only at its
    beginning may it lead upwards: further on, `..` would be that of what another link leads to."""
    parts = [part for part in link.split("/") if part not in ("", ".")]
    upwards = len(list(itertools.takewhile(lambda part: part == "..", parts)))
    return not posixpath.isabs(link) and upwards <= depth and ".." not in parts[upwards:]


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield number
    finally:
        os.close(number)
