"""One image on its way from one host to several: read once at its source, and sent to all at once.

The slowest sets the pace, so that nothing piles up here; one that fails is left behind.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator

from nap_compose.cluster.engine import Engine
from nap_compose.errors import NapError

AHEAD = 8
"""So many pieces (of 1 MiB at most) may wait for the slowest host."""

GATHERS = 2.0
"""Seconds for which the first host waits for the others, before the reading begins."""

_LOOK = 0.1


class Convoy:
    """The pieces of `image` for each of `hosts`, each taken by a thread of its own."""

    def __init__(self, source: Engine, image: str, hosts: Iterable[str]) -> None:
        self.source = source
        self._image = image
        self._waiting = set(hosts)
        self._queues: dict[str, queue.Queue[bytes | Exception | None]] = {}
        self._lock = threading.Lock()
        self._gathered = threading.Event()
        self._begun = False

    def join(self, host: str) -> bool:
        """Whether the host goes along; one that comes too late doesn't."""
        with self._lock:
            if self._begun or host not in self._waiting:
                return False
            self._waiting.remove(host)
            self._queues[host] = queue.Queue(AHEAD)
            if not self._waiting:
                self._gathered.set()
            first = len(self._queues) == 1
        if first:
            threading.Thread(target=self._read, name=f"convoy {self._image}", daemon=True).start()
        return True

    def pieces(self, host: str) -> Iterator[bytes]:
        """The image's pieces for a host that has joined; raises what the reading raises."""
        mine = self._queues[host]
        while (piece := mine.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def leave(self, host: str) -> None:
        """The host takes nothing more."""
        with self._lock:
            self._queues.pop(host, None)

    def _read(self) -> None:
        self._gathered.wait(GATHERS)
        with self._lock:
            self._begun = True
        try:
            for piece in self.source.save_image(self._image):
                if not self._hand_out(piece):
                    return
        except NapError as error:
            self._hand_out(error)
        else:
            self._hand_out(None)

    def _hand_out(self, piece: bytes | Exception | None) -> bool:
        """Give a piece to all that are still there; whether any is."""
        for host, each in list(self._queues.items()):
            while host in self._queues:
                try:
                    each.put(piece, timeout=_LOOK)
                except queue.Full:
                    continue
                break
        return bool(self._queues)
