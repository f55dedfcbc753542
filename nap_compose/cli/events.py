"""`nap events`: what happens to containers, on every host, as it happens."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from nap_compose.cli.aimed import aimed_at, chosen, holds, refuse_missing
from nap_compose.cli.moments import moment
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.template.values import Record, as_json
from nap_compose.cli.session import Session
from nap_compose.errors import WrongUse
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import EventRow


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--json", "in_json", is_flag=True, help="Each event as a line of JSON")
@click.option("--since", metavar="TIME", help="From then on: 2024-05-01T13:00:00Z or 42m (ago)")
@click.option("--until", metavar="TIME", help="End then")
@with_shared()
def events(
    session: Session,
    *,
    targets: tuple[str, ...],
    in_json: bool,
    since: str | None,
    until: str | None,
) -> None:
    """Show what happens to containers, from every host, in the order of time, until Ctrl-C.

    TARGET is a service where a file or -p gives the app, otherwise an app or app/service.
    """
    from nap_compose.border import EventRequest

    after, before = moment(since), moment(until)
    if after is None and before is not None and before <= time.time():
        raise WrongUse(
            f"--until {until} has passed, and only what happens from now on is shown",
            hint=f"say from when on, too: --since 1h --until {until}",
        )
    with session.control() as control:
        on_cluster = bool(control.whoami().owner)
        aimed = aimed_at(targets, control, session)
        refuse_missing(aimed, control, session)
        request = EventRequest(chosen(aimed, stopped=True), after, before)
        for row in control.happenings(request, session.terminal.warn):
            if holds(aimed, row.of):
                line = as_json(_record(row)) if in_json else _text(row, on_cluster)
                session.terminal.say(line)
                session.terminal.flush()


def _text(row: EventRow, on_cluster: bool) -> str:
    """Compose's way: when, what, whose, and the rest in brackets."""
    seconds, rest = divmod(row.at, 1_000_000_000)
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    attributes = dict(row.attributes) | ({"host": row.of.host} if on_cluster else {})
    listed = ", ".join(f"{key}={attributes[key]}" for key in sorted(attributes))
    text = f"container {row.action} {row.of.id} ({listed})"
    return f"{when}.{rest // 1000:06d} {plain(text)}"


def _record(row: EventRow) -> Record:
    seconds, rest = divmod(row.at, 1_000_000_000)
    when = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return Record(
        action=row.action,
        attributes=dict(row.attributes),
        id=row.of.id,
        service=row.of.service,
        time=f"{when}.{rest:09d}".rstrip("0").rstrip(".") + "Z",
        type="container",
        owner=row.of.owner,
        app=row.of.app,
        replica=row.of.replica,
        host=row.of.host,
    )
