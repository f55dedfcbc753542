"""nap on a terminal of its own, as a person sits before it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

PATIENCE = 60.0

_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class OnTerminal:
    """A program whose three standard streams are a pseudo-terminal of `rows` times `columns`."""

    def __init__(
        self,
        words: list[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        rows: int = 24,
        columns: int = 80,
    ) -> None:
        self._own, their = os.openpty()
        self.resize(rows, columns)
        self.settings = termios.tcgetattr(their)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *words],
            stdin=their,
            stdout=their,
            stderr=their,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
        self._their = their
        self.seen = b""

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._own)
        os.close(self._their)

    def type(self, text: str | bytes) -> None:
        """Press these keys."""
        os.write(self._own, text.encode() if isinstance(text, str) else text)

    def until(self, text: str) -> bytes:
        """Wait until that stands on the screen, and give what came up to it; it is then gone."""
        wanted, ends = text.encode(), time.monotonic() + PATIENCE
        while wanted not in self.seen:
            assert time.monotonic() < ends, f"{text!r} never came: {self.seen!r}"
            assert self._look(), f"it ended before {text!r} came: {self.seen!r}"
        before, _, self.seen = self.seen.partition(wanted)
        return before

    def resize(self, rows: int, columns: int) -> None:
        """Make the window larger or smaller."""
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def is_raw(self) -> bool:
        """Whether keys are handed on as they are pressed."""
        return not termios.tcgetattr(self._their)[3] & termios.ICANON

    def is_as_before(self) -> bool:
        """Whether its settings are those that it had."""
        return termios.tcgetattr(self._their) == self.settings

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end; its exit code."""
        ends = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < ends, f"it doesn't end: {self.seen!r}"
            self._look()
        while self._look(0):
            pass
        return self.process.returncode

    def _look(self, seconds: float = 0.1) -> bool:
        """Read what is there; False where nothing more can come."""
        if not select.select([self._own], [], [], seconds)[0]:
            return self.process.poll() is None
        with contextlib.suppress(OSError):
            data = os.read(self._own, 65536)
            self.seen += data
            return bool(data)
        return False
