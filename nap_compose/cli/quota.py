"""`nap quota`: how much users and groups may use, and what they use."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.session import Session, nothing_seen
from nap_compose.errors import WrongUse
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import QuotaRow

quota = LazyGroup(
    "quota",
    table={
        "show": ("nap_compose.cli.quota:show", "Show what may be used, and what is"),
        "set": ("nap_compose.cli.quota:set_", "Limit a user, a group or everybody"),
        "unset": ("nap_compose.cli.quota:unset", "Take back limits that were set"),
    },
    help="Show and set how much users and groups may use.",
)

COLUMNS = (
    Column("WHO", least=4),
    Column("RESOURCE"),
    Column("USED"),
    Column("OF"),
)
EVERYBODY = "everybody"
_ADVICE = "write it like containers=20 cpus=4 memory=8g ports=10 volumes=10 storage=100g"


@click.command()
@click.argument("who", required=False, metavar="[USER|@GROUP]")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def show(session: Session, who: str | None, form: str) -> int:
    """Show limits and what is used of them: an admin everybody's, others their own and those of
    their groups.

    A group's limit is for all its members together.
    """
    with session.control() as control:
        listing = control.quotas(_subject(who) if who else "")
    rows: tuple[QuotaRow, ...] = listing.rows
    for warning in listing.warnings:
        session.terminal.warn(warning)
    if form == "json":
        lines = [json.dumps([asdict(row) for row in rows])]
    else:
        terminal = session.terminal
        lines = table_on(terminal, COLUMNS, [_cells(row) for row in rows])
    for line in lines:
        session.terminal.say(line)
    return nothing_seen(listing)


@click.command("set")
@click.argument("who", metavar="USER|@GROUP|everybody")
@click.argument("limits", nargs=-1, required=True, metavar="RESOURCE=AMOUNT...")
@with_shared()
def set_(session: Session, who: str, limits: tuple[str, ...]) -> None:
    """Limit what a user may use, a group all together, or each user who has no limit of their own.

    RESOURCE is containers, cpus, memory, ports, volumes or storage; the AMOUNT unlimited lifts a
    limit that everybody has. What runs already goes on, whatever it uses.
    """
    from nap_compose.border import QuotaChange

    change = QuotaChange(_subject(who), dict(map(_limit, limits)))
    with session.control() as control:
        control.set_quota(change)
    for word in limits:
        session.terminal.say(plain(f"{who}: {word}"))


@click.command()
@click.argument("who", metavar="USER|@GROUP|everybody")
@click.argument("resources", nargs=-1, required=True, metavar="RESOURCE...")
@with_shared()
def unset(session: Session, who: str, resources: tuple[str, ...]) -> None:
    """Take back limits that were set by command; what the cluster file says counts again."""
    from nap_compose.border import QuotaChange

    for resource in resources:
        _limit(f"{resource}=0")
    with session.control() as control:
        control.set_quota(QuotaChange(_subject(who), dict.fromkeys(resources)))
    session.terminal.say(plain(f"{who}: as the cluster file says: {', '.join(resources)}"))


def _subject(who: str) -> str:
    from nap_compose.border import owner_of

    if who in (EVERYBODY, "*"):
        return "*"
    return who if who.startswith("@") else owner_of(who)


def _limit(word: str) -> tuple[str, int]:
    from nap_compose.border import read_amount

    resource, equals, text = word.partition("=")
    if not equals:
        raise WrongUse(f"'{word}' is no limit", hint=_ADVICE)
    try:
        return resource, read_amount(resource, text)
    except ValueError as error:
        raise WrongUse(str(error), hint=_ADVICE) from None


def _cells(row: QuotaRow) -> list[Cell | str]:
    from nap_compose.border import show_amount

    most = "unlimited" if row.most is None else show_amount(row.resource, row.most)
    used = show_amount(row.resource, row.used) if row.whole else "-"
    full = row.most is not None and row.whole and row.used >= row.most
    who = EVERYBODY if row.subject == "*" else row.subject
    return [who, row.resource, Cell(used, "yellow" if full else ""), most]
