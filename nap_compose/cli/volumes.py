"""`nap volumes`: the volumes of an app, or of every app of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.aimed import aimed_at, chosen, refuse_missing
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.listed import Layout
from nap_compose.cli.output.table import Column
from nap_compose.cli.output.template.form import Form, format_option
from nap_compose.cli.output.template.values import Record
from nap_compose.cli.session import Session, nothing_seen

if TYPE_CHECKING:
    from nap_compose.border import VolumeRow

EMBEDDED_COLUMNS = (Column("DRIVER", least=6, drop=1), Column("VOLUME NAME", least=12))
CLUSTER_COLUMNS = (
    Column("APP", least=6),
    Column("VOLUME", least=8),
    Column("HOST", least=4),
    Column("DRIVER", drop=1),
    Column("NAME ON THE HOST", least=12, drop=2),
)
HEADERS = {"Name": "VOLUME NAME"}
UNKNOWN = "N/A"


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-q", "--quiet", is_flag=True, help="The volumes' names alone")
@format_option()
@with_shared()
def volumes(session: Session, *, targets: tuple[str, ...], quiet: bool, form: Form) -> int:
    """List volumes, and on which host each one lies.

    TARGET is a service where a file or -p gives the app, otherwise an app or app/service: then
    only what its containers mount is listed.
    """
    terminal = session.terminal
    with session.control() as control:
        me = control.whoami().owner
        aimed = aimed_at(targets, control, session)
        listing = control.volumes(chosen(aimed, stopped=True))
        if not listing.rows and not listing.warnings:
            refuse_missing(aimed, control, session)
    for warning in listing.warnings:
        terminal.warn(warning)
    if quiet:
        lines = list(dict.fromkeys(row.name for row in listing.rows))
    else:
        columns, cells = EMBEDDED_COLUMNS, lambda row: [row.driver, row.name]
        layout = Layout(columns, cells, _record, HEADERS)
        if me:
            layout = Layout(CLUSTER_COLUMNS, lambda row: _cells(row, me), _record, HEADERS)
        lines = layout.lines(listing.rows, form, terminal, width=terminal.out_width())
    for line in lines:
        terminal.say(line)
    return nothing_seen(listing)


def _cells(row: VolumeRow, me: str) -> list[str]:
    app = row.app if row.owner in ("", me) else f"{row.owner}/{row.app}"
    return [app, row.key or row.name, row.host, row.driver, row.name]


def _record(row: VolumeRow) -> Record:
    fields: dict[str, Any] = {
        "Availability": UNKNOWN,
        "Driver": row.driver,
        "Group": UNKNOWN,
        "Labels": ",".join(f"{key}={row.labels[key]}" for key in sorted(row.labels)),
        "Links": UNKNOWN,
        "Mountpoint": row.mountpoint,
        "Name": row.name,
        "Scope": row.scope,
        "Size": UNKNOWN,
        "Status": UNKNOWN,
        "Label": lambda name: row.labels.get(name, ""),
        "Owner": row.owner,
        "App": row.app,
        "Key": row.key,
        "Host": row.host,
    }
    return Record(fields)
