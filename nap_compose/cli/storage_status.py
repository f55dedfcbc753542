"""`nap storage status|release|init`: the storage as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import plain
from nap_compose.units import show_size

if TYPE_CHECKING:
    from nap_compose.border import StorageStatus

SERVERS = (
    Column("CHUNKSERVER", least=7),
    Column("HOST", least=4),
    Column("STATE", least=4),
    Column("USED", drop=2),
    Column("TOTAL", drop=3),
    Column("CHUNKS", drop=1),
)


@click.command()
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def status(session: Session, *, form: str) -> int:
    """Show how cluster storage is: room, copies, chunkservers, and which hosts reach it.

    Ends with 1 where something is wrong.
    """
    terminal = session.terminal
    with session.control() as control:
        found = control.storage_status()
    if form == "json":
        terminal.say(json.dumps(asdict(found)))
    else:
        _show(found, terminal)
    for problem in found.problems:
        terminal.warn(plain(problem))
    return Exit.FAILED if found.problems else Exit.DONE


def _show(found: StorageStatus, terminal: Terminal) -> None:
    terminal.say(f"master   {plain(found.master)}, MooseFS {plain(found.version)}")
    terminal.say(
        f"space    {show_size(found.free)} free of {show_size(found.total)} with all copies, "
        f"{show_size(found.trash)} in the trash"
    )
    terminal.say(
        f"chunks   {found.chunks}: {found.missing} missing, {found.endangered} endangered, "
        f"{found.undergoal} undergoal"
    )
    reached = [host for host, why in found.hosts.items() if not why]
    terminal.say(f"hosts    {len(reached)} of {len(found.hosts)} reach it")
    kept = "not known: nap storage init" if found.sustain is None else f"{found.sustain} s"
    terminal.say(f"locks    of a client that is gone are kept for {kept}")
    for client, left in found.lost.items():
        terminal.say(f"         {plain(client)} is gone, and keeps its locks for {left} s")
    rows: list[list[Cell | str]] = [
        [
            server.address,
            server.host or "-",
            Cell("up" if server.up else "away", "green" if server.up else "red"),
            show_size(server.used),
            show_size(server.total),
            str(server.chunks),
        ]
        for server in found.servers
    ]
    terminal.say("")
    for line in table_on(terminal, SERVERS, rows):
        terminal.say(line)


@click.command()
@click.argument("host", metavar="HOST")
@with_shared()
def release(session: Session, *, host: str) -> int:
    """End the sessions, and with them the file locks, of a host that is proved to be gone.

    The proof is that it was fenced, or that somebody said so: `nap host confirm-lost HOST`.
    """
    with session.control() as control:
        ended = control.release_locks(host)
    for mount in ended:
        session.terminal.say(f"{plain(host)}: the session of its mount at {plain(mount)} is ended")
    if not ended:
        session.terminal.say(f"{plain(host)} has no session that could be ended")
    return Exit.DONE


@click.command()
@click.option("-n", "--dry-run", is_flag=True, help="Only look, and say what is to be done")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def init(session: Session, *, dry_run: bool, form: str) -> int:
    """Set cluster storage up: do what can be done from here, and say what is left to do.

    Ends with 1 where something is left.
    """
    terminal = session.terminal
    with session.control() as control:
        found = control.set_up_storage(change=not dry_run)
    if form == "json":
        terminal.say(json.dumps(asdict(found)))
    for point in found.points if form != "json" else ():
        word, colour = ("ok", "green") if point.good else ("todo", "red")
        told = f" ({plain(point.told)})" if point.told else ""
        terminal.say(f"{terminal.out_style(f'{word:4}', colour)}  {plain(point.what)}{told}")
        for line in point.todo:
            terminal.say(f"      {plain(line)}")
    return Exit.DONE if found.good else Exit.FAILED
