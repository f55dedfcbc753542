"""What stands in, at either end, for what can't cross: a console, a hold, a Ctrl-C."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nap_compose.control.stream.frames import StreamBroken
from nap_compose.control.stream.pump import Pump
from nap_compose.errors import NapError

if TYPE_CHECKING:
    from nap_compose.control.stream.peer import Peer


class ConsoleHere:
    """A console of this end's, with what is typed fetched as `next`."""

    def __init__(self, console: Any) -> None:
        self._console = console
        self._pump: Pump | None = None
        self._lock = threading.Lock()

    def open(self, tty: bool) -> Any:
        """See `border.Console`."""
        return self._console.open(tty=tty)

    def show(self, source: str, data: bytes) -> None:
        """See `border.Console`."""
        self._console.show(source, data)

    def close(self) -> None:
        """See `border.Console`."""
        self._console.close()

    def next(self) -> tuple[list[Any], bool]:
        """The next of what comes from the person, and whether that was the end."""
        with self._lock:
            self._pump = self._pump or Pump(self._console.heard())
        return self._pump.next()


class RemoteConsole:
    """The console of a person at the other end; see `border.Console`."""

    def __init__(self, peer: Peer, number: int) -> None:
        self._peer = peer
        self._number = number

    def open(self, *, tty: bool) -> Any:
        """The talk begins."""
        return self._peer.call_back(self._number, "open", tty)

    def heard(self) -> Iterator[Any]:
        """What comes from the person."""
        while True:
            try:
                items, ended = self._peer.call(self._number, "next")
            except StreamBroken:
                return
            yield from items
            if ended:
                return

    def show(self, source: str, data: bytes) -> None:
        """What the process prints; waits until it is taken."""
        self._peer.call_back(self._number, "show", source, data)

    def close(self) -> None:
        """The talk is over."""
        if not self._peer.gone.is_set():
            with contextlib.suppress(NapError):
                self._peer.call(self._number, "close")


class HoldHere:
    """Whether this end still has something under way; see `border.Hold`."""

    def __init__(self, hold: Any) -> None:
        self._hold = hold

    def held(self) -> bool:
        """Whether it has now."""
        return bool(self._hold.held)


class RemoteHold:
    """Whether the person at the other end has something under way, asked each time: it counts for
    as long as a stream goes on, when the call that it was handed over with has long returned."""

    def __init__(self, peer: Peer, number: int) -> None:
        self._peer = peer
        self._number = number

    @property
    def held(self) -> bool:
        """Whether it has now. Raises OtherEndGone."""
        return bool(self._peer.call_back(self._number, "held"))


class RemoteCancel:
    """Whether the person at the other end has pressed Ctrl-C; see `border.Cancel`."""

    level = 0
