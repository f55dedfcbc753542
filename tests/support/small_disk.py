"""A disk of a megabyte, to be filled up."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = b"x" * 4096


@dataclass(frozen=True)
class SmallDisk:
    """`folder` is where it is mounted."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self) -> None:
        """Leave no room at all."""
        file = os.open(self._filler, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            with contextlib.suppress(OSError):
                while True:
                    os.write(file, BLOCK)
        finally:
            os.close(file)
        disk = os.statvfs(self.folder)
        assert disk.f_bavail == 0, "it is full"

    def make_room(self) -> None:
        """Take away what filled it."""
        self._filler.unlink()

    def files(self) -> set[str]:
        """Every file on it, the filler apart."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)) for path in found} - {self._filler.name}


@contextlib.contextmanager
def small_disk(folder: Path, size: str = "1m") -> Iterator[SmallDisk]:
    """One at `folder`, for as long as the block lasts; it takes root to mount it."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
