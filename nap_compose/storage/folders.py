"""Folders of the cluster storage, reached step by step from nap's own: no link is ever followed.

What stands in a volume is an app's to make, links to elsewhere included. So nothing is opened by
a path: each folder is opened in the one before it, and only if it is a folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nap_compose.errors import NapError

LONGEST = 255
"""Bytes that a name in MooseFS may have."""

_ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def parts_of(folder: str) -> tuple[str, ...]:
    """The names that a folder's path, such as `ada/shop/data`, is made of.

    Raises NapError for one that could lead anywhere but downwards.
    """
    parts = tuple(folder.split("/"))
    for part in parts:
        unfit = part in ("", ".", "..") or "\0" in part or len(part.encode()) > LONGEST
        if unfit:
            raise NapError(f"'{folder}' is no folder of the cluster storage")
    return parts


@contextmanager
def opened(base: Path, parts: Sequence[str], *, make: int | None = None) -> Iterator[int]:
    """A descriptor of the folder that `parts` lead to from `base`; with `make` what is missing is
    made with these permissions. Raises FileNotFoundError, or NotADirectoryError for a link too."""
    here = os.open(base, _ENTER)
    try:
        for part in parts:
            if make is not None:
                _make(part, here, make)
            inner = os.open(part, _ENTER, dir_fd=here)
            os.close(here)
            here = inner
        yield here
    finally:
        os.close(here)


def exists(base: Path, parts: Sequence[str]) -> bool:
    """Whether the folder is there."""
    try:
        with opened(base, parts):
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False


def inside(folder: int) -> list[str]:
    """The names of all that is in an opened folder."""
    return os.listdir(folder)


def names(base: Path, parts: Sequence[str]) -> list[str]:
    """The folders in a folder, by name; none where it isn't there."""
    try:
        with opened(base, parts) as here, os.scandir(here) as entries:
            return sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def drop_empty(base: Path, parts: Sequence[str]) -> bool:
    """Remove the folder unless something is in it, or another host's process uses it; tells
    whether it is gone."""
    try:
        with opened(base, parts[:-1]) as parent:
            os.rmdir(parts[-1], dir_fd=parent)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _make(part: str, parent: int, mode: int) -> None:
    try:
        os.mkdir(part, mode, dir_fd=parent)
    except FileExistsError:
        return
    # The umask of whoever runs nap has no say in who may look into a volume.
    inner = os.open(part, _ENTER, dir_fd=parent)
    try:
        os.fchmod(inner, mode)
    finally:
        os.close(inner)
