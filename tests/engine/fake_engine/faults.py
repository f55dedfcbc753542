"""What can be made to go wrong in a fake engine, and what it writes down of each request."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """Something goes wrong with requests of `method` whose path (without version) `path` finds.

    The first `after` matches pass, the next `times` (None: all) are hit. The fault is one of:
    `status` with `message` (an error answer), `hang` (no answer until the engine stops or the
    fault is lifted), `drop` (the connection is closed without an answer), `cut` (the answer breaks
    off after that many bytes of its body), `garbage` (bytes that aren't HTTP). `delay` seconds
    come before either, or before a good answer where nothing else is asked. Requests that `meet`
    wait for each other first, so that none is answered before the others have come.
    """

    method: str = ".*"
    path: str = ".*"
    status: int = 0
    message: str = "the fake engine was told to fail"
    after: int = 0
    times: int | None = None
    delay: float = 0.0
    meet: threading.Barrier | None = None
    hang: bool = False
    drop: bool = False
    cut: int | None = None
    garbage: bytes = b""
    seen: int = 0
    hit: int = 0
    lifted: threading.Event = field(default_factory=threading.Event)

    def applies(self, method: str, path: str) -> bool:
        """Whether it hits this request; counts it."""
        if self.lifted.is_set():
            return False
        if not (re.fullmatch(self.method, method) and re.fullmatch(self.path, path)):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.hit >= self.times):
            return False
        self.hit += 1
        return True

    def lift(self) -> None:
        """End it; requests that hang are dropped."""
        self.lifted.set()


@dataclass(frozen=True)
class Recorded:
    """A request as it came: `path` without the version, `body` as JSON where it is JSON."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    version: str
    headers: Mapping[str, str]
    at: float

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class EngineFault(Exception):
    """An error answer: status and message as a real engine gives them."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
