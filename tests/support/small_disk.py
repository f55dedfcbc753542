"""Disks of a megabyte or a few more, to be filled up."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bed import hosts
from bed.layout import Bed, Host

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

    @property
    def is_filled(self) -> bool:
        """Whether what fills it is there."""
        return self._filler.exists()

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


@contextlib.contextmanager
def of_an_engine(bed: Bed, host: Host) -> Iterator[SmallDisk]:
    """The host's engine with all that it has on a small disk of its own. It has room for the log
    of the swarm's managers, which takes 64 MB from the start."""
    hosts.kill(bed, host)
    large = host.data_root.rename(host.data_root.with_name("large"))
    try:
        with small_disk(host.data_root, size="256m") as disk:
            _copy(large, disk.folder)
            hosts.restart(bed, host)
            try:
                yield disk
            finally:
                hosts.kill(bed, host)
                if disk.is_filled:
                    disk.make_room()
                # As it is now: a manager that forgets what it has agreed to doesn't start again.
                shutil.rmtree(large)
                _copy(disk.folder, large)
    finally:
        host.data_root.rmdir()
        large.rename(host.data_root)
        hosts.restart(bed, host)


def _copy(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    subprocess.run(["cp", "--archive", f"{source}/.", target], check=True)
