"""Live lines on a terminal: one for each thing that is worked on, redrawn in place.

The block is never taller than the terminal, since what has scrolled away can't be redrawn: then
what runs or failed is shown, and the rest is counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import field

from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.output.width import cut, shown_width
from nap_compose.orchestration.events import Event, Phase
from nap_compose.plaindata import dataclass
from nap_compose.text import plain
from nap_compose.units import show_duration, show_size

INTERVAL = 0.1
"""Seconds between two drawings."""

_UNICODE = {
    "done": "✔",
    "failed": "✘",
    "waiting": "·",
    "skipped": "-",
    "ellipsis": "…",
    "spin": "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
}
_ASCII = {
    "done": "+",
    "failed": "x",
    "waiting": ".",
    "skipped": "-",
    "ellipsis": "...",
    "spin": "|/-\\",
}
_STYLES = {
    Phase.DONE: "green",
    Phase.FAILED: "red",
    Phase.RUNNING: "cyan",
    Phase.WAITING: "dim",
    Phase.SKIPPED: "dim",
}


_ENDINGS = (Phase.DONE, Phase.FAILED, Phase.SKIPPED)


@dataclass
class Subject:
    """What the person sees as one thing on one host, with the steps that concern it."""

    name: str
    host: str
    steps: dict[str, Phase] = field(default_factory=dict)
    text: str = ""
    began: float = 0.0
    ended: float = 0.0

    @property
    def phase(self) -> Phase:
        """Failed when any step failed, skipped when one was given up, done when all are; between
        steps it still runs."""
        phases = set(self.steps.values())
        for ending in (Phase.FAILED, Phase.SKIPPED):
            if ending in phases:
                return ending
        if phases <= {Phase.DONE}:
            return Phase.DONE
        return Phase.WAITING if phases == {Phase.WAITING} else Phase.RUNNING

    def take(self, event: Event, now: float) -> None:
        """Take in an event of one of its steps."""
        self.steps[event.step] = event.phase
        if event.phase not in (Phase.WAITING, Phase.SKIPPED):
            self.began = self.began or now
            self.text = event.error if event.phase is Phase.FAILED else event.text or self.text
            if event.bytes_total and event.phase is Phase.RUNNING:
                done, total = show_size(event.bytes_done), show_size(event.bytes_total)
                self.text = f"{event.text} {done} of {total}".strip()
        if event.phase in _ENDINGS:
            self.ended = now

    def seconds(self, now: float) -> float:
        """How long it has been worked on."""
        if not self.began:
            return 0.0
        return (self.ended if self.phase in _ENDINGS else now) - self.began


class LiveLines:
    """The block of live lines, drawn by a thread of its own until it is left."""

    def __init__(self, title: str, terminal: Terminal) -> None:
        self._title = title
        self._terminal = terminal
        self._signs = _UNICODE if terminal.err_in_unicode else _ASCII
        self._subjects: dict[tuple[str, str], Subject] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._drawn = 0
        self._frame = 0
        self._headline = ""
        self._notices: list[str] = []
        self._drawing = threading.Lock()

    def __enter__(self) -> LiveLines:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self._draw(last=True)

    def on_event(self, event: Event) -> None:
        """Take in an event; the next drawing shows it."""
        with self._lock:
            if not event.step:
                self._headline = plain(event.error or event.text)
                return
            key = (event.host, event.subject)
            if event.phase is Phase.SKIPPED and key not in self._subjects:
                return  # it never began, so there is nothing to tell of it
            subject = self._subjects.setdefault(key, Subject(plain(event.subject), event.host))
            subject.take(event, time.monotonic())

    def notice(self, text: str) -> None:
        """Shown above the block at the next drawing: appending takes no lock."""
        self._notices.append(f"nap: {text}")

    def aside(self, write: Callable[[], None]) -> None:
        """Printed above the block, which comes back at the next drawing."""
        with self._drawing:
            self._erase()
            write()

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            self._draw()

    def _draw(self, *, last: bool = False) -> None:
        columns, lines = self._terminal.err_size()
        with self._lock:
            block = self._block(columns, None if last else max(2, lines - 1))
        notices, self._notices = self._notices, []
        text = "".join(f"{line}\n" for line in [*notices, *block])
        with self._drawing:
            self._erase(text)
            self._drawn = len(block)
        self._frame += 1

    def _erase(self, text: str = "") -> None:
        """Take the block away, and write `text` in its place."""
        erase = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        if text or erase:
            self._terminal.write_err(erase + text)
        self._drawn = 0

    def _block(self, columns: int, most: int | None) -> list[str]:
        """The lines to show, at most `most` of them."""
        subjects = list(self._subjects.values())
        if not subjects and not self._headline:
            return []
        done = sum(subject.phase is Phase.DONE for subject in subjects)
        count = f" {done}/{len(subjects)}" if subjects else ""
        headline = f"  {self._headline}" if self._headline else ""
        # One column stays free: a full line would make some terminals wrap.
        room = columns - 1
        title = cut(f"{self._title}{count}{headline}", room, self._signs["ellipsis"])
        chosen, hidden = _that_fit(subjects, None if most is None else most - 1)
        names = max((shown_width(subject.name) for subject in chosen), default=0)
        hosts = max((shown_width(subject.host) for subject in chosen), default=0)
        lines = [self._line(subject, names, hosts, room) for subject in chosen]
        if hidden:
            lines.append(cut(f"   and {hidden} more", room, self._signs["ellipsis"]))
        return [title, *lines]

    def _line(self, subject: Subject, names: int, hosts: int, room: int) -> str:
        now = time.monotonic()
        took = show_duration(subject.seconds(now)) if subject.began else ""
        name = subject.name + " " * (names - shown_width(subject.name))
        host = subject.host + " " * (hosts - shown_width(subject.host))
        text = plain(subject.text) or subject.phase.value
        before = f" {name}  {host}  " if hosts else f" {name}  "
        left = cut(before + text, max(1, room - 2 - len(took) - 1), self._signs["ellipsis"])
        gap = " " * max(1, min(room, 76) - 2 - shown_width(left) - len(took))
        line = f"{left}{gap}{took}".rstrip()
        style = _STYLES[subject.phase]
        return f" {self._terminal.err_style(self._sign(subject.phase), style)}{line}"

    def _sign(self, phase: Phase) -> str:
        if phase is Phase.RUNNING:
            return self._signs["spin"][self._frame % len(self._signs["spin"])]
        return self._signs[phase.value]


def _that_fit(subjects: list[Subject], most: int | None) -> tuple[list[Subject], int]:
    """The subjects to show in their order, and how many are left out for want of room."""
    if most is None or len(subjects) <= most:
        return subjects, 0
    rank = {Phase.FAILED: 0, Phase.RUNNING: 1, Phase.WAITING: 2, Phase.DONE: 3, Phase.SKIPPED: 3}
    by_interest = sorted(range(len(subjects)), key=lambda index: rank[subjects[index].phase])
    kept = sorted(by_interest[: max(0, most - 1)])
    return [subjects[index] for index in kept], len(subjects) - len(kept)
