"""How often somebody may ask: so much in a minute, whichever processes they ask through.

What one doesn't ask is saved up, for a minute at most. Counted in a small file for each person, of
which only the service account knows.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from math import ceil
from pathlib import Path

from nap_compose.cluster.private_files import make_private_dir
from nap_compose.errors import NotAllowed

FOLDER = "rates"
WIDTH = 64
"""Bytes of a file: what is written over takes no room on a full disk."""


class Rates:
    """What each has left, in a folder of small files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, whose: str, what: str, most: int, *, now: float) -> None:
        """Count one `what` (calls, changes), of which there are `most` in a minute. Raises
        NotAllowed where none is left; that one doesn't count. Who was never counted, and can't be
        since the disk is full, isn't held up."""
        name = hashlib.sha256(f"{what} {whose}".encode()).hexdigest()[:32]
        try:
            make_private_dir(self._folder)
            file = os.open(self._folder / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            left = _left(file, most, now)
            if left < 1:
                seconds = ceil((1 - left) * 60 / most)
                raise NotAllowed(
                    f"that are more than {most} {what} in a minute, which is the most for you",
                    hint=f"try again in {seconds} s; `policy.{what}` in the cluster file says how "
                    "many there may be",
                )
            with contextlib.suppress(OSError):
                os.pwrite(file, json.dumps([left - 1, now]).ljust(WIDTH).encode(), 0)
        finally:
            os.close(file)


def _left(file: int, most: int, now: float) -> float:
    try:
        left, at = json.loads(os.pread(file, 200, 0))
    except ValueError:
        return float(most)
    # A clock that was set back gives nothing, and takes nothing.
    saved = float(left) + max(0.0, now - float(at)) * most / 60
    return min(float(most), saved)
