"""`nap audit`: who did what, from where, and how it ended."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from nap_compose.cli.moments import moment
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.session import Session
from nap_compose.clock import written
from nap_compose.errors import WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import AuditRow, Control

COLUMNS = (
    Column("WHEN (UTC)"),
    Column("WHO", least=4),
    Column("DID", least=4),
    Column("APP", least=6, drop=2),
    Column("HOSTS", least=5, drop=3),
    Column("ENDED", least=6),
    Column("FROM", least=8, drop=4),
    Column("DETAIL", least=8, drop=1),
)
_COLOURS = {"done": "green", "refused": "red", "failed": "red", "begun": "yellow"}


@click.command()
@click.argument("verify", type=click.Choice(["verify"]), required=False, metavar="[verify]")
@click.option("--user", metavar="NAME", default="", help="Only what they did")
@click.option("--app", metavar="[OWNER/]APP", default="", help="Only what was done to it")
@click.option("--since", metavar="TIME", help="Not before: 2024-05-01T13:00:00Z or 42m (ago)")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=100, help="So many (100)")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def audit(
    session: Session,
    *,
    verify: str | None,
    user: str,
    app: str,
    since: str | None,
    limit: int,
    form: str,
) -> int:
    """List what was done, the newest last; also what was refused.

    An act that shows as begun has not ended yet, or was killed. `nap audit verify` checks that no
    row was changed or taken out since it was written, and ends with 1 where one was.
    """
    from nap_compose.border import AuditRequest

    after = moment(since)
    owner, _, name = app.rpartition("/")
    if app and (not name or "/" in owner):
        raise WrongUse(f"'{app}' is no app", hint="write it like shop or ada/shop")
    with session.control() as control:
        if verify:
            return _verified(session, control, form)
        wanted = AuditRequest(user, name, owner, _utc(after), limit)
        rows: tuple[AuditRow, ...] = control.audit(wanted).rows
    if form == "json":
        lines = [json.dumps([asdict(row) for row in rows])]
    else:
        terminal = session.terminal
        lines = table_on(terminal, COLUMNS, [_cells(row) for row in rows])
    for line in lines:
        session.terminal.say(line)
    return Exit.DONE


def _verified(session: Session, control: Control, form: str) -> int:
    found = control.verify_audit()
    if form == "json":
        session.terminal.say(json.dumps(asdict(found)))
    elif found.fault:
        session.terminal.say(plain(f"the audit trail isn't as it was written: {found.fault}"))
    else:
        head = f", the last one's hash is {found.head}" if found.head else ""
        session.terminal.say(f"{found.rows} rows, each as it was written{head}")
    return Exit.FAILED if found.fault else Exit.DONE


def _utc(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return written(datetime.fromtimestamp(seconds, timezone.utc))


def _cells(row: AuditRow) -> list[Cell | str]:
    return [
        row.at[:19].replace("T", " "),
        row.person,
        row.verb,
        row.app or "-",
        ", ".join(row.hosts) or "-",
        Cell(row.outcome, _COLOURS.get(row.outcome, "")),
        row.origin,
        "; ".join(line.strip() for line in row.detail.splitlines()),
    ]
