"""A fault in a document, by its path; where that is in a file is looked up only for the person."""

from __future__ import annotations

from collections.abc import Iterable

Key = str | int
"""A step into a document: a mapping's key or a list's index, from 0."""
Path = tuple[Key, ...]
"""The way to a value from the document's root."""


class Fault(Exception):
    """`message` says what is wrong at `path`, `hint` what to try next.

    It never leaves the loader: the loader adds file, line and column and raises a BadFile.
    """

    def __init__(self, path: Iterable[Key], message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.path: Path = tuple(path)
        self.message = message
        self.hint = hint

    def text(self) -> str:
        """The message with its path before it."""
        return f"{dotted(self.path)}: {self.message}" if self.path else self.message


def dotted(path: Iterable[Key]) -> str:
    """`services.web.ports[0]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
