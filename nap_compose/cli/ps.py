"""`nap ps`: the containers of an app, or of every app of the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from nap_compose.cli.aimed import refuse_missing, services_in_file
from nap_compose.cli.appname import app_name
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.template.form import Form, format_option
from nap_compose.cli.session import Session, nothing_seen
from nap_compose.cli.targets import Aim, aim, settle

if TYPE_CHECKING:
    from nap_compose.border import Control, Row

STATES = ("paused", "restarting", "removing", "running", "dead", "created", "exited", "unknown")
ENDED = ("exited", "dead", "created")


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-a", "--all", "every", is_flag=True, help="Stopped containers too")
@click.option("-q", "--quiet", is_flag=True, help="The containers' ids alone")
@click.option("--services", is_flag=True, help="The services' names alone")
@click.option("--status", multiple=True, type=click.Choice(STATES), help="Only those in this state")
@click.option("--filter", "filters", multiple=True, metavar="status=STATE", help="As --status")
@format_option()
@click.option(
    "--orphans/--no-orphans", default=True, help="Also services that the file no longer has"
)
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
    form: Form,
    orphans: bool,
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
        if _misses(listing.rows, aimed) and not listing.warnings:
            refuse_missing(aimed, control, session)
        rows = _chosen(listing.rows, aimed, states, control, session)
    if not every:
        rows = [row for row in rows if not row.oneoff and (states or row.state not in ENDED)]
    if not orphans and app == aimed.app:
        declared = services_in_file(session)
        rows = [row for row in rows if row.service in declared]
    for warning in listing.warnings:
        session.terminal.warn(warning)
    if quiet:
        lines = [row.id for row in rows]
    elif services:
        lines = list(dict.fromkeys(row.service for row in rows))
    elif form.table:
        from nap_compose.cli.output.containers import as_table

        terminal = session.terminal
        width = None if no_trunc else terminal.out_width()
        lines = as_table(rows, me, terminal, whole=no_trunc, width=width)
    else:
        from nap_compose.cli.output.containers import HEADERS, record

        lines = form.lines([record(row, whole=no_trunc) for row in rows], HEADERS)
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


def _misses(rows: Sequence[Row], aimed: Aim) -> bool:
    """Whether something that was named has no row."""
    if not aimed.slots:
        return not rows
    return not all(
        any(slot.holds(row.service, row.replica) for row in rows) for slot in aimed.slots
    )


def _chosen(
    rows: Sequence[Row], aimed: Aim, states: frozenset[str], control: Control, session: Session
) -> list[Row]:
    """The rows that are meant; a service that has none must at least stand in the file."""
    if aimed.slots:
        aimed = settle(aimed, _known(rows, aimed, control, session))
    return [
        row
        for row in rows
        if aimed.holds(row.service, row.replica) and (not states or row.state in states)
    ]


def _known(rows: Sequence[Row], aimed: Aim, control: Control, session: Session) -> set[str]:
    known = {row.service for row in rows}
    if known.issuperset(aimed.services):
        return known
    whole = Aim(aimed.app, aimed.owner).target()  # the rows may be of one service alone
    known |= {row.service for row in control.ps(whole, stopped=True).rows}
    return known | services_in_file(session) if app_name(session) == aimed.app else known
