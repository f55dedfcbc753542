"""`nap logs`: what the containers of an app printed and what its deployments did, by time."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from nap_compose.cli.appname import app_name
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.cli.targets import Aim, aim, settle
from nap_compose.errors import WrongUse
from nap_compose.text import coloured, colourless, plain
from nap_compose.units import parse_duration

if TYPE_CHECKING:
    from nap_compose.cli.output.terminal import Terminal
    from nap_compose.control.border import Control, LogLine

COLOURS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")
"""A colour for each subject, in the order in which they first speak."""
DEPLOY = "deploy"


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-f", "--follow", is_flag=True, help="Go on as more is printed")
@click.option("-n", "--tail", metavar="N", help="The last N lines of each container, or all")
@click.option("--since", metavar="TIME", help="Not before: 2024-05-01T13:00:00Z or 42m (ago)")
@click.option("--until", metavar="TIME", help="Not after")
@click.option("-t", "--timestamps", is_flag=True, help="Show when each line was printed")
@click.option("--no-log-prefix", is_flag=True, help="Don't say who printed a line")
@with_shared(short_file=False)
def logs(
    session: Session,
    *,
    targets: tuple[str, ...],
    follow: bool,
    tail: str | None,
    since: str | None,
    until: str | None,
    timestamps: bool,
    no_log_prefix: bool,
) -> None:
    """Show what an app's containers printed, from every host, in the order of time.

    TARGET is a service where a file or -p gives the app, otherwise an app, then its services.
    """
    from nap_compose.control.border import LogRequest

    last = _tail(tail)
    after, before = moment(since), moment(until)
    app = app_name(session)
    printer = Printer(session.terminal, timestamps=timestamps, prefix=not no_log_prefix)
    with session.control() as control:
        aimed = _aim(targets, app, control, session)
        request = LogRequest(
            target=aimed.target(),
            services=aimed.services,
            follow=follow,
            tail=last,
            since=after,
            until=before,
            deploy=not aimed.slots,
        )
        for line in control.logs(request, session.terminal.warn):
            if line.source == DEPLOY or _wanted(line, aimed):
                printer.show(line)
                if follow:
                    session.terminal.flush()


def _aim(words: tuple[str, ...], app: str | None, control: Control, session: Session) -> Aim:
    """The app, and its services checked against what runs and what stands in the file."""
    from nap_compose.cli.ps import services_in_file

    aimed = aim(words, app, control)
    if not aimed.app:
        raise WrongUse(
            "whose logs? No Compose file is here, and no app was named",
            hint="name one: nap logs APP. `nap ls` lists them",
        )
    if aimed.slots:
        whole = Aim(aimed.app, aimed.owner)
        known = {row.service for row in control.ps(whole.target(), stopped=True).rows}
        if not known.issuperset(aimed.services) and app == aimed.app:
            known |= services_in_file(session)
        aimed = settle(aimed, known)
    return aimed


def _wanted(line: LogLine, aimed: Aim) -> bool:
    service, _, number = line.subject.rpartition(".")
    return aimed.holds(service, int(number) if number.isdecimal() else 0)


def _tail(text: str | None) -> int | None:
    if text in (None, "all"):
        return None
    if text is not None and text.isdecimal():
        return int(text)
    raise WrongUse(f"--tail is '{text}', which is neither a number nor all")


def moment(text: str | None) -> float | None:
    """Seconds since 1970 from a date, seconds since 1970, or how long ago it was (`42m`).

    A date without a zone is in the machine's own. Raises WrongUse.
    """
    if not text:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    try:
        return time.time() - parse_duration(text)
    except ValueError:
        pass
    # Python before 3.11 reads neither a Z nor nanoseconds.
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", re.sub(r"[Zz]$", "+00:00", text))
    try:
        return datetime.fromisoformat(trimmed).timestamp()
    except ValueError:
        raise WrongUse(
            f"'{text}' is no time", hint="write it like 2024-05-01T13:00:00Z, or 42m for that ago"
        ) from None


class Printer:
    """Prints lines, each with its subject in front, in a colour of its own on a terminal."""

    def __init__(self, terminal: Terminal, *, timestamps: bool, prefix: bool) -> None:
        self._terminal = terminal
        self._timestamps = timestamps
        self._prefix = prefix
        self._colours: dict[str, str] = {}
        self._width = 0

    def show(self, line: LogLine) -> None:
        """One line of the result."""
        colour = self._terminal.out_in_colour
        if self._terminal.out_is_terminal or colour:
            text = coloured(line.text) if colour else colourless(line.text)
        else:
            # What goes into a file or a pipe is shown to nobody yet, and kept as it was printed.
            text = line.text.replace("\n", "\\n").replace("\r", "")
        stamp = f"{_stamp(line.at)} " if self._timestamps else ""
        self._terminal.say(f"{self._before(line)}{stamp}{text}")

    def _before(self, line: LogLine) -> str:
        if not self._prefix:
            return ""
        subject = plain(line.subject)
        self._width = max(self._width, len(subject))
        turn = COLOURS[len(self._colours) % len(COLOURS)]
        style = "dim" if line.source == DEPLOY else self._colours.setdefault(subject, turn)
        return self._terminal.out_style(f"{subject:{self._width}} | ", style)


def _stamp(at: float) -> str:
    """UTC with milliseconds, as everywhere in nap."""
    moment_ = datetime.fromtimestamp(at, timezone.utc)
    return moment_.isoformat(timespec="milliseconds").replace("+00:00", "Z")
