"""`nap ps`: the containers of an app, or of every app of the cluster."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.appname import app_name
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table
from nap_compose.cli.session import Session, nothing_seen
from nap_compose.cli.targets import Aim, aim, settle
from nap_compose.units import show_age

if TYPE_CHECKING:
    from nap_compose.control.border import Row

STATES = ("paused", "restarting", "removing", "running", "dead", "created", "exited", "unknown")

CLUSTER_COLUMNS = (
    Column("APP", least=6),
    Column("REPLICA", least=8),
    Column("HOST", least=4, drop=1),
    Column("STATE", least=9),
    Column("HEALTH", drop=4),
    Column("SINCE", drop=6),
    Column("REV", drop=7),
    Column("URL", least=21, drop=5),
)
EMBEDDED_COLUMNS = (
    Column("NAME", least=10),
    Column("IMAGE", least=10, drop=6),
    Column("SERVICE", least=7, drop=7),
    Column("STATUS", least=8),
    Column("PORTS", least=10, drop=5),
)


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-a", "--all", "every", is_flag=True, help="Stopped containers too")
@click.option("-q", "--quiet", is_flag=True, help="The containers' ids alone")
@click.option("--services", is_flag=True, help="The services' names alone")
@click.option("--status", multiple=True, type=click.Choice(STATES), help="Only those in this state")
@click.option("--filter", "filters", multiple=True, metavar="status=STATE", help="As --status")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("--no-trunc", is_flag=True, help="Cut nothing to fit the terminal")
@with_shared()
def ps(
    session: Session,
    *,
    targets: tuple[str, ...],
    every: bool,
    quiet: bool,
    services: bool,
    status: tuple[str, ...],
    filters: tuple[str, ...],
    form: str,
    no_trunc: bool,
) -> int:
    """List containers: where each one runs, how it is, and its address.

    TARGET is a service where a file or -p gives the app, otherwise an app, app/service or
    owner/app. On a cluster, without any of these, every app is listed.
    """
    states = _states(status, filters)
    app = app_name(session)
    with session.control() as control:
        me = control.whoami().owner
        aimed = aim(targets, app, control)
        listing = control.ps(aimed.target(), stopped=every or bool(states) or bool(aimed.slots))
        rows = _chosen(listing.rows, aimed, states, session)
    if not every and not states:
        rows = [row for row in rows if row.state not in ("exited", "dead", "created")]
    for warning in listing.warnings:
        session.terminal.warn(warning)
    if quiet:
        lines = [row.id for row in rows]
    elif services:
        lines = list(dict.fromkeys(row.service for row in rows))
    elif form == "json":
        lines = [json.dumps(as_json(row)) for row in rows]
    else:
        lines = _table(session, rows, me, None if no_trunc else session.terminal.out_width())
    for line in lines:
        session.terminal.say(line)
    return nothing_seen(listing)


def _states(status: Sequence[str], filters: Sequence[str]) -> frozenset[str]:
    states = set(status)
    for text in filters:
        key, _, value = text.partition("=")
        if key != "status" or value not in STATES:
            raise click.UsageError(f"'{text}' is no filter; write status=running or the like")
        states.add(value)
    return frozenset(states)


def _chosen(rows: Sequence[Row], aimed: Aim, states: frozenset[str], session: Session) -> list[Row]:
    """The rows that are meant; a service that has none must at least stand in the file."""
    if aimed.slots:
        aimed = settle(aimed, _known(rows, aimed, session))
    return [
        row
        for row in rows
        if aimed.holds(row.service, row.replica) and (not states or row.state in states)
    ]


def _known(rows: Sequence[Row], aimed: Aim, session: Session) -> set[str]:
    known = {row.service for row in rows}
    if known.issuperset(aimed.services) or app_name(session) != aimed.app:
        return known
    return known | services_in_file(session)


def services_in_file(session: Session) -> set[str]:
    """The services of the file that the options mean; none where there is no file."""
    from nap_compose.cli.files import load
    from nap_compose.errors import NapError

    try:
        app = load(session)
    except NapError:
        return set()
    return {*app.services, *app.profiled_out}


def _table(session: Session, rows: Sequence[Row], me: str, width: int | None) -> list[str]:
    terminal = session.terminal
    ellipsis = "…" if terminal.out_in_unicode else "..."
    if me or any(row.owner for row in rows):
        columns: Sequence[Column] = CLUSTER_COLUMNS
        cells = [_cluster_cells(row, me) for row in rows]
    else:
        columns = EMBEDDED_COLUMNS
        cells = [_embedded_cells(row) for row in rows]
    return table(columns, cells, width=width, style=terminal.out_style, ellipsis=ellipsis)


def _cluster_cells(row: Row, me: str) -> list[Cell | str]:
    state = f"exited ({row.exit_code})" if row.state == "exited" else row.state
    return [
        row.app if row.owner in ("", me) else f"{row.owner}/{row.app}",
        f"{row.service}.{row.replica}" if row.replica else row.service,
        row.host,
        Cell(row.status if row.state == "unknown" else state, _colour(row)),
        Cell("-" if row.health in ("", "none") else row.health, _colour(row)),
        show_age(time.time() - row.since) if row.since else "-",
        str(row.revision or "-"),
        ", ".join(row.urls),
    ]


def _embedded_cells(row: Row) -> list[Cell | str]:
    return [
        row.name,
        row.image,
        row.service,
        Cell(row.status or row.state, _colour(row)),
        _ports(row),
    ]


def _colour(row: Row) -> str:
    if row.health == "unhealthy" or row.state == "dead" or row.exit_code:
        return "red"
    if row.state == "running":
        return "yellow" if row.health == "starting" else "green"
    return "yellow" if row.state in ("restarting", "unknown", "paused") else "dim"


def _ports(row: Row) -> str:
    """Compose's way: `0.0.0.0:8080->80/tcp`."""
    return ", ".join(
        f"{_bracketed(str(port.get('host_ip') or '0.0.0.0'))}:{port['published']}"  # noqa: S104 - shown
        f"->{port['target']}/{port.get('protocol', 'tcp')}"
        for port in row.ports
    )


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def as_json(row: Row) -> dict[str, Any]:
    """Compose's own names, for the scripts that read them, and nap's beside them."""
    return {
        "ID": row.id,
        "Name": row.name,
        "Image": row.image,
        "Project": row.app,
        "Service": row.service,
        "State": row.state,
        "Health": "" if row.health == "none" else row.health,
        "ExitCode": row.exit_code or 0,
        "Status": row.status,
        "Created": row.since,
        "Publishers": [
            {
                "URL": port.get("host_ip", ""),
                "TargetPort": port["target"],
                "PublishedPort": port["published"],
                "Protocol": port.get("protocol", "tcp"),
            }
            for port in row.ports
        ],
        "Owner": row.owner,
        "App": row.app,
        "Replica": row.replica,
        "Host": row.host,
        "Revision": row.revision,
        "URLs": list(row.urls),
    }
