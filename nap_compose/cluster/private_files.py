"""Files that are for their owner's eyes only."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from nap_compose.errors import BadFile, Place

_LONGEST = 64 * 1024
LEAST = 64 << 10
"""Bytes without which a disk counts as full: what SQLite takes beside a file to open it, twice."""


def make_private_dir(path: Path) -> None:
    """Make the folder with mode 0700; one that is there stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


_making = threading.Lock()


def make_private_file(path: Path) -> None:
    """Make the file empty with mode 0600; one that is there stays as it is, and isn't opened.

    Who opens and closes a file lets go of all the locks that the process has on it (that is how
    POSIX wants it), also those of another thread, such as SQLite's: a second process then takes
    the log of writes away that the first goes on writing to.
    """
    with _making, contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def replace_private(path: Path, text: str) -> None:
    """Put a file with mode 0600 in the place of the one that may be there: whoever reads finds one
    of them, and whole. Raises OSError; then the former stays."""
    replace_file(path, text.encode(), 0o600)


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """The same with the mode that is given, less the umask."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with drafted(path, draft, mode) as file:
        file.write(content)


@contextlib.contextmanager
def drafted(path: Path, draft: Path, mode: int) -> Iterator[IO[bytes]]:
    """The draft of a file, to write to: it takes the file's place when all went well, and is gone
    when not. One that a process left which was killed goes first. Raises OSError."""
    draft.unlink(missing_ok=True)
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def settle_on_disk(file: IO[bytes]) -> None:
    """What was written to the file outlives the machine's sudden end."""
    file.flush()
    os.fsync(file.fileno())


def is_full(folder: Path) -> bool:
    """Whether the disk that a folder is on has no room to speak of."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_blocks > 0 and disk.f_bavail * disk.f_frsize < LEAST


def read_secret(path: Path, what: str) -> str:
    """The text of a file that holds a secret (`what`: "the key", for messages), stripped.

    Raises BadFile where it can't be read, isn't a regular file, is empty, or where others than
    its owner may read it.
    """
    place = Place(str(path))
    try:
        # Without blocking, so that a pipe in place of the file doesn't hang the command.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            data = os.read(descriptor, _LONGEST) if stat.S_ISREG(mode) else b""
        finally:
            os.close(descriptor)
        text = data.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it isn't plain text"
        raise BadFile(f"{what} can't be read: {why}", place=place) from error
    if mode & 0o077:
        raise BadFile(
            f"{what} may be read by others than its owner (mode {stat.S_IMODE(mode):04o})",
            place=place,
            hint=f"chmod 600 {path}",
        )
    if not text:
        raise BadFile(f"{what} isn't there: the file is empty or no regular file", place=place)
    return text
