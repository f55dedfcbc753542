"""`nap stats`: what containers use, as a table that is drawn again every second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.aimed import aimed_at, chosen, holds, refuse_missing
from nap_compose.cli.options import with_shared
from nap_compose.cli.output import dockers
from nap_compose.cli.output.listed import WHOSE, Layout, whose_cells
from nap_compose.cli.output.redrawn import Redrawn
from nap_compose.cli.output.table import Cell, Column
from nap_compose.cli.output.template.form import Form, format_option
from nap_compose.cli.output.template.values import Record
from nap_compose.cli.session import Session, nothing_seen

if TYPE_CHECKING:
    from nap_compose.border import UsageRow

USAGE_COLUMNS = (
    Column("CPU %"),
    Column("MEM USAGE / LIMIT", drop=2),
    Column("MEM %", drop=3),
    Column("NET I/O", drop=5),
    Column("BLOCK I/O", drop=6),
    Column("PIDS", drop=7),
)
EMBEDDED_COLUMNS = (Column("CONTAINER ID", drop=9), Column("NAME", least=10), *USAGE_COLUMNS)
CLUSTER_COLUMNS = (*WHOSE, *USAGE_COLUMNS)
FIELDS = ("CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")
HEADERS = {
    "ID": "CONTAINER ID",
    "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O",
}
UNKNOWN = "--"


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-a", "--all", "every", is_flag=True, help="Containers that don't run too")
@click.option("--no-stream", is_flag=True, help="Show it once and end")
@click.option("--no-trunc", is_flag=True, help="Cut nothing to fit the terminal")
@format_option()
@with_shared()
def stats(
    session: Session,
    *,
    targets: tuple[str, ...],
    every: bool,
    no_stream: bool,
    no_trunc: bool,
    form: Form,
) -> int:
    """Show what containers use of CPUs, memory, network and disks, until Ctrl-C.

    TARGET is a service where a file or -p gives the app, otherwise an app or app/service.
    """
    terminal, code = session.terminal, 0
    with session.control() as control:
        layout = _layout(control.whoami().owner, no_trunc)
        aimed = aimed_at(targets, control, session)
        screen = Redrawn(terminal, live=form.table and not no_stream)
        for looks, listing in enumerate(control.usage(chosen(aimed, stopped=every))):
            rows = [row for row in listing.rows if holds(aimed, row.of)]
            if not looks and not rows and not listing.warnings:
                refuse_missing(aimed, control, session)
            for warning in listing.warnings:
                terminal.warn_once(warning)
            width = None if no_trunc else terminal.out_width()
            screen.show(layout.lines(rows, form, terminal, width=width))
            if no_stream:
                code = nothing_seen(listing)
                break
    return code


def _layout(me: str, whole: bool) -> Layout:
    def cells(row: UsageRow) -> list[Cell | str]:
        found = _record(row, whole=whole)
        whose = whose_cells(row.of, me) if me else [found["ID"], found["Name"]]
        return [*whose, *(found[each] for each in FIELDS)]

    columns = CLUSTER_COLUMNS if me else EMBEDDED_COLUMNS
    return Layout(columns, cells, lambda row: _record(row, whole=whole), HEADERS)


def _record(row: UsageRow, *, whole: bool) -> Record:
    fields: dict[str, Any] = {
        "BlockIO": _both(row.read, row.written),
        "CPUPerc": UNKNOWN if row.cpu is None else f"{row.cpu:.2f}%",
        "Container": row.of.id,
        "ID": row.of.id if whole else row.of.id[:12],
        "MemPerc": f"{row.memory / row.limit * 100 if row.limit else 0:.2f}%",
        "MemUsage": f"{dockers.binary_size(row.memory)} / {dockers.binary_size(row.limit)}",
        "Name": row.of.name,
        "NetIO": _both(row.received, row.sent),
        "PIDs": str(row.processes),
    }
    if not row.running:
        empty = {"BlockIO": _none(2), "MemUsage": _none(2), "NetIO": _none(2)}
        fields |= empty | {"CPUPerc": UNKNOWN, "MemPerc": UNKNOWN, "PIDs": UNKNOWN}
    whose = {"Owner": row.of.owner, "App": row.of.app, "Service": row.of.service}
    return Record(fields | whose | {"Replica": row.of.replica, "Host": row.of.host})


def _both(one: int, other: int) -> str:
    return f"{dockers.decimal_size(one)} / {dockers.decimal_size(other)}"


def _none(count: int) -> str:
    return " / ".join([UNKNOWN] * count)
