"""`nap cp`: files into and out of containers, on whatever hosts they are."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nap_compose.cli.one import one_service
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.errors import NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.plaindata import dataclass
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Control, PathStat, Target

STDIO = "-"
MOST_SHOWN = 10
"""Entries that were left out and are named; the others are counted."""
_LINKS = 40
_PIECE = 64 * 1024


@dataclass(frozen=True)
class Place:
    """One end: a path in a service's container, or (no `service`) here; `-` is the standard
    input or output."""

    path: str
    service: str = ""

    @classmethod
    def of(cls, text: str) -> Place:
        """As `docker cp` reads it: what begins with `/` or `.`, or has no colon, is here."""
        service, colon, path = text.partition(":")
        if text == STDIO or not colon or text[0] in "/.":
            return cls(text)
        return cls(path or "/", service)


@click.command()
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DST")
@click.option("-a", "--archive", is_flag=True, help="Keep whose the files are")
@click.option("-L", "--follow-link", is_flag=True, help="Copy what SRC leads to where it is a link")
@click.option("--all", "every", is_flag=True, help="Also into containers that run made")
@click.option("--index", type=click.IntRange(1), metavar="N", help="Which replica")
@with_shared()
def cp(
    session: Session,
    *,
    source: str,
    destination: str,
    archive: bool,
    follow_link: bool,
    every: bool,
    index: int | None,
) -> int:
    """Copy files between here and a service's containers, which needn't run.

    One of SRC and DST is TARGET:PATH, or both are; TARGET as for `nap exec`. Into a service means
    into each of its replicas. `-` is a tar stream on standard input or output. A folder that is
    named with a trailing /. stands for what is in it.
    """
    here, there = Place.of(source), Place.of(destination)
    with session.control() as control:
        copying = _Copying(session, control, archive=archive, follow=follow_link)
        if here.service and there.service:
            targets = copying.targets(there, index or 0, every=every)
            copying.across(copying.source(here, index or 0), here.path, targets, there.path)
        elif here.service:
            copying.out(copying.source(here, index or 0), here.path, there.path)
        elif there.service:
            copying.into(here.path, copying.targets(there, index or 0, every=every), there.path)
        else:
            raise WrongUse(
                "neither SRC nor DST is in a container", hint="write one of them as SERVICE:PATH"
            )
    return copying.code


class _Copying:
    def __init__(self, session: Session, control: Control, *, archive: bool, follow: bool) -> None:
        self._session = session
        self._terminal = session.terminal
        self._control = control
        self._archive = archive
        self._follow = follow
        self.code = Exit.DONE

    def source(self, place: Place, index: int) -> Target:
        """The one replica that is copied from."""
        target = one_service(place.service, index, self._control, self._session)
        return self._control.replicas(target)[0]

    def targets(self, place: Place, index: int, *, every: bool) -> tuple[Target, ...]:
        """The replicas that are copied to."""
        target = one_service(place.service, index, self._control, self._session)
        return self._control.replicas(target, oneoffs=every)

    def into(self, source: str, targets: tuple[Target, ...], path: str) -> None:
        """From here into each of the replicas."""
        if source == STDIO:
            self._stream_in(targets, path)
            return
        from nap_compose.cli.archives.pack import pack

        local = _local_source(source, follow=self._follow)
        contents = _names_contents(source)
        for target in targets:
            folder, name = self._landing(target, path, local.name, _is_folder(local), contents)
            follow = self._follow or source.endswith("/")
            tar = pack(local, name, follow=follow or contents, warn=self._terminal.warn_once)
            self._control.store(target, folder, tar, copy_owner=self._archive)
            self._tell(f"copied {source} to {_shown(target)}:{path}")

    def out(self, target: Target, path: str, destination: str) -> None:
        """From a replica to here."""
        stat, found = self._found(target, path)
        if destination == STDIO:
            self._stream_out(target, found)
            return
        from nap_compose.cli.archives.unpack import unpack

        name = posixpath.basename(posixpath.normpath(path)) or stat.name.strip("/")
        parent, name = _local_landing(
            destination, name, folder=stat.kind == "folder", contents=_names_contents(path)
        )
        pieces = self._control.fetch(target, found)
        done = unpack(pieces, parent, name, keep_owner=self._archive)
        self._report(done.left_out)
        self._tell(f"copied {_shown(target)}:{path} to {destination}")

    def across(
        self, source: Target, path: str, targets: tuple[Target, ...], destination: str
    ) -> None:
        """From one container to others, through here."""
        from nap_compose.cli.archives.pack import retarred

        stat, found = self._found(source, path)
        contents = _names_contents(path)
        own = posixpath.basename(posixpath.normpath(path)) or stat.name.strip("/")
        for target in targets:
            folder, name = self._landing(target, destination, own, stat.kind == "folder", contents)
            tar = retarred(self._control.fetch(source, found), name)
            self._control.store(target, folder, tar, copy_owner=self._archive)
            self._tell(f"copied {_shown(source)}:{path} to {_shown(target)}:{destination}")

    def _landing(
        self, target: Target, path: str, name: str, folder: bool, contents: bool
    ) -> tuple[str, str]:
        """The folder in the container that takes it in, and its name there, empty for what is in
        a folder without the folder itself."""
        path = posixpath.join("/", path)
        wants_folder = path.endswith(("/", "/."))
        path = posixpath.normpath(path)
        stat = self._looked_at(target, path)
        if stat is not None and stat.kind == "folder":
            return path, "" if folder and contents else name
        if stat is not None and (folder or wants_folder):
            raise NapError(
                f"{path} is no folder in {_shown(target)}", host=stat.host, hint="name a folder"
            )
        if stat is None and wants_folder and not folder:
            raise NapError(
                f"there is no folder {path} in {_shown(target)}",
                hint="make it first, or leave the / at the end out",
            )
        return posixpath.dirname(path), posixpath.basename(path)

    def _looked_at(self, target: Target, path: str) -> PathStat | None:
        """What is at the path, links followed; None where nothing is."""
        for _ in range(_LINKS):
            try:
                stat = self._control.stat(target, path)
            except NapError as error:
                if error.exit_code is not Exit.FAILED:
                    raise
                return None
            if stat.kind != "link":
                return stat
            path = posixpath.join(posixpath.dirname(path), stat.link)
        raise NapError(f"{path} is a link that leads to itself")

    def _found(self, target: Target, path: str) -> tuple[PathStat, str]:
        """The source in a container, and its path, which with -L is where a link leads."""
        found = posixpath.normpath(posixpath.join("/", path))
        stat = self._control.stat(target, found)
        follow = self._follow or path.endswith(("/", "/."))
        for _ in range(_LINKS):
            if stat.kind != "link" or not follow:
                break
            found = posixpath.join(posixpath.dirname(found), stat.link)
            stat = self._control.stat(target, found)
        if path.endswith(("/", "/.")) and stat.kind != "folder":
            raise NapError(f"{path} is no folder in {_shown(target)}", host=stat.host)
        return stat, found

    def _stream_in(self, targets: tuple[Target, ...], path: str) -> None:
        if len(targets) > 1:
            raise WrongUse(
                f"standard input can be read once, and there are {len(targets)} replicas",
                hint="name one with .N or --index, or copy from a file",
            )
        path = posixpath.join("/", path)
        stat = self._looked_at(targets[0], path)
        if stat is None or stat.kind != "folder":
            raise NapError(f"there is no folder {path} in {_shown(targets[0])}")
        pieces = iter(lambda: os.read(0, _PIECE), b"")
        self._control.store(targets[0], path, pieces, copy_owner=self._archive)

    def _stream_out(self, target: Target, path: str) -> None:
        write_out(self._session, self._control.fetch(target, path), "a tar stream")

    def _report(self, left_out: list[str]) -> None:
        for sentence in left_out[:MOST_SHOWN]:
            self._terminal.warn(f"left out: {sentence}")
        if len(left_out) > MOST_SHOWN:
            self._terminal.warn(f"left out: {len(left_out) - MOST_SHOWN} more")
        if left_out:
            self.code = Exit.FAILED

    def _tell(self, sentence: str) -> None:
        if self._terminal.err_is_terminal:
            self._terminal.tell(plain(sentence))


def write_out(session: Session, pieces: Iterator[bytes], what: str) -> None:
    """A stream of bytes to the standard output. Raises WrongUse where that is a terminal."""
    if session.terminal.out_is_terminal:
        raise WrongUse(f"{what} isn't for a terminal", hint="send it to a file or into a pipe")
    session.terminal.flush()
    from nap_compose.cli.console import PersonsConsole

    with PersonsConsole(stdin=False) as console:
        for piece in pieces:
            console.show("stdout", piece)


def _names_contents(path: str) -> bool:
    """Whether what is in a folder is meant, without the folder."""
    return path == "." or path.endswith("/.")


def _is_folder(path: Path) -> bool:
    """Whether it is a folder; what one may not look at is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _local_source(source: str, *, follow: bool) -> Path:
    """The file or folder here. Raises NapError where it isn't there."""
    path = Path(source)
    if not os.path.lexists(path) or (follow and not _is_there(path)):
        raise NapError(f"there is no {source} here")
    if source.endswith("/") and not _is_folder(path):
        raise NapError(f"{source} is no folder")
    return path if path.name else path.resolve()


def _local_landing(
    destination: str, name: str, *, folder: bool, contents: bool
) -> tuple[Path, str]:
    """The folder here that takes it in, and its name there; empty for what is in a folder."""
    path = Path(destination).resolve()
    if _is_folder(path):
        return path, "" if folder and contents else name
    if _is_there(path) and (folder or destination.endswith("/")):
        raise NapError(f"{destination} is no folder")
    if not _is_there(path) and destination.endswith("/") and not folder:
        raise NapError(f"there is no folder {destination}")
    if not _is_folder(path.parent):
        raise NapError(f"there is no folder {path.parent}", hint="make it first: mkdir -p")
    return path.parent, path.name


def _shown(target: Target) -> str:
    name = f"{target.app}/{target.service}"
    return target.oneoff or (f"{name}.{target.replica}" if target.replica else name)
