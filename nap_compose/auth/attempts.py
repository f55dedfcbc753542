"""Wrong passwords slow down: after some of them the next try has to wait, longer each time.

Counted for the name that is tried and for the system's user who tries. A wait has a most, so that
nobody can lock another one out for long. Tries at one name come one after another.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path

from nap_compose.cluster.private_files import make_private_dir
from nap_compose.errors import NapError, NotAllowed
from nap_compose.plaindata import dataclass

FOLDER = "attempts"
FREE = 3
"""Wrong passwords in a row without a wait."""
WIDTH = 64
"""Bytes of a file, taken before a try: what is written over takes no room on a full disk."""
LONGEST = 60.0
"""Seconds that one has to wait at most."""
FORGOTTEN = 900.0
"""Seconds after which wrong passwords are forgotten."""


@dataclass
class Attempt:
    """One try: whether the password was `right`, None as long as nobody could say."""

    right: bool | None = None


class Attempts:
    """The wrong passwords of late, in a folder of small files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def trying(self, *whose: str, now: float) -> Iterator[Attempt]:
        """A try at a password; whoever tries says in it how it went.

        Raises NotAllowed where it comes too early, and NapError where it can't be counted.
        """
        try:
            make_private_dir(self._folder)
        except OSError as error:
            raise self._uncounted(error) from None
        with ExitStack() as held:
            files = [held.enter_context(self._locked(each)) for each in sorted(set(whose))]
            counts = [_read(file, now) for file in files]
            wait = max(_until(count, last) - now for count, last in counts)
            if wait > 0:
                raise NotAllowed("too many wrong passwords", hint=f"try again in {ceil(wait)} s")
            attempt = Attempt()
            try:
                yield attempt
            finally:
                for file, (count, _) in zip(files, counts, strict=True):
                    _write(file, attempt, count, now)

    @contextmanager
    def _locked(self, whose: str) -> Iterator[int]:
        path = self._folder / hashlib.sha256(whose.encode()).hexdigest()[:32]
        try:
            file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._uncounted(error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._take_room(file)
            yield file
        finally:
            os.close(file)

    def _take_room(self, file: int) -> None:
        there = os.fstat(file).st_size
        if there >= WIDTH:
            return
        try:
            os.pwrite(file, b" " * (WIDTH - there), there)
        except OSError as error:
            raise self._uncounted(error) from None

    def _uncounted(self, error: OSError) -> NapError:
        return NapError(
            f"nobody can log in, since {self._folder} can't be written to: {error.strerror}",
            hint="wrong passwords are counted there; sessions that there are go on",
        )


def _read(file: int, now: float) -> tuple[int, float]:
    """How many wrong ones in a row, and when the last one was."""
    try:
        count, last = json.loads(os.pread(file, 200, 0))
    except ValueError:
        return 0, 0.0
    return (int(count), float(last)) if now - last < FORGOTTEN else (0, 0.0)


def _write(file: int, attempt: Attempt, count: int, now: float) -> None:
    if attempt.right is None:
        return
    told = "" if attempt.right else json.dumps([count + 1, now])
    os.pwrite(file, told.ljust(WIDTH).encode(), 0)


def _until(count: int, last: float) -> float:
    """When the next try may come, in seconds since 1970."""
    return last + min(LONGEST, 2.0 ** (count - FREE)) if count >= FREE else 0.0
