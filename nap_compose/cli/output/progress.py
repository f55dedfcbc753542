"""Progress of a deployment as it goes: live lines, plain lines, JSON, or nothing.

Events come from several threads at once; one lock orders them.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

from nap_compose.cli.output.live import LiveLines
from nap_compose.cli.output.terminal import Terminal
from nap_compose.orchestration.events import Event, Phase
from nap_compose.text import plain
from nap_compose.units import show_duration, show_size

MODES = ("auto", "tty", "plain", "json", "quiet")


class Progress(Protocol):
    """Shows events between entering and leaving it."""

    def __enter__(self) -> Progress: ...
    def __exit__(self, *exc: object) -> None: ...

    def on_event(self, event: Event) -> None:
        """Take in an event; called from several threads."""

    def notice(self, text: str) -> None:
        """Say something at once; called from a signal handler, so it may take no lock."""

    def aside(self, write: Callable[[], None]) -> None:
        """Let `write` print a result, with nothing of the progress in its way."""


def progress(mode: str, title: str, terminal: Terminal) -> Progress:
    """The progress that `mode` asks for; auto is live lines on a terminal, else plain ones."""
    if mode == "auto":
        mode = "tty" if terminal.err_is_terminal and not terminal.is_dumb else "plain"
    if mode == "tty":
        return LiveLines(title, terminal)
    if mode == "json":
        return JsonLines(terminal)
    return PlainLines(terminal) if mode == "plain" else Quiet()


class Quiet:
    """Nothing but what the person has to answer to."""

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def on_event(self, event: Event) -> None:
        """Not shown."""

    def notice(self, text: str) -> None:
        """Said all the same: the person has just pressed a key."""
        say_at_once(text)

    def aside(self, write: Callable[[], None]) -> None:
        """Whole lines get into each other's way nowhere."""
        write()


class JsonLines(Quiet):
    """Each event as one line of JSON on standard error, in the form that logs keep."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def on_event(self, event: Event) -> None:
        """One line."""
        self._terminal.tell(json.dumps(event.to_json(), ensure_ascii=True))


class PlainLines(Quiet):
    """A line for each change that matters: for pipes, logs of CI and dumb terminals."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._last: dict[str, tuple[Phase, str]] = {}

    def on_event(self, event: Event) -> None:
        """A line, unless it says what the step's last one said, or that it waits."""
        if event.phase in (Phase.WAITING, Phase.SKIPPED):
            return
        with self._lock:
            now = (event.phase, event.text)
            if self._last.get(event.step) == now:
                return
            _, said = self._last.get(event.step, (None, ""))
            self._last[event.step] = now
            began = self._began.setdefault(event.step, time.monotonic())
            if event.phase is not Phase.DONE or event.text != said or not said:
                self._terminal.tell(_plain_line(event, time.monotonic() - began))


def _plain_line(event: Event, seconds: float) -> str:
    where = f" on {event.host}" if event.host else ""
    subject = plain(event.subject)
    if event.phase is Phase.FAILED:
        return f"{subject}{where}: failed: {plain(event.error or event.text)}"
    what = plain(event.text) or event.phase.value
    size = show_size(event.bytes_total) if event.bytes_total else ""
    took = show_duration(seconds) if seconds >= 0.05 else ""
    aside = ", ".join(filter(None, (size, took)))
    return f"{subject}{where}: {what}" + (f" ({aside})" if aside else "")


def say_at_once(text: str) -> None:
    """Write to standard error past every buffer and lock: a signal handler may be calling."""
    with contextlib.suppress(OSError):
        os.write(2, f"nap: {text}\n".encode())
