"""A thread for each running step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future


def begin(call: Callable[[], str], name: str) -> Future[str]:
    """Make `call` in a thread of its own.

    The thread is a daemon: Python's own pools wait for theirs before a process may end, so a
    call that hangs would outlast the second Ctrl-C.
    """
    future: Future[str] = Future()

    def run() -> None:
        future.set_running_or_notify_cancel()
        try:
            result = call()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
