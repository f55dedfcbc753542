"""Files whose bytes are counted as they pass: an archive's going out, a member's coming in."""

from __future__ import annotations

import hashlib
from typing import IO

from nap_compose.cluster.vault import Sink
from nap_compose.errors import NapError


class Counted:
    """Where bytes are written to; `size` says how many have been."""

    def __init__(self, target: Sink) -> None:
        self._target = target
        self.size = 0

    def write(self, data: bytes, /) -> int:
        self.size += len(data)
        self._target.write(data)
        return len(data)


class JustSo:
    """A file of just `size` bytes, whatever becomes of it meanwhile, and the digest of what was
    read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        size = min(size, self._left)
        data = self._file.read(size)
        if len(data) < size:
            raise NapError(
                f"{getattr(self._file, 'name', 'a file')} became shorter while it was read",
                hint="make the backup again",
            )
        self._left -= size
        self.digest.update(data)
        return data
