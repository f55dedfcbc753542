"""What the watcher hears of the engines: each event is worth several looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from nap_compose.cluster.engine import Engines
from nap_compose.control.watching.listening import AFTER_AN_END, AGAIN, Listener


class OneEvent:
    """Engines of one host, which tells of one event when it is `told` to."""

    names = ("h1",)

    def __init__(self, what: str) -> None:
        self.what = what
        self.told = threading.Event()
        self.over = threading.Event()

    def on(self, host: str) -> OneEvent:
        return self

    def events(self, **_: Any) -> Iterator[dict[str, Any]]:
        self.told.wait()
        yield {"timeNano": 0, "Action": self.what}
        self.over.wait()


@pytest.mark.parametrize("what", ["start", "die"])
def test_a_host_is_looked_at_again_after_an_event(what: str) -> None:
    """An engine's list may be behind what it tells."""
    engines = OneEvent(what)
    listener = Listener(cast(Engines, engines), embedded=False)
    listener.start()
    try:
        assert listener.hosts(0.0) == set()
        began, looks = time.monotonic(), []
        engines.told.set()
        while listener.hosts(60.0 if not looks else AGAIN[-1] + 1) == {"h1"}:
            looks.append(time.monotonic() - began)
        assert 1 < len(looks) <= 1 + len(AFTER_AN_END if what == "die" else AGAIN)
        assert looks[-1] >= AGAIN[-1], "its end is on the list by then"
    finally:
        listener.stop()
        engines.over.set()
