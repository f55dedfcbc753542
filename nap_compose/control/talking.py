"""A talk between a person's console and a process: bytes both ways until the process is done."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nap_compose.border import Console, FromPerson, Resized, Signalled
from nap_compose.cluster.engine import EngineError, Talk
from nap_compose.control.detaching import DetachKeys
from nap_compose.errors import NapError

Resize = Callable[[int, int], None]
OnSignal = Callable[[int], None]

_TRIES = 10
_PAUSE = 0.05
"""Seconds between tries to size a terminal whose process is still being started."""


class Conversation:
    """One talk. `left` tells that the person pressed the detach keys; they count only where the
    process has a terminal."""

    def __init__(
        self,
        talk: Talk,
        console: Console,
        *,
        tty: bool,
        keys: DetachKeys,
        resize: Resize,
        on_signal: OnSignal,
    ) -> None:
        self._talk = talk
        self._console = console
        self._tty = tty
        self._keys = keys
        self._resize = resize
        self._on_signal = on_signal

    @property
    def left(self) -> bool:
        """Whether the person has left, and the process goes on."""
        return self._tty and self._keys.pressed

    @contextmanager
    def held(self) -> Iterator[None]:
        """Show what the process prints and pass on what comes from the person, until its output
        ends.

        The block then runs while signals are still passed on: there the caller waits for the
        process itself.
        """
        size = self._console.open(tty=self._tty)
        listening = threading.Thread(target=self._listen, args=(size,), daemon=True)
        listening.start()
        try:
            for source, data in self._talk.pieces():
                self._console.show(source, data)
            yield
        finally:
            self._talk.close()
            self._console.close()
            listening.join()

    def _listen(self, size: Resized | None) -> None:
        if size is not None and self._tty:
            _first_size(size, self._resize)
        for heard in self._console.heard():
            # A process that is over takes no size and no signal, and its end is told elsewhere.
            with contextlib.suppress(NapError):
                self._take(heard)

    def _take(self, heard: FromPerson) -> None:
        if isinstance(heard, Signalled):
            self._on_signal(heard.number)
        elif isinstance(heard, Resized):
            if self._tty:
                self._resize(heard.rows, heard.columns)
        elif not heard.data:
            self._talk.end_input()
        else:
            self._talk.write(self._keys.passed(heard.data) if self._tty else heard.data)
            if self.left:
                self._talk.close()


def _first_size(size: Resized, resize: Resize) -> None:
    """The engine gives the connection over a moment before there is a terminal to size."""
    for _ in range(_TRIES):
        try:
            resize(size.rows, size.columns)
        except EngineError:
            time.sleep(_PAUSE)
        except NapError:
            break
        else:
            break
