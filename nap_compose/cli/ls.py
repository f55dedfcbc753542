"""`nap ls`: the apps of the cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table
from nap_compose.cli.session import Session, nothing_seen

if TYPE_CHECKING:
    from nap_compose.control.border import AppRow

COLUMNS = (
    Column("APP", least=8),
    Column("STATUS", least=7),
    Column("SERVICES", drop=2),
    Column("CONTAINERS", drop=3),
    Column("REV", drop=1),
)


@click.command("ls")
@click.option("-a", "--all", "every", is_flag=True, help="Apps of which nothing runs too")
@click.option("-q", "--quiet", is_flag=True, help="The apps' names alone")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def ls(session: Session, every: bool, quiet: bool, form: str) -> int:
    """List the apps of which something runs."""
    terminal = session.terminal
    with session.control() as control:
        me = control.whoami().owner
        listing = control.apps()
    rows = [row for row in listing.rows if every or row.running]
    for warning in listing.warnings:
        terminal.warn(warning)
    if quiet:
        lines = [_name(row, me) for row in rows]
    elif form == "json":
        lines = [json.dumps([_as_json(row) for row in rows])]
    else:
        cells = [_cells(row, me) for row in rows]
        ellipsis = "…" if terminal.out_in_unicode else "..."
        lines = table(
            COLUMNS, cells, width=terminal.out_width(), style=terminal.out_style, ellipsis=ellipsis
        )
    for line in lines:
        terminal.say(line)
    return nothing_seen(listing)


def _name(row: AppRow, me: str) -> str:
    return row.app if row.owner in ("", me) else f"{row.owner}/{row.app}"


def _status(row: AppRow) -> str:
    """Compose's way: `running(3), exited(1)`."""
    stopped = row.containers - row.running
    parts = [f"running({row.running})"] if row.running else []
    parts += [f"exited({stopped})"] if stopped else []
    return ", ".join(parts) or "-"


def _cells(row: AppRow, me: str) -> list[Cell | str]:
    colour = "green" if row.running == row.containers else "yellow"
    return [
        _name(row, me),
        Cell(_status(row), colour if row.running else "dim"),
        str(row.services),
        str(row.containers),
        str(row.revision or "-"),
    ]


def _as_json(row: AppRow) -> dict[str, Any]:
    return {
        "Name": row.app,
        "Status": _status(row),
        "Owner": row.owner,
        "Services": row.services,
        "Running": row.running,
        "Containers": row.containers,
        "Revision": row.revision,
    }
