"""`nap history`: an app's revisions, what each changed, and how it fared."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.revised import app_and_revisions
from nap_compose.cli.session import Session

if TYPE_CHECKING:
    from nap_compose.border import HistoryRow

COLUMNS = (
    Column("REV"),
    Column("CREATED", drop=3),
    Column("BY", least=4, drop=2),
    Column("STATE", least=6),
    Column("CHANGED", least=10, drop=1),
)
_COLOURS = {"failed": "red", "rolled back": "yellow", "abandoned": "yellow"}


@click.command()
@click.argument("app", nargs=-1, metavar="[APP]")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=20, help="So many (20)")
@click.option("-q", "--quiet", is_flag=True, help="The revisions' numbers alone")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def history(session: Session, app: tuple[str, ...], limit: int, quiet: bool, form: str) -> int:
    """List an app's revisions, the newest first. The one that runs has a star.

    APP needs not be named where a file or -p gives it.
    """
    terminal = session.terminal
    with session.control() as control:
        target, _ = app_and_revisions(session, control, app, most=0)
        rows = control.history(target, limit=limit).rows
    if quiet:
        lines = [str(row.revision) for row in rows]
    elif form == "json":
        lines = [json.dumps([asdict(row) for row in rows])]
    else:
        cells = [_cells(row) for row in rows]
        lines = table_on(terminal, COLUMNS, cells)
    for line in lines:
        terminal.say(line)
    return 0


def _cells(row: HistoryRow) -> list[Cell | str]:
    state = "running" if row.current else row.state or "-"
    colour = "green" if row.current else _COLOURS.get(row.state, "")
    return [
        f"{row.revision}{'*' if row.current else ''}",
        row.created[:16].replace("T", " "),
        row.author,
        Cell(state, colour),
        ", ".join(row.changed) or "-",
    ]
