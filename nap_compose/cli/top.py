"""`nap top`: the processes in containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.aimed import aimed_at, chosen, holds, refuse_missing
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.listed import Layout
from nap_compose.cli.output.table import Column
from nap_compose.cli.output.template.form import Form, format_option
from nap_compose.cli.output.template.values import Record
from nap_compose.cli.session import Session, nothing_seen

if TYPE_CHECKING:
    from nap_compose.border import ProcessesRow

LAST = "CMD"
"""The column that says most, and may be long."""
LEAST_FIRST = ("PID", "UID", "TIME", "PPID", "STIME", "TTY", "C")
"""The others; those that say least are at the end."""


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@format_option()
@with_shared()
def top(session: Session, *, targets: tuple[str, ...], form: Form) -> int:
    """List the processes that run in containers.

    TARGET is a service where a file or -p gives the app, otherwise an app or app/service.
    """
    terminal = session.terminal
    with session.control() as control:
        on_cluster = bool(control.whoami().owner)
        aimed = aimed_at(targets, control, session)
        listing = control.processes(chosen(aimed))
        if not listing.rows and not listing.warnings:
            refuse_missing(aimed, control, session)
    rows = [row for row in listing.rows if holds(aimed, row.of)]
    for warning in listing.warnings:
        terminal.warn(warning)
    titles = list(dict.fromkeys(title for row in rows for title in row.titles))
    found = [(row, process) for row in rows for process in row.processes]
    layout = Layout(
        _columns(titles, on_cluster),
        lambda one: _cells(one[0], one[1], titles, on_cluster),
        lambda one: _record(*one),
    )
    for line in layout.lines(found, form, terminal, width=terminal.out_width()):
        terminal.say(line)
    return nothing_seen(listing)


def _columns(titles: Sequence[str], on_cluster: bool) -> list[Column]:
    """The engine's own; on a narrow terminal what says least goes first."""
    whose = [Column("SERVICE", least=7), Column("#")]
    if on_cluster:
        whose = [Column("APP", least=6, drop=3), *whose, Column("HOST", drop=1)]
    told = [
        Column(title, least=12) if title == LAST else Column(title, drop=_dispensable(title))
        for title in titles
    ]
    return [*whose, *told]


def _dispensable(title: str) -> int:
    return 2 + 2 * LEAST_FIRST.index(title) if title in LEAST_FIRST else 2


def _cells(
    row: ProcessesRow, process: Sequence[str], titles: Sequence[str], on_cluster: bool
) -> list[str]:
    told = dict(zip(row.titles, process, strict=False))
    whose = [row.of.service, str(row.of.replica or "")]
    if on_cluster:
        whose = [row.of.app, *whose, row.of.host]
    return [*whose, *(told.get(title, "-") for title in titles)]


def _record(row: ProcessesRow, process: Sequence[str]) -> Record:
    fields: dict[str, Any] = {
        "Service": row.of.service,
        "Replica": row.of.replica,
        "Container": row.of.name,
        "Owner": row.of.owner,
        "App": row.of.app,
        "Host": row.of.host,
        **dict(zip(row.titles, process, strict=False)),
    }
    return Record(fields)
