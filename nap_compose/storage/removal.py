"""How a volume's folder goes, and the way back as long as MooseFS's trash keeps its files.

It leaves its place by one rename. Then what MooseFS's trash doesn't keep (folders, links, owners'
rights to them) is written down, and only then is everything deleted: its files go to the trash.
Where nap was killed in between, the next removal finishes.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, field
from pathlib import Path
from typing import IO

from nap_compose.plaindata import dataclass
from nap_compose.storage import folders
from nap_compose.storage.settings import Settings

REMOVED = ".removed"
LIST, PART, DEEP = ".list", ".part", ".deep"
"""The list of what was in a removed folder, while it is written, and a folder lifted out of it."""

DEEPEST = 100
"""How deep folders are listed; what lies deeper is removed without a way back."""

_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Entry:
    """One thing that was in the folder, or the folder itself (`path` empty).

    `kind` is folder, file, link or other; `target` where a link leads; `inode` names a file in
    MooseFS's trash.
    """

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    inode: int = 0
    target: str = ""


@dataclass(frozen=True)
class Removed:
    """A volume that was removed: `folder` is where it was, `name` what it goes by in `.removed`,
    `at` when (seconds since 1970)."""

    folder: str
    name: str
    at: float
    settings: Settings
    entries: tuple[Entry, ...] = field(default=(), repr=False)

    @property
    def until(self) -> float:
        """Until when its files are in the trash, seconds since 1970."""
        return self.at + (self.settings.trash or 0)


def remove(base: Path, parts: tuple[str, ...], kept: Settings) -> None:
    """Take the folder away."""
    name = f"{time.time_ns() // 1_000_000}-{uuid.uuid4().hex[:8]}"
    head = {"folder": "/".join(parts), "at": time.time(), "settings": asdict(kept)}
    with (
        folders.opened(base, [REMOVED], make=0o700) as removed,
        folders.opened(base, parts[:-1]) as parent,
        _file(removed, f"{name}{PART}", os.O_RDWR | os.O_CREAT) as file,
    ):
        fcntl.flock(file, fcntl.LOCK_EX)  # whoever finishes what was cut off leaves this alone
        file.write(json.dumps(head) + "\n")
        file.flush()
        os.rename(parts[-1], name, src_dir_fd=parent, dst_dir_fd=removed)
        _delete(removed, name, file)


def finish(base: Path) -> None:
    """Finish what was cut off, and forget what the trash no longer keeps."""
    if not folders.exists(base, [REMOVED]):
        return
    with folders.opened(base, [REMOVED]) as removed:
        for each in folders.inside(removed):
            if each.endswith((PART, LIST)):
                _finish_one(removed, each)
    for gone in listed(base):
        if gone.until < time.time():
            forget(base, gone)


def _finish_one(removed: int, written: str) -> None:
    """Finish one that nobody is at work on; `written` is its list, whole or not."""
    name = written.removesuffix(LIST).removesuffix(PART)
    with (
        contextlib.suppress(FileNotFoundError, BlockingIOError),
        _file(removed, written, os.O_RDWR) as file,
    ):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _there(removed, name):
            _delete(removed, name, file)
        elif written.endswith(PART):
            os.unlink(written, dir_fd=removed)


def listed(base: Path, folder: str = "", *, whole: bool = False) -> list[Removed]:
    """What was removed, the newest first; of one folder where it is named. With `whole` what was
    in each is read too."""
    found = []
    if folders.exists(base, [REMOVED]):
        with folders.opened(base, [REMOVED]) as removed:
            for name in folders.inside(removed):
                if name.endswith(LIST):
                    found.append(_read(removed, name, whole))
    mine = [each for each in found if not folder or each.folder == folder]
    return sorted(mine, key=lambda each: each.at, reverse=True)


def forget(base: Path, gone: Removed) -> None:
    """Let no list of it remain, once nothing of it is there."""
    with folders.opened(base, [REMOVED]) as removed, contextlib.suppress(FileNotFoundError):
        if not _there(removed, gone.name):
            os.unlink(f"{gone.name}{LIST}", dir_fd=removed)


def _delete(removed: int, name: str, file: IO[str]) -> None:
    """Write down in its list what is in the folder, unless that was done, and delete it."""
    if not _there(removed, f"{name}{LIST}"):
        file.seek(0)
        file.readline()  # the head stays
        file.seek(file.tell())
        file.truncate()
        for entry in _walk(removed, name):
            file.write(json.dumps(asdict(entry)) + "\n")
        file.flush()
        os.fsync(file.fileno())
        os.rename(f"{name}{PART}", f"{name}{LIST}", src_dir_fd=removed, dst_dir_fd=removed)
    lifted = [each for each in folders.inside(removed) if each.startswith(f"{name}{DEEP}")]
    todo = [name, *lifted]
    while todo:
        todo += _clear(removed, todo.pop(), removed, name, 0)


def _walk(top: int, name: str) -> Iterator[Entry]:
    """All in a folder, itself first, each folder before what is in it."""
    yield _entry(top, name, "")
    yield from _walk_in(top, name, "", 0)


def _walk_in(parent: int, name: str, path: str, depth: int) -> Iterator[Entry]:
    here = os.open(name, _DIR, dir_fd=parent)
    try:
        for each in sorted(folders.inside(here)):
            below = f"{path}/{each}" if path else each
            entry = _entry(here, each, below)
            yield entry
            if entry.kind == "folder" and depth < DEEPEST:
                yield from _walk_in(here, each, below, depth + 1)
    finally:
        os.close(here)


def _entry(parent: int, name: str, path: str) -> Entry:
    seen = os.stat(name, dir_fd=parent, follow_symlinks=False)
    kind, target = "other", ""
    if stat.S_ISDIR(seen.st_mode):
        kind = "folder"
    elif stat.S_ISREG(seen.st_mode):
        kind = "file"
    elif stat.S_ISLNK(seen.st_mode):
        kind, target = "link", os.readlink(name, dir_fd=parent)
    mode = stat.S_IMODE(seen.st_mode)
    return Entry(path, kind, mode, seen.st_uid, seen.st_gid, seen.st_ino, target)


def _clear(parent: int, folder: str, removed: int, name: str, depth: int) -> list[str]:
    """Delete a folder; what lies too deep for the stack is lifted up to `removed`, and given."""
    if depth > DEEPEST:
        lifted = f"{name}{DEEP}{time.time_ns()}"
        os.rename(folder, lifted, src_dir_fd=parent, dst_dir_fd=removed)
        return [lifted]
    out: list[str] = []
    here = os.open(folder, _DIR, dir_fd=parent)
    try:
        for each in folders.inside(here):
            if stat.S_ISDIR(os.stat(each, dir_fd=here, follow_symlinks=False).st_mode):
                out += _clear(here, each, removed, name, depth + 1)
            else:
                os.unlink(each, dir_fd=here)
    finally:
        os.close(here)
    os.rmdir(folder, dir_fd=parent)
    return out


def _there(parent: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _read(removed: int, name: str, whole: bool) -> Removed:
    with _file(removed, name, os.O_RDONLY) as file:
        head = json.loads(file.readline())
        entries = tuple(Entry(**json.loads(line)) for line in file) if whole else ()
    settings = Settings.of(head["settings"])
    return Removed(head["folder"], name.removesuffix(LIST), head["at"], settings, entries)


def _file(folder: int, name: str, flags: int) -> IO[str]:
    """A file of nap's own in a folder."""
    opened = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    return os.fdopen(opened, "r+" if flags & os.O_RDWR else "r", encoding="utf-8")
