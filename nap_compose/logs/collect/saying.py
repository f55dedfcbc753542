"""What a service tells of things that go wrong: once, however often they do."""

from __future__ import annotations

import time
from collections.abc import Callable

SILENT = 30.0
"""Seconds in which nothing is said twice of what is well and ill in turn."""


class Saying:
    """Tells sentences to `tell`: one when something goes wrong, one when it goes on again."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self._ill: set[str] = set()
        self._said: dict[str, float] = {}

    def __call__(self, what: str, why: str) -> None:
        """Say `why` it doesn't go on with `what`; an empty `why` is that it does."""
        now = time.monotonic()
        if not why:
            if what in self._ill:
                self._ill.discard(what)
                self.tell(f"{what}: goes on")
        elif what not in self._ill and now - self._said.get(what, -SILENT) >= SILENT:
            self._ill.add(what)
            self._said[what] = now
            self.tell(f"{what}: {why}")
