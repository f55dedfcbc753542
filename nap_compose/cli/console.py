"""The person's side of a talk: their terminal or pipe, its size, and their signals.

A terminal is made raw only while the process at the other end has one too, and is put back
whatever happens: at the end, on an error, and on the signals that would end nap.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nap_compose.cli.output.terminal import OutputClosed

if TYPE_CHECKING:
    from nap_compose.border import FromPerson, Resized

STDIN, STDOUT, STDERR = 0, 1, 2
_PIECE = 64 * 1024
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_OWN = (signal.SIGWINCH, signal.SIGCONT)


class PersonsConsole:
    """See `border.Console`. To be used in a `with`, in the main thread, which gets the signals."""

    def __init__(self, *, stdin: bool = True) -> None:
        self._stdin = stdin
        self._raw = False
        self._before: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self._wakes, self._wake = -1, -1
        self._old_wakeup = -1
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> PersonsConsole:
        self._wakes, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
        self._put_back()
        os.close(self._wakes)
        with self._lock:
            os.close(self._wake)
            self._wake = -1

    def open(self, *, tty: bool) -> Resized | None:
        """Listen to signals from now on, and with `tty` hand every key on as it is pressed."""
        self._listen_to_signals()
        size = self._size() if tty else None
        if tty and self._stdin and os.isatty(STDIN):
            self._make_raw()
        return size

    def heard(self) -> Iterator[FromPerson]:
        """What is typed, new sizes of the terminal, and signals."""
        from nap_compose.border import Typed

        watched = [self._wakes, *([STDIN] if self._stdin else [])]
        while not self._closed:
            ready, _, _ = select.select(watched, [], [])
            if self._wakes in ready:
                yield from self._woken()
            if STDIN in ready and not self._closed:
                data = _read(STDIN)
                if data is None:
                    continue
                yield Typed(data)
                if not data:
                    watched.remove(STDIN)

    def show(self, source: str, data: bytes) -> None:
        """Print it at once. Raises OutputClosed when nobody reads it any more."""
        target = STDERR if source == "stderr" else STDOUT
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(target, left) :]
            except BlockingIOError:
                select.select([], [target], [])
            except BrokenPipeError:
                raise OutputClosed from None

    def close(self) -> None:
        """Make `heard` end."""
        self._closed = True
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._wake >= 0:
                os.write(self._wake, b"\0")

    def _woken(self) -> Iterator[FromPerson]:
        from nap_compose.border import Signalled

        for number in _read(self._wakes) or b"":
            if number in _OWN:
                if number == signal.SIGCONT and self._raw:
                    self._make_raw()
                size = self._size()
                if size is not None:
                    yield size
            elif number in _PASSED_ON:
                yield Signalled(number)

    def _size(self) -> Resized | None:
        from nap_compose.border import Resized

        for each in (STDOUT, STDIN, STDERR):
            with contextlib.suppress(OSError):
                found = os.get_terminal_size(each)
                return Resized(found.lines, found.columns)
        return None

    def _listen_to_signals(self) -> None:
        """Python writes each signal's number into the pipe, where `heard` finds it."""
        self._old_wakeup = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in (*_PASSED_ON, *_OWN):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup
            self._handlers[number] = signal.signal(number, lambda *_: None)

    def _make_raw(self) -> None:
        import termios

        now = termios.tcgetattr(STDIN)
        if self._before is None:
            self._before = now
        self._raw = True
        termios.tcsetattr(STDIN, termios.TCSADRAIN, raw(now))

    def _put_back(self) -> None:
        if self._before is not None:
            import termios

            with contextlib.suppress(termios.error):
                termios.tcsetattr(STDIN, termios.TCSADRAIN, self._before)
            self._raw = False
        if self._handlers:
            signal.set_wakeup_fd(self._old_wakeup)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers.clear()


def raw(attributes: list[Any]) -> list[Any]:
    """A terminal's attributes with every key handed on as it is pressed, as cfmakeraw(3) has it."""
    import termios

    incoming, outgoing, control, local, *rest = attributes
    incoming &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    outgoing &= ~termios.OPOST
    local &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    control = control & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    signs = list(rest[-1])
    signs[termios.VMIN], signs[termios.VTIME] = 1, 0
    return [incoming, outgoing, control, local, *rest[:-1], signs]


def _read(number: int) -> bytes | None:
    """A piece; empty at the end, None where there is none after all."""
    try:
        return os.read(number, _PIECE)
    except BlockingIOError:
        return None
    except OSError:  # a terminal that has gone
        return b""
