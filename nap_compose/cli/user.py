"""`nap user`: who uses the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Column, table_on
from nap_compose.cli.session import Session
from nap_compose.errors import WrongUse
from nap_compose.text import nearest, plain

if TYPE_CHECKING:
    from nap_compose.border import AppRow, QuotaRow, UserRow

user = LazyGroup(
    "user",
    table={
        "ls": ("nap_compose.cli.user:ls", "List who has logged in"),
        "show": ("nap_compose.cli.user:show", "Show one user, with apps and quotas"),
        "offboard": ("nap_compose.cli.offboard:offboard", "See to what somebody who leaves has"),
    },
    help="See who uses the cluster, and to what somebody who leaves has.",
)

COLUMNS = (
    Column("USER", least=4),
    Column("NAME", least=4, drop=3),
    Column("ROLE"),
    Column("GROUPS", least=6, drop=2),
    Column("LAST SEEN (UTC)", drop=1),
)


@click.command("ls")
@click.option("-q", "--quiet", is_flag=True, help="The users' names alone")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def ls(session: Session, quiet: bool, form: str) -> None:
    """List everybody who has logged in; who is no admin sees themselves."""
    with session.control() as control:
        rows: tuple[UserRow, ...] = control.users().rows
    if quiet:
        lines = [plain(row.user) for row in rows]
    elif form == "json":
        lines = [json.dumps([asdict(row) for row in rows])]
    else:
        terminal = session.terminal
        lines = table_on(
            terminal,
            COLUMNS,
            [
                [
                    row.user,
                    row.name,
                    row.role,
                    ", ".join(row.groups) or "-",
                    row.last_seen[:16].replace("T", " "),
                ]
                for row in rows
            ],
        )
    for line in lines:
        session.terminal.say(line)


@click.command()
@click.argument("name", metavar="USER")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def show(session: Session, name: str, form: str) -> None:
    """Show one user: role and groups, apps that have containers, and quotas."""
    from nap_compose.border import owner_of

    with session.control() as control:
        rows: tuple[UserRow, ...] = control.users().rows
        found = next((row for row in rows if row.user in (name, owner_of(name))), None)
        if found is None:
            near = nearest(name, [row.user for row in rows])
            raise WrongUse(
                f"nobody called {name} has logged in",
                hint=f"did you mean {near}?" if near else "nap user ls lists who has",
            )
        apps = control.apps()
        mine = [row for row in apps.rows if row.owner == found.user]
        quotas = control.quotas(found.user).rows
    for warning in apps.warnings:
        session.terminal.warn(warning)
    if form == "json":
        told = {**asdict(found), "apps": [asdict(row) for row in mine]}
        session.terminal.say(json.dumps({**told, "quotas": [asdict(row) for row in quotas]}))
        return
    for line in _told(found, mine, quotas):
        session.terminal.say(plain(line))


def _told(found: UserRow, apps: list[AppRow], quotas: tuple[QuotaRow, ...]) -> Iterator[str]:
    from nap_compose.border import show_amount

    yield f"user      {found.user}" + (f" ({found.name})" if found.name != found.user else "")
    yield f"role      {found.role}"
    yield f"groups    {', '.join(found.groups) or 'none'}"
    yield f"seen      {found.last_seen}, first {found.first_seen}"
    for app in apps:
        yield f"app       {app.app}: {app.running} of {app.containers} containers run"
    for row in quotas:
        most = "any amount" if row.most is None else show_amount(row.resource, row.most)
        yield f"quota     {row.resource}: {show_amount(row.resource, row.used)} of {most}"
