"""`nap share` and `nap unshare`: let others at an app, or no longer."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Column, table_on
from nap_compose.cli.session import Session
from nap_compose.cli.targets import aim
from nap_compose.errors import WrongUse
from nap_compose.text import plain

COLUMNS = (
    Column("APP", least=8),
    Column("WITH", least=6),
    Column("MAY", least=7),
    Column("BY", least=4, drop=2),
    Column("SINCE", least=10, drop=1),
)


@click.command()
@click.argument("app", required=False)
@click.argument("grantee", required=False, metavar="[USER|@GROUP]")
@click.option("--operate", is_flag=True, help="They may change it too, and look into containers")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def share(
    session: Session, *, app: str | None, grantee: str | None, operate: bool, form: str
) -> None:
    """Let a user or a group view an app, or with --operate change it.

    Without one, shows who may do what with APP, or with each of your apps.
    """
    from nap_compose.border import ShareRequest, Target

    with session.control() as control:
        if app and grantee:
            aimed = aim((app,), None, control)
            if aimed.slots:
                raise WrongUse(f"'{app}' is no app", hint="an app is shared as a whole")
            access = "operate" if operate else "view"
            control.share(ShareRequest(aimed.target(), grantee, access))
            return
        if operate:
            raise WrongUse("with whom?", hint="nap share APP USER --operate")
        target = aim((app,), None, control).target() if app else Target()
        rows = control.shares(target).rows
    if form == "json":
        session.terminal.say(json.dumps([asdict(row) for row in rows]))
        return
    cells = [
        [f"{row.owner}/{row.app}", plain(row.grantee), row.access, plain(row.author), row.created]
        for row in rows
    ]
    terminal = session.terminal
    for line in table_on(terminal, COLUMNS, cells):
        terminal.say(line)


@click.command()
@click.argument("app")
@click.argument("grantee", metavar="USER|@GROUP")
@with_shared()
def unshare(session: Session, app: str, grantee: str) -> None:
    """Take back what a user or a group may do with an app."""
    from nap_compose.border import ShareRequest

    with session.control() as control:
        control.share(ShareRequest(aim((app,), None, control).target(), grantee))
