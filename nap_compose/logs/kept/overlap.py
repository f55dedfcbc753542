"""Telling lines that are read again from new ones, by what stands in them.

Reading goes on a little before where it stopped, so an engine's answer begins with lines that are
kept already, in the order in which they were kept: the end of that order, or less of it where the
engine has rotated its files since. A clock that was set back meanwhile changes nothing of this.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar
from zlib import crc32

Key = TypeVar("Key", bound=Hashable)


def key_of(stored: bytes) -> tuple[bytes, int]:
    """What tells a stored line from another: its stream and timestamp, and its text's CRC-32."""
    line = stored.removesuffix(b"\n")
    return line[:33], crc32(line[33:])


class Overlap(Generic[Key]):
    """What is expected to come again: the keys of lines that are there already, in turn. Before
    them lines may come that were there and have been let go since: `was_there` tells those."""

    def __init__(
        self, there: Iterable[Key] = (), was_there: Callable[[Key], bool] | None = None
    ) -> None:
        self._expected: deque[Key] = deque(there)
        self._among = Counter(self._expected)
        self._was_there = was_there
        self.last: Key | None = self._expected[-1] if self._expected else None

    @property
    def over(self) -> bool:
        """Whether everything that comes now is new."""
        return not self._expected and self._was_there is None

    def is_old(self, key: Key) -> bool:
        """Whether this line is there already. To be asked of each in turn, until one is new."""
        if not self._among.get(key):
            return self._was_there is not None and self._was_there(key)
        self._was_there = None
        while True:  # what stood before it, the engine no longer has
            first = self._expected.popleft()
            self._among[first] -= 1
            if first == key:
                return True

    def end(self) -> bool:
        """A new line has come: nothing is expected any more. Whether something still was, which
        means that lines may be missing in between."""
        missing = bool(self._expected)
        self._was_there = None
        self._expected.clear()
        self._among.clear()
        return missing
