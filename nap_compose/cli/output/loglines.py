"""Lines of logs as people see them, and as JSON for programs."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from nap_compose.border import LogLines
from nap_compose.clock import written
from nap_compose.text import are_plain, coloured, colourless, plain

if TYPE_CHECKING:
    from nap_compose.border import Lines, LogLine
    from nap_compose.cli.output.terminal import Terminal
    from nap_compose.cli.targets import Aim

COLOURS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")
"""A colour for each subject, in the order in which they first speak."""
DEPLOY = "deploy"


class Printer:
    """Prints lines, each with its subject in front, in a colour of its own on a terminal;
    `as_compose` writes it as Compose does, `web-1  |` and not `web.1 |`.

    Control characters of a line are shown as text, but for plain colours; with `raw` they all
    pass. With `apart` what was printed on standard error goes to nap's own.
    """

    def __init__(
        self,
        terminal: Terminal,
        *,
        timestamps: bool,
        prefix: bool,
        as_compose: bool = False,
        raw: bool = False,
        apart: bool = False,
    ) -> None:
        self._terminal = terminal
        self._apart = apart
        self._timestamps = timestamps
        self._prefix = prefix
        self._as_compose = as_compose
        self._raw = raw
        # Colours that go into a file or a pipe are kept: `less -R` shows them.
        colour = terminal.out_in_colour or not (terminal.out_is_terminal or terminal.ansi != "auto")
        self._fit = coloured if colour else colourless
        self._colours: dict[str, str] = {}
        self._prefixes: dict[str, str] = {}
        self._width = 0

    def show(self, line: LogLine) -> None:
        """One line of the result."""
        say = self._terminal.tell if self._apart and line.source == "stderr" else self._terminal.say
        say(self.text(line))

    def shown(self, lines: Lines) -> str:
        """A line as it is shown, without its end, or many with a line end between two."""
        return self.texts(lines) if isinstance(lines, LogLines) else self.text(lines)

    def text(self, line: LogLine) -> str:
        """As `shown`, of one."""
        text = line.text
        if not self._raw and not (text.isascii() and text.isprintable()):
            text = self._fit(text)
        if self._timestamps:
            text = f"{_stamp(line.at)} {text}"
        if not self._prefix:
            return text
        before = self._prefixes.get(line.subject) or self._before(line)
        return before + text

    def texts(self, lines: LogLines) -> str:
        """As `shown`, of many."""
        if self._timestamps or not (self._raw or are_plain(lines.texts)):
            return "\n".join(map(self.text, lines.each()))
        if not self._prefix:
            return lines.texts
        before = self._prefixes.get(lines.subject) or self._before(next(lines.each()))
        return before + lines.texts.replace("\n", f"\n{before}")

    def _before(self, line: LogLine) -> str:
        subject = plain(self._subject(line))
        if len(subject) > self._width:
            self._width = len(subject)
            self._prefixes.clear()
        turn = COLOURS[len(self._colours) % len(COLOURS)]
        style = "dim" if line.source == DEPLOY else self._colours.setdefault(subject, turn)
        before = self._terminal.out_style(f"{subject:{self._width}} | ", style)
        self._prefixes[line.subject] = before
        return before

    def _subject(self, line: LogLine) -> str:
        if not self._as_compose or line.source == DEPLOY:
            return line.subject
        return f"{self.name(line.subject)} "

    def name(self, subject: str) -> str:
        """What a replica (`web.1`) is called here."""
        service, dot, number = subject.rpartition(".")
        return f"{service}-{number}" if self._as_compose and dot and number.isdecimal() else subject


def as_json(line: LogLine, aimed: Aim) -> str:
    """A line as a JSON object; the deployments' have neither service nor host."""
    service, _, number = line.subject.rpartition(".")
    from_container = line.source != DEPLOY
    return json.dumps(
        {
            "at": _stamp(line.at, "microseconds"),
            "owner": aimed.owner,
            "app": aimed.app,
            "subject": line.subject,
            "service": service if from_container and number.isdecimal() else "",
            "replica": int(number) if from_container and number.isdecimal() else 0,
            "host": line.host,
            "source": line.source,
            "text": line.text,
        },
        ensure_ascii=False,
    )


def _stamp(at: float, parts: str = "milliseconds") -> str:
    """UTC with milliseconds, as everywhere in nap."""
    return written(datetime.fromtimestamp(at, timezone.utc), parts)
