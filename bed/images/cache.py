"""Where built images are kept, so that the second bed starts at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def folder() -> Path:
    """The folder of the images and their layers."""
    path = Path(os.environ.get("NAP_BED_CACHE", "/var/cache/nap-bed")) / "images"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def locked() -> Iterator[None]:
    """Two beds that start at once build each image once: the second waits."""
    with (folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def fresh(path: Path) -> Iterator[Path]:
    """A name to write to; the file takes its own name only when it is whole."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A file that goes when it has served."""
    path = folder() / name
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
