"""`nap ls`: the apps of the cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.output.template.form import Form, format_option
from nap_compose.cli.output.template.values import Record, as_json
from nap_compose.cli.session import Session, nothing_seen
from nap_compose.errors import WrongUse

if TYPE_CHECKING:
    from nap_compose.border import AppRow

CLUSTER_COLUMNS = (
    Column("APP", least=8),
    Column("STATUS", least=7),
    Column("SERVICES", drop=2),
    Column("CONTAINERS", drop=3),
    Column("REV", drop=1),
)
EMBEDDED_COLUMNS = (
    Column("NAME", least=8),
    Column("STATUS", least=7),
    Column("CONFIG FILES", least=12, drop=1),
)
AT_WORK = ("deploying", "not seen")
"""How an app without containers is that nobody has stopped."""
HEADERS = {"ConfigFiles": "CONFIG FILES"}


@click.command("ls")
@click.option("-a", "--all", "every", is_flag=True, help="Apps of which nothing runs too")
@click.option("-q", "--quiet", is_flag=True, help="The apps' names alone")
@click.option("--filter", "filters", multiple=True, metavar="name=TEXT", help="Only apps so named")
@format_option()
@with_shared()
def ls(session: Session, every: bool, quiet: bool, filters: tuple[str, ...], form: Form) -> int:
    """List the apps of which something runs, or would be seen to if every host were.

    On a cluster `--all` shows those too that are down, and how each came to have no containers.

    A filter's TEXT is a regular expression that finds something in the app's name.
    """
    names = _names(filters)
    with session.control() as control:
        me = control.whoami().owner
        listing = control.apps(recorded=True)
    rows = [
        row
        for row in listing.rows
        if (every or row.running or row.standing in AT_WORK)
        and (not names or any(name.search(row.app) for name in names))
    ]
    for warning in listing.warnings:
        session.terminal.warn(warning)
    if quiet:
        lines = [_name(row, me) for row in rows]
    elif form.json:
        lines = [as_json([_record(row, every) for row in rows])]
    elif form.table:
        lines = _table(session, rows, me, every)
    else:
        lines = form.lines([_record(row, every) for row in rows], HEADERS)
    for line in lines:
        session.terminal.say(line)
    return nothing_seen(listing)


def _names(filters: tuple[str, ...]) -> list[re.Pattern[str]]:
    found = []
    for text in filters:
        key, _, value = text.partition("=")
        try:
            if key != "name":
                raise ValueError
            found.append(re.compile(value))
        except (ValueError, re.error):
            raise WrongUse(f"'{text}' is no filter", hint="write it like name=shop") from None
    return found


def _name(row: AppRow, me: str) -> str:
    return row.app if row.owner in ("", me) else f"{row.owner}/{row.app}"


def _status(row: AppRow, every: bool) -> str:
    """Compose's way: `exited(1), running(3)`; without `every` what runs alone."""
    if row.standing:
        return row.standing
    states = {state: row.states[state] for state in sorted(row.states)}
    shown = states if every else {state: n for state, n in states.items() if state == "running"}
    return ", ".join(f"{state}({count})" for state, count in shown.items())


def _table(session: Session, rows: Sequence[AppRow], me: str, every: bool) -> list[str]:
    terminal = session.terminal
    on_cluster = bool(me) or any(row.owner for row in rows)
    return table_on(
        terminal,
        CLUSTER_COLUMNS if on_cluster else EMBEDDED_COLUMNS,
        [_cells(row, me, every, on_cluster) for row in rows],
    )


def _cells(row: AppRow, me: str, every: bool, on_cluster: bool) -> list[Cell | str]:
    colour = "green" if row.running == row.containers else "yellow"
    status = Cell(_status(row, every or on_cluster), colour if row.running else "dim")
    if not on_cluster:
        return [row.app, status, row.config_files]
    counts = [str(row.services), str(row.containers), str(row.revision or "-")]
    return [_name(row, me), status, *counts]


def _record(row: AppRow, every: bool) -> Record:
    fields: dict[str, Any] = {
        "Name": row.app,
        "Status": _status(row, every),
        "ConfigFiles": row.config_files,
        "Owner": row.owner,
        "Services": row.services,
        "Running": row.running,
        "Containers": row.containers,
        "Revision": row.revision,
    }
    return Record(fields)
