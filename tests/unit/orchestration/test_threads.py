"""Waiting for what runs in threads of its own goes on over signals, and no longer than it may."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import nap_compose
from nap_compose.orchestration.threads import Threads

NAP = Path(nap_compose.__file__).parent


@pytest.fixture
def signalled() -> Iterator[None]:
    """A signal comes in a moment, and is handled for longer than anybody meant to wait; one more,
    long after that, ends a wait that would never end."""
    heard: list[int] = []

    def handle(*_: object) -> None:
        heard.append(1)
        if len(heard) > 1:
            raise TimeoutError("it waited on")
        time.sleep(0.4)

    before = signal.signal(signal.SIGUSR1, handle)
    main = threading.main_thread().ident
    assert main is not None and main == threading.get_ident()
    timers = [
        threading.Timer(after, signal.pthread_kill, (main, signal.SIGUSR1)) for after in (0.05, 30)
    ]
    for timer in timers:
        timer.start()
    yield
    assert heard == [1]
    for timer in timers:
        timer.cancel()
        timer.join()
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_that_takes_its_time_is_not_waited_over(signalled: None) -> None:
    assert Threads().ended(0.2) is None


def test_nothing_else_is_waited_for_as_a_signal_could_hold_it_up() -> None:
    simple = {path for path in NAP.rglob("*.py") if "SimpleQueue[" in path.read_text()}
    assert simple, "there are queues that are waited for without a time"
    assert not [path for path in simple if ".get(timeout" in path.read_text()]
