"""An iterator that is read by a thread of its own, a little ahead of whoever fetches its items."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from typing import Any

from nap_compose.border import LogLines

AHEAD = 16
"""Items that are read ahead."""
MOST_BYTES = 1 << 20
"""Bytes after which no more items are handed over at once."""


class Pump:
    """The items of an iterable, some at a time: what is there at once, at least one."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = items
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue(AHEAD)
        self._closed = False
        self._started = False
        self.over = False
        """Whether nothing of the iterable is read any more."""
        self._lock = threading.Lock()

    def next(self) -> tuple[list[Any], bool]:
        """The next items, and whether those were the last. Raises what the iterable raised."""
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(target=self._read, daemon=True).start()
        found: list[Any] = []
        size = 0
        kind, item = self._queue.get()
        while True:
            if kind == "error":
                if found:
                    self._queue.put((kind, item))
                    return found, False
                raise item
            if kind == "end":
                self._queue.put((kind, item))
                return found, True
            found.append(item)
            size += _size(item)
            if size >= MOST_BYTES or len(found) >= 1000:
                return found, False
            try:
                kind, item = self._queue.get_nowait()
            except queue.Empty:
                return found, False

    def close(self) -> None:
        """No more is wanted."""
        self._closed = True
        with self._lock:
            started, self._started = self._started, True
        if not started:
            self._end()
            self._queue.put(("end", None))
            return
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                return

    def _read(self) -> None:
        try:
            for item in self._items:
                self._queue.put(("item", item))
                if self._closed:
                    self._end()
                    return
            self.over = True
            self._queue.put(("end", None))
        except BaseException as error:
            self.over = True
            self._queue.put(("error", error))

    def _end(self) -> None:
        """Close what is read."""
        close = getattr(self._items, "close", None)
        if close is not None:
            close()
        self.over = True


def _size(item: Any) -> int:
    """About how many bytes it is."""
    if isinstance(item, bytes):
        return len(item)
    return len(item.texts) + len(item.stamps) if isinstance(item, LogLines) else 1024
