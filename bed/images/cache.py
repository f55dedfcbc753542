"""Where built images are kept, so that the second bed starts at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bed import layout


def folder() -> Path:
    """The folder of the images and their layers."""
    path = layout.cache() / "images"
    path.mkdir(exist_ok=True)
    return path


@contextmanager
def fresh(path: Path) -> Iterator[Path]:
    """A name to write to; the file takes its own name only when it is whole."""
    with scratch(path.name + ".part") as part:
        yield part
        part.rename(path)


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A file that goes when it has served."""
    path = folder() / name
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
