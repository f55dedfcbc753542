"""A thread for each running step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, Queue


class Running:
    """A call in a thread of its own: what came of it, once it has ended."""

    def __init__(self) -> None:
        self.result = ""
        self.error: BaseException | None = None


class Threads:
    """Threads that run, and those that have ended.

    They are daemons: Python's own pools wait for theirs before a process may end, so a call that
    hangs would outlast the second Ctrl-C. And those come with a module that logs, which takes as
    long to load as all that runs a short plan.
    """

    def __init__(self) -> None:
        # No SimpleQueue anywhere that a time is waited for: before Python 3.13 a signal that comes
        # meanwhile, and whose handler takes longer than the rest of that time, lets it wait on for
        # ever. So a Ctrl-C would be the last thing that nap heard.
        self._ended: Queue[Running] = Queue()

    def begin(self, call: Callable[[], str], name: str) -> Running:
        """Make `call` in a thread of its own."""
        running = Running()

        def run() -> None:
            try:
                running.result = call()
            except BaseException as error:
                running.error = error
            self._ended.put(running)

        threading.Thread(target=run, name=name, daemon=True).start()
        return running

    def ended(self, seconds: float) -> Running | None:
        """One that has ended and wasn't told of yet; None where none does within these seconds."""
        try:
            return self._ended.get(timeout=seconds)
        except Empty:
            return None
