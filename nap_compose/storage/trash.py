"""The way back for a removed volume: its files from MooseFS's trash, the rest from its list.

The trash keeps files alone, each under its inode's number. Folders, links and owners' rights were
written down when the volume was removed, and are made again around the files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nap_compose.cluster.cluster import Moosefs
from nap_compose.errors import NapError, WrongUse
from nap_compose.storage import exchange, folders, programs, removal, settings
from nap_compose.storage.folders import parts_of
from nap_compose.storage.pool import Pool
from nap_compose.storage.removal import LIST, REMOVED, Entry, Removed


def restore(pool: Pool, folder: str) -> tuple[int, int]:
    """Bring back the volume that was removed last from `folder`; gives how many files are back and
    how many the trash no longer had. Raises WrongUse where there is nothing to bring back, or
    something in its place."""
    pool.check()
    parts = parts_of(folder)
    removal.finish(pool.base)
    gone = next(iter(removal.listed(pool.base, folder, whole=True)), None)
    if gone is None:
        raise WrongUse(
            f"nothing that was removed from {folder} can be brought back",
            hint="MooseFS's trash keeps files for a volume's trash time; nap storage ls --removed "
            "shows what is in it",
        )
    folders.drop_empty(pool.base, parts)  # what `up` has made meanwhile, with nothing in it
    if folders.exists(pool.base, parts):
        raise WrongUse(
            f"{folder} is there again, and not empty",
            hint="remove it first, or keep it: nap storage snapshot",
        )
    with _held(pool.base, gone.name), _meta(pool.moosefs) as trash:
        return _rebuild(pool, gone, parts, trash)


def reachable(moosefs: Moosefs) -> None:
    """Raise NapError where MooseFS's trash can't be reached."""
    with _meta(moosefs) as trash:
        if not trash.is_dir():
            raise NapError("MooseFS's trash can't be reached: it isn't where it should be")


def _rebuild(pool: Pool, gone: Removed, parts: tuple[str, ...], trash: Path) -> tuple[int, int]:
    found = missing = 0
    top = (REMOVED, gone.name)
    with folders.opened(pool.base, top, make=0o700):
        pass
    inner = [entry for entry in gone.entries if entry.path]
    for entry in inner:
        if entry.kind == "folder":
            with folders.opened(pool.base, (*top, *entry.path.split("/")), make=0o700):
                pass
    for inode, entries in _by_inode(inner).items():
        if _undelete(trash, inode):
            found += 1
            _link_others(pool.base, top, entries)
        else:
            missing += 1
    for entry in reversed(gone.entries):
        if entry.kind != "file":
            _finish_entry(pool.base, top, entry)
    settings.write(
        pool.moosefs, pool.base.joinpath(*top), gone.settings, everything=bool(gone.settings.goal)
    )
    pool.workplace()
    with (
        folders.opened(pool.base, [REMOVED]) as removed,
        folders.opened(pool.base, [exchange.NEW]) as work,
    ):
        os.rename(gone.name, gone.name, src_dir_fd=removed, dst_dir_fd=work)
    if not exchange.move_in(pool.base, gone.name, parts):
        raise NapError(f"{'/'.join(parts)} has just come back otherwise")
    removal.forget(pool.base, gone)
    return found, missing


def _by_inode(entries: list[Entry]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.kind == "file":
            found.setdefault(entry.inode, []).append(entry)
    return found


def _undelete(trash: Path, inode: int) -> bool:
    """Let MooseFS put a file back where it was deleted."""
    drawer = trash / f"{inode & 0xFFF:03X}"
    try:
        names = [each for each in drawer.iterdir() if each.name.startswith(f"{inode:08X}|")]
    except FileNotFoundError:
        return False
    for each in names[:1]:
        each.rename(drawer / "undel" / each.name)
    return bool(names)


def _link_others(base: Path, top: tuple[str, ...], entries: list[Entry]) -> None:
    """A file that had several names gets them again."""
    if len(entries) == 1:
        return
    there = [entry for entry in entries if _is_there(base, top, entry)]
    for entry in entries:
        if there and entry not in there:
            with (
                _parent(base, top, there[0]) as (source, old),
                _parent(base, top, entry) as (target, new),
            ):
                os.link(old, new, src_dir_fd=source, dst_dir_fd=target)


def _is_there(base: Path, top: tuple[str, ...], entry: Entry) -> bool:
    with _parent(base, top, entry) as (parent, name):
        try:
            os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return False
    return True


def _finish_entry(base: Path, top: tuple[str, ...], entry: Entry) -> None:
    """A link, or a folder's owner and permissions, once nothing more is put into it."""
    if entry.kind == "folder":
        with folders.opened(base, (*top, *filter(None, entry.path.split("/")))) as here:
            os.fchown(here, entry.uid, entry.gid)
            os.fchmod(here, entry.mode)
    elif entry.kind == "link":
        with _parent(base, top, entry) as (parent, name), contextlib.suppress(FileExistsError):
            os.symlink(entry.target, name, dir_fd=parent)
            os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)


@contextmanager
def _parent(base: Path, top: tuple[str, ...], entry: Entry) -> Iterator[tuple[int, str]]:
    """The folder in which an entry is, opened, and its name there."""
    *way, name = entry.path.split("/")
    with folders.opened(base, (*top, *way)) as here:
        yield here, name


@contextmanager
def _held(base: Path, name: str) -> Iterator[None]:
    """Nobody else restores it, or removes what is being rebuilt."""
    with folders.opened(base, [REMOVED]) as removed:
        list_ = os.open(f"{name}{LIST}", os.O_RDWR | os.O_CLOEXEC, dir_fd=removed)
        try:
            fcntl.flock(list_, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise NapError("somebody else is at work on it", hint="try again later") from None
        finally:
            os.close(list_)


@contextmanager
def _meta(moosefs: Moosefs) -> Iterator[Path]:
    """MooseFS's trash, mounted for a moment."""
    with tempfile.TemporaryDirectory(prefix="nap-trash-") as folder:
        words = ["-m", folder, "-H", moosefs.master, "-P", str(moosefs.port)]
        try:
            programs.run(moosefs, "mfsmount", *words)
        except NapError as error:
            raise NapError(
                f"MooseFS's trash can't be reached: {error.message}",
                hint="nap must be root for it, and the master's exports need a line such as "
                "`THIS-HOST . rw`",
                exit_code=error.exit_code,
            ) from None
        try:
            yield Path(folder) / "trash"
        finally:
            # Not lazily: its client takes leave of the master then.
            subprocess.run(["umount", folder], check=False, capture_output=True)
