"""A console that follows a script: what the person types and when, and what they saw."""

from __future__ import annotations

import queue
from collections.abc import Iterator

from nap_compose.border import FromPerson, Resized, Typed

_CLOSED = object()


class ScriptedConsole:
    """See `border.Console`. `types` are given at the beginning; more with `say`."""

    def __init__(self, *types: FromPerson, size: Resized | None = None) -> None:
        self.size = size
        self.opened: list[bool] = []
        self.shown: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        self.closed = False
        self._queue: queue.Queue[object] = queue.Queue()
        for each in types:
            self.say(each)

    def say(self, what: FromPerson) -> None:
        """The person does that now."""
        self._queue.put(what)

    def open(self, *, tty: bool) -> Resized | None:
        self.opened.append(tty)
        return self.size if tty else None

    def heard(self) -> Iterator[FromPerson]:
        while (heard := self._queue.get(timeout=60)) is not _CLOSED:
            assert isinstance(heard, FromPerson)
            yield heard

    def show(self, source: str, data: bytes) -> None:
        self.shown[source] += data

    def close(self) -> None:
        self.closed = True
        self._queue.put(_CLOSED)


def typed(text: str) -> tuple[Typed, Typed]:
    """That, and then no more."""
    return Typed(text.encode()), Typed(b"")
