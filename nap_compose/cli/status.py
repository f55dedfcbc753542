"""`nap status`: whether all is well, on one screen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.doctor import COLOURS
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import StatusRow

APPS = "apps"


@click.command()
@click.option("-q", "--quiet", is_flag=True, help="Show what isn't as it should be alone")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def status(session: Session, quiet: bool, form: str) -> int:
    """Show whether all is well: hosts, apps, storage, certificates, disks, and what nap leans on.

    It ends with 1 where something needs a person, and says of each what to type. Users see their
    own apps. `nap doctor` looks closer.
    """
    from nap_compose.border import Grade

    terminal = session.terminal
    with session.control() as control:
        listing = control.standing()
    rows: list[StatusRow] = [each for each in listing.rows if not quiet or each.grade != Grade.OK]
    if form == "json":
        for row in rows:
            terminal.say(json.dumps(asdict(row)))
    else:
        show(rows, terminal)
    faults = sum(each.grade is Grade.FAULT for each in listing.rows)
    waits = sum(each.grade in (Grade.WARNING, Grade.UNKNOWN) for each in listing.rows)
    if form == "text" and not quiet:
        terminal.say(_in_short(faults, waits))
    return Exit.FAILED if faults else Exit.DONE


def _in_short(faults: int, waits: int) -> str:
    if faults:
        return f"{faults} {'thing needs' if faults == 1 else 'things need'} somebody now."
    if waits:
        return f"It works; {waits} {'thing wants' if waits == 1 else 'things want'} a look."
    return "All is well."


def show(rows: Sequence[StatusRow], terminal: Terminal) -> None:
    """A line for each row, under it what to type; apps that are well are one line."""
    lines = [*_lines(rows)]
    parts = max((len(part) for part, *_ in lines), default=0)
    subjects = max((len(subject) for _, subject, *_ in lines), default=0)
    before = ""
    for part, subject, grade, text, remedy in lines:
        shown = "" if part == before else part
        before = part
        word = terminal.out_style(f"{grade:7}", COLOURS[grade])
        terminal.say(f"{shown:{parts}}  {word}  {subject:{subjects}}  {text}".rstrip())
        if remedy:
            terminal.say(f"{'':{parts + 2 + 7 + 2 + subjects}}  {remedy}")


def _lines(rows: Sequence[StatusRow]) -> Iterator[tuple[str, str, str, str, str]]:
    """Part, subject, grade, text and remedy, each safe to show."""
    well = [row for row in rows if row.part == APPS and row.grade.value == "ok"]
    told = False
    for row in rows:
        if row.part != APPS or row.grade.value != "ok":
            yield row.part, plain(row.subject), row.grade.value, plain(row.text), plain(row.remedy)
        elif not told:
            told = True
            text = (
                "1 is as it should be" if len(well) == 1 else f"{len(well)} are as they should be"
            )
            yield row.part, APPS, "ok", text, ""
