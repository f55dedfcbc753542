"""`nap host`: the hosts of the cluster."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.session import Session
from nap_compose.units import show_size

if TYPE_CHECKING:
    from nap_compose.border import HostRow

host = LazyGroup(
    "host",
    table={
        "ls": ("nap_compose.cli.host:ls", "List hosts"),
        "add": ("nap_compose.cli.host_add:add", "Bring a host into the cluster"),
        "rm": ("nap_compose.cli.host_rm:rm", "Take a host out of the cluster"),
        "inspect": ("nap_compose.cli.host_inspect:inspect", "Show one host and what runs there"),
        "label": ("nap_compose.cli.host_set:label", "Give a host labels"),
        "cordon": ("nap_compose.cli.host_set:cordon", "Place nothing new on a host"),
        "drain": ("nap_compose.cli.host_drain:drain", "Move replicas off a host"),
        "activate": ("nap_compose.cli.host_set:activate", "Use a host again"),
        "upgrade": (
            "nap_compose.cli.host_upgrade:upgrade",
            "Change a host while it is drained",
        ),
        "confirm-lost": ("nap_compose.cli.host_lost:confirm_lost", "Say that a host is gone"),
        "uncordon": ("nap_compose.cli.host_set:activate", "The same as activate"),
    },
    help="Look at the cluster's hosts, and say what they are for.",
)

REFUSED = "refused"
"""The state of a host whose engine and nap don't trust each other."""

COLUMNS = (
    Column("HOST", least=4),
    Column("STATE", least=5),
    Column("ENDPOINT", least=12, drop=6),
    Column("ENGINE", least=6, drop=3),
    Column("CPUS", drop=5),
    Column("MEMORY", drop=4),
    Column("CONTAINERS", drop=1),
    Column("OVERLAY", least=7, drop=7),
    Column("LABELS", least=8, drop=8),
)


@click.command("ls")
@click.option("-q", "--quiet", is_flag=True, help="The hosts' names alone")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def ls(session: Session, quiet: bool, form: str) -> None:
    """List the hosts, and whether each one answers."""
    terminal = session.terminal
    with session.control() as control:
        listing = control.hosts()
    for warning in listing.warnings:
        terminal.warn(warning)
    if quiet:
        lines = [row.name for row in listing.rows]
    elif form == "json":
        lines = [json.dumps(_as_json(row)) for row in listing.rows]
    else:
        cells = [_cells(row) for row in listing.rows]
        lines = table_on(terminal, COLUMNS, cells)
    for line in lines:
        terminal.say(line)
    for row in listing.rows:
        for text in (row.problem, row.warning):
            if text and not quiet:
                terminal.warn(f"host {row.name}: {text}")
    if not quiet and any(row.state == REFUSED for row in listing.rows):
        terminal.tell("nap cluster certs ls tells which certificate is wrong; nothing fails over")


def _cells(row: HostRow) -> list[Cell | str]:
    colour = "red" if row.problem else "green" if row.state == "active" else "yellow"
    seen = bool(row.engine)
    return [
        row.name,
        Cell(row.state, colour),
        row.endpoint,
        row.engine or "-",
        f"{row.cpus:g}" if seen else "-",
        show_size(row.memory) if seen else "-",
        str(row.containers) if seen else "-",
        row.overlay or "-",
        ",".join(f"{key}={value}" for key, value in row.labels.items()),
    ]


def _as_json(row: HostRow) -> dict[str, Any]:
    return {**asdict(row), "labels": dict(row.labels)}
