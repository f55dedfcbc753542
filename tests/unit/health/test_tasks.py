"""What the watcher has begun, and how it waits for that."""

from __future__ import annotations

import threading
import time

from nap_compose.control.watching.tasks import Tasks
from nap_compose.health.records import Happening

DONE = Happening("2026-01-01T00:00:00Z", "restart", "done")


def test_an_end_waits_for_what_goes_on() -> None:
    tasks = Tasks(lambda: None)
    going = threading.Event()

    def work() -> list[Happening]:
        going.set()
        time.sleep(0.3)
        return [DONE]

    tasks.begin(("ada", "shop"), work)
    going.wait()
    tasks.wait(30)
    assert [ended.told for ended in tasks.settle()] == [(DONE,)]
    tasks.wait(30)
    assert tasks.free(("ada", "shop"))


def test_an_end_waits_no_longer_than_it_may() -> None:
    tasks = Tasks(lambda: None)
    over = threading.Event()
    began = time.monotonic()
    for app in ("shop", "blog"):
        tasks.begin(("ada", app), lambda: [DONE] * over.wait(60))
    tasks.wait(0.2)
    assert time.monotonic() - began < 30
    assert len(tasks) == 2
    over.set()
