"""Containers as `ps` shows them: as a table, and field by field for `--format`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nap_compose.cli.output import dockers
from nap_compose.cli.output.table import Cell, Column, ellipsis_on, table
from nap_compose.cli.output.template.values import Record
from nap_compose.cli.output.terminal import Terminal
from nap_compose.units import show_age

if TYPE_CHECKING:
    from nap_compose.border import Row

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
    Column("COMMAND", least=12, drop=8),
    Column("SERVICE", least=7, drop=7),
    Column("CREATED", drop=9),
    Column("STATUS", least=8),
    Column("PORTS", least=10, drop=5),
)
HEADERS = {
    "ID": "CONTAINER ID",
    "Names": "NAMES",
    "RunningFor": "CREATED",
    "CreatedAt": "CREATED AT",
}
COMMAND, MOUNT, SHORT_ID = 20, 15, 12
"""Characters that are shown of each where nothing may be too long."""


def as_table(
    rows: Sequence[Row], me: str, terminal: Terminal, *, whole: bool, width: int | None
) -> list[str]:
    """The lines of the table; `me` is the caller's owner, `whole` cuts no command."""
    columns: Sequence[Column] = EMBEDDED_COLUMNS
    if me or any(row.owner for row in rows):
        columns, cells = CLUSTER_COLUMNS, [_cluster_cells(row, me) for row in rows]
    else:
        cells = [_embedded_cells(row, whole) for row in rows]
    ellipsis = ellipsis_on(terminal)
    return table(columns, cells, width=width, style=terminal.out_style, ellipsis=ellipsis)


def record(row: Row, *, whole: bool = False) -> Record:
    """The names that scripts for Compose read, and nap's own beside them; `whole` cuts nothing."""
    mounts = row.mounts if whole else [dockers.shortened(each, MOUNT) for each in row.mounts]
    fields: dict[str, Any] = {
        "Command": _command(row, whole),
        "CreatedAt": dockers.moment(row.since) if row.since else "",
        "ExitCode": row.exit_code or 0,
        "Health": "" if row.health == "none" else row.health,
        "ID": row.id if whole else row.id[:SHORT_ID],
        "Image": row.image,
        "Labels": ",".join(f"{key}={row.labels[key]}" for key in sorted(row.labels)),
        "LocalVolumes": str(row.local_volumes),
        "Mounts": ",".join(mounts),
        "Name": row.name,
        "Names": row.name,
        "Networks": ",".join(row.networks),
        "Ports": dockers.ports(row.ports),
        "Project": row.app,
        "Publishers": [
            Record(
                URL=port["host_ip"],
                TargetPort=port["target"],
                PublishedPort=port["published"],
                Protocol=port.get("protocol", "tcp"),
            )
            for port in row.ports
        ],
        "RunningFor": dockers.ago(row.since) if row.since else "",
        "Service": row.service,
        "Size": "0B",
        "State": row.state,
        "Status": row.status,
        "Label": lambda name: row.labels.get(name, ""),
        "Created": row.since,
        "Owner": row.owner,
        "App": row.app,
        "Replica": row.replica,
        "Host": row.host,
        "Revision": row.revision,
        "URLs": list(row.urls),
    }
    return Record(fields)


def _command(row: Row, whole: bool) -> str:
    return dockers.quoted(row.command if whole else dockers.shortened(row.command, COMMAND))


def _replica(row: Row) -> str:
    """`web.2`; what `run` made goes by its name, of which the app's is left out."""
    if row.replica:
        return f"{row.service}.{row.replica}"
    return row.name.partition(f"{row.app}-")[2] or row.name or row.service


def _cluster_cells(row: Row, me: str) -> list[Cell | str]:
    state = f"exited ({row.exit_code})" if row.state == "exited" else row.state
    return [
        row.app if row.owner in ("", me) else f"{row.owner}/{row.app}",
        _replica(row),
        row.host,
        Cell(row.status if row.state == "unknown" else state, colour(row)),
        Cell("-" if row.health in ("", "none") else row.health, colour(row)),
        show_age(time.time() - row.since) if row.since else "-",
        str(row.revision or "-"),
        ", ".join(row.urls),
    ]


def _embedded_cells(row: Row, whole: bool) -> list[Cell | str]:
    return [
        row.name,
        row.image,
        _command(row, whole),
        row.service,
        dockers.ago(row.since),
        Cell(row.status or row.state, colour(row)),
        dockers.ports(row.ports),
    ]


def colour(row: Row) -> str:
    """The colour of how it is."""
    if row.health == "unhealthy" or row.state == "dead" or row.exit_code:
        return "red"
    if row.state == "running":
        return "yellow" if row.health == "starting" else "green"
    return "yellow" if row.state in ("restarting", "unknown", "paused") else "dim"
