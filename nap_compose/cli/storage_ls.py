"""`nap storage ls|du|orphans`: what lies on cluster storage."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import plain
from nap_compose.units import show_duration, show_size

if TYPE_CHECKING:
    from nap_compose.border import StoredRow, Target

LISTED = (
    Column("VOLUME", least=10),
    Column("COPIES"),
    Column("HOLDS"),
    Column("QUOTA", drop=1),
    Column("FILES", drop=3),
    Column("ON HOSTS", least=8, drop=2),
    Column("SNAPSHOTS", least=9, drop=4),
)
TAKEN = (
    Column("VOLUME", least=10),
    Column("HOLDS"),
    Column("ON DISKS"),
    Column("FILES"),
    Column("SNAPSHOTS", least=9, drop=1),
)
REMOVED = (Column("VOLUME", least=10), Column("COPIES"), Column("CAN COME BACK FOR", least=8))

Show = Callable[["StoredRow", str], "list[Cell | str]"]


@click.command()
@click.argument("target", required=False, default="", metavar="[[OWNER/]APP[/VOLUME]]")
@click.option("--removed", is_flag=True, help="What was removed, and can be brought back")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def ls(session: Session, *, target: str, removed: bool, form: str) -> int:
    """List volumes on cluster storage: your own, for admins everybody's."""
    if removed:
        return _list(session, target, form, REMOVED, _gone, removed=True)
    return _list(session, target, form, LISTED, _cells)


@click.command()
@click.argument("target", required=False, default="", metavar="[[OWNER/]APP[/VOLUME]]")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def du(session: Session, *, target: str, form: str) -> int:
    """Show what volumes hold, and what all copies of it take on disks."""
    return _list(session, target, form, TAKEN, _taken, usage=True)


@click.command()
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def orphans(session: Session, *, form: str) -> int:
    """List volumes and snapshots of which no host has anything any more.

    `nap storage rm` removes one.
    """
    return _list(session, "", form, TAKEN, _taken, orphans=True)


def _list(
    session: Session, word: str, form: str, columns: Iterable[Column], cells: Show, **which: bool
) -> int:
    from nap_compose.border import StoredRequest

    terminal = session.terminal
    target, key = _aimed(word)
    with session.control() as control:
        me = control.whoami().owner
        listing = control.stored(StoredRequest(target, key, **which))
    for warning in listing.warnings:
        terminal.warn(warning)
    if form == "json":
        lines = [json.dumps(asdict(row)) for row in listing.rows]
    else:
        lines = table_on(terminal, tuple(columns), [cells(row, me) for row in listing.rows])
    for line in lines:
        terminal.say(line)
    return Exit.DONE


def _aimed(word: str) -> tuple[Target, str]:
    """`APP`, `APP/VOLUME` or `OWNER/APP/VOLUME`; nothing: everything."""
    from nap_compose.border import Target

    if not word:
        return Target(), ""
    if "/" not in word:
        return Target(word), ""
    from nap_compose.cli.storage import named

    owner, app, key = named(word)
    return Target(app, owner), key


def called(row: StoredRow, me: str) -> str:
    """`APP/VOLUME`, of others with the owner in front."""
    own = row.owner == me
    return plain(f"{row.app}/{row.key}" if own else f"{row.owner}/{row.app}/{row.key}")


def _cells(row: StoredRow, me: str) -> list[Cell | str]:
    limit = f" of {row.max_files}" if row.max_files else ""
    return [
        called(row, me),
        str(row.goal) if row.goal else "removed",
        show_size(row.length),
        show_size(row.quota) if row.quota else "-",
        f"{row.inodes}{limit}",
        ", ".join(row.hosts) or "-",
        ", ".join(map(plain, row.snapshots)) or "-",
    ]


def _taken(row: StoredRow, me: str) -> list[Cell | str]:
    return [
        called(row, me),
        show_size(row.length),
        show_size(row.real),
        str(row.inodes),
        ", ".join(map(plain, row.snapshots)) or "-",
    ]


def _gone(row: StoredRow, me: str) -> list[Cell | str]:
    return [called(row, me), str(row.goal), show_duration(max(0.0, row.until - time.time()))]
