"""Writing a stream of bytes into a file: the whole of it or nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from nap_compose.errors import NapError


def write_file(path: Path, pieces: Iterable[bytes], *, mode: int = 0o666) -> int:
    """Write the pieces to `path`; gives their size in bytes. What breaks off leaves no half a
    file. `mode` are the permissions of a new file, less the person's umask."""
    part = path.with_name(f".{path.name}.part")
    size = 0
    try:
        descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                size += file.write(piece)
        part.replace(path)
    except OSError as error:
        raise NapError(f"{path} can't be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return size
