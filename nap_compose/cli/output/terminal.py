"""Standard output and error as the commands use them: how wide, in colour or in Unicode."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Mapping
from typing import TextIO

from nap_compose.errors import NapError
from nap_compose.text import plain

NARROWEST = 20
AT_ONCE = 16 * 1024
"""Characters of lines that are written together where there are many."""
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class OutputClosed(Exception):
    """Whoever read the standard output has gone, as `head` does."""


class Terminal:
    """Where results and messages go.

    `ansi` is auto, never or always; with auto there is colour only on a terminal, and none where
    `NO_COLOR` is set or the terminal is a dumb one.
    """

    def __init__(self, stdout: TextIO, stderr: TextIO, env: Mapping[str, str]) -> None:
        self._out = stdout
        self._err = stderr
        self._env = env
        self._lock = threading.RLock()
        self._warned: set[str] = set()
        self.ansi = "auto"

    @property
    def out_is_terminal(self) -> bool:
        return self._out.isatty()

    @property
    def err_is_terminal(self) -> bool:
        return self._err.isatty()

    @property
    def is_dumb(self) -> bool:
        return self._env.get("TERM", "dumb") == "dumb"

    @property
    def out_in_colour(self) -> bool:
        return self._in_colour(self.out_is_terminal)

    @property
    def err_in_colour(self) -> bool:
        return self._in_colour(self.err_is_terminal)

    @property
    def err_in_unicode(self) -> bool:
        """Whether standard error can show more than ASCII."""
        return (getattr(self._err, "encoding", None) or "ascii").lower().startswith("utf")

    @property
    def out_in_unicode(self) -> bool:
        """Whether standard output can show more than ASCII."""
        return (getattr(self._out, "encoding", None) or "ascii").lower().startswith("utf")

    def out_width(self) -> int | None:
        """Columns of the terminal that results go to; None where they go to a file or a pipe."""
        return self._size(self._out)[0] if self.out_is_terminal else None

    def out_height(self) -> int:
        """Lines of the terminal that results go to."""
        return self._size(self._out)[1]

    def err_size(self) -> tuple[int, int]:
        """Columns and lines of the terminal that progress goes to."""
        return self._size(self._err)

    def say(self, line: str) -> None:
        """A line of the result. Raises OutputClosed when nobody reads it any more."""
        self.write(line + "\n")

    def say_all(self, lines: Iterable[str]) -> None:
        """Many lines of the result, many at once; raises as `say` does."""
        some: list[str] = []
        size = 0
        try:
            for line in lines:
                some.append(line)
                size += len(line)
                if size >= AT_ONCE:
                    full, some, size = some, [], 0
                    self.write("\n".join(full) + "\n")
        finally:  # also those that came before whatever it was that went wrong
            if some:
                self.write("\n".join(some) + "\n")

    def write(self, text: str) -> None:
        """A piece of the result, as it is."""
        try:
            with self._lock:
                self._out.write(text)
        except OSError as error:
            raise _lost(error) from None

    def flush(self) -> None:
        """Hand over what was said so far; raises as `say` does."""
        try:
            with self._lock:
                self._out.flush()
        except OSError as error:
            raise _lost(error) from None

    def is_taken(self) -> bool:
        """Whether all that was said could be handed over."""
        try:
            self.flush()
        except (NapError, OutputClosed):
            return False
        return True

    def tell(self, line: str) -> None:
        """A line beside the result. A deployment must not fail because nobody reads it."""
        self.write_err(line + "\n")

    def write_err(self, text: str) -> None:
        """Progress, as it is."""
        with contextlib.suppress(OSError), self._lock:
            self._err.write(text)
            self._err.flush()

    def warn(self, text: str) -> None:
        """A warning, in one line."""
        self.tell(f"nap: {self.err_style('warning:', 'yellow')} {plain(text)}")

    def warn_once(self, text: str) -> None:
        """A warning that a second reading of the same file would give again."""
        if text not in self._warned:
            self._warned.add(text)
            self.warn(text)

    def out_style(self, text: str, style: str) -> str:
        """`text` in a colour or weight, where standard output has colour."""
        return _styled(text, style) if style and self.out_in_colour else text

    def err_style(self, text: str, style: str) -> str:
        """`text` in a colour or weight, where standard error has colour."""
        return _styled(text, style) if style and self.err_in_colour else text

    def _in_colour(self, is_terminal: bool) -> bool:
        if self.ansi != "auto":
            return self.ansi == "always"
        return is_terminal and not self._env.get("NO_COLOR") and not self.is_dumb

    def _size(self, stream: TextIO) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(stream.fileno())
            columns, lines = size.columns, size.lines
        except (OSError, ValueError):
            columns, lines = 0, 0
        columns = _number(self._env.get("COLUMNS")) or columns or 80
        return max(columns, NARROWEST), _number(self._env.get("LINES")) or lines or 24


def _styled(text: str, style: str) -> str:
    return f"\x1b[{_CODES.get(style, style)}m{text}\x1b[0m"


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _lost(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return OutputClosed()
    return NapError(f"can't write to standard output: {error.strerror}")
