"""`nap logs status`: how the collecting of lines goes, by host or by an app's replicas."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.aimed import aimed_at
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.session import Session
from nap_compose.units import show_age, show_size

if TYPE_CHECKING:
    from nap_compose.border import CollectedHost, CollectedReplica

SILENT = 60.0
"""Seconds without a word after which a collector is taken for gone."""

HOSTS = (
    Column("HOST", least=4),
    Column("COLLECTOR", least=9, drop=3),
    Column("CONTAINERS", drop=2),
    Column("LINES/S"),
    Column("SIZE/S", drop=1),
    Column("BEHIND"),
    Column("PROBLEM", least=10),
)
REPLICAS = (
    Column("REPLICA", least=7),
    Column("HOST", least=4),
    Column("KEPT UNTIL", drop=1),
    Column("LINES/S"),
    Column("BEHIND"),
    Column("PROBLEM", least=10),
)


@click.command()
@click.argument("targets", nargs=-1, metavar="[APP]")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def status(session: Session, *, targets: tuple[str, ...], form: str) -> int:
    """Show how far behind the collecting is, how much it keeps, and what can't be read.

    With APP it shows the app's replicas, else the hosts. The exit code is 5 where something isn't
    collected.
    """
    terminal = session.terminal
    with session.control() as control:
        from nap_compose.border import Target

        target = aimed_at(targets, control, session).target() if targets else Target()
        rows = control.collected(target).rows
    if form == "json":
        lines = [json.dumps(asdict(row)) for row in rows]
    else:
        columns, cells = (REPLICAS, _replica) if targets else (HOSTS, _host)
        lines = table_on(terminal, columns, [cells(row) for row in rows])
    for line in lines:
        terminal.say(line)
    return 5 if any(_problem(row) for row in rows) else 0


def _host(row: CollectedHost) -> list[Cell | str]:
    told = bool(row.at)
    return [
        row.host,
        row.collector or "-",
        str(row.containers) if told else "-",
        f"{row.lines:.0f}" if told else "-",
        show_size(round(row.size)) if told else "-",
        f"{row.behind:.1f} s" if told else "-",
        Cell(_problem(row), "red"),
    ]


def _replica(row: CollectedReplica) -> list[Cell | str]:
    return [
        row.subject,
        row.host,
        f"{show_age(time.time() - row.to)} ago" if row.to else "-",
        f"{row.lines:.0f}",
        f"{row.behind:.1f} s",
        Cell(_problem(row), "red"),
    ]


def _problem(row: CollectedHost | CollectedReplica) -> str:
    silent = time.time() - row.at
    if row.at and silent > SILENT:
        return f"its collector has said nothing for {show_age(silent)}"
    return row.problem
