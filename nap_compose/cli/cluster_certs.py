"""`nap cluster certs`: when certificates end, and new ones while the cluster works."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli import losing
from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Cell, Column, table_on
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import CertificateRow, Renewed

certs = LazyGroup(
    "certs",
    table={
        "ls": ("nap_compose.cli.cluster_certs:ls", "List certificates and when they end"),
        "renew": ("nap_compose.cli.cluster_certs:renew", "Renew those that end soon"),
    },
    help="Look at the cluster's certificates, and renew them.",
)

COLUMNS = (
    Column("WHOSE", least=5),
    Column("WHAT", least=8, drop=2),
    Column("ENDS", least=10, drop=1),
    Column("DAYS", least=4),
)


@click.command("ls")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def ls(session: Session, form: str) -> int:
    """List certificates, and how many days are left: of engines, nap, CA, Consul, MySQL and LDAP.

    It ends with 1 where one has ended.
    """
    from nap_compose.control.connect import founder, own_file

    terminal = session.terminal
    file = own_file(session.options.cluster or None, session.env)
    rows = founder(session.env).certificates(file)
    if form == "json":
        for row in rows:
            terminal.say(json.dumps(asdict(row)))
    else:
        cells = [_cells(row) for row in rows]
        for line in table_on(terminal, COLUMNS, cells):
            terminal.say(line)
        for row in rows:
            if row.remedy:
                terminal.warn(f"{row.subject}, {row.what}: {row.remedy}")
    return Exit.FAILED if any(row.ends and row.days < 0 for row in rows) else Exit.DONE


@click.command("renew")
@click.argument("hosts", nargs=-1, metavar="[HOST...]")
@click.option("--ca", is_flag=True, help="A new CA, and with it all that it signs")
@click.option("--restart", is_flag=True, help="Restart engines that show an old one, in turn")
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@with_shared()
def renew(session: Session, *, hosts: tuple[str, ...], ca: bool, restart: bool, yes: bool) -> int:
    """Renew certificates that end within 60 days, and those of the HOSTs named.

    nap's own is shown at once. An engine's lies ready on its host and is shown from the engine's
    next start on; no container stops. With --restart that is now, host by host, and asks: what runs
    there is stopped and started again. Two CAs are trusted in between. It can be run again.
    """
    from nap_compose.border import RenewRequest
    from nap_compose.control.connect import founder, own_file

    terminal = session.terminal
    file = own_file(session.options.cluster or None, session.env)
    request = RenewRequest(file, hosts, ca, restart)
    founding = founder(session.env)
    if restart and not yes:
        _ask(founding.to_restart(request), terminal)
    renewed = founding.renew(request, lambda text: terminal.tell(plain(text)))
    _tell(renewed, terminal)
    return Exit.PARTIAL if renewed.commands else Exit.DONE


def _cells(row: CertificateRow) -> list[Cell | str]:
    colour = "red" if row.days < 0 or not row.ends else "yellow" if row.remedy else "green"
    days = "ended" if row.ends and row.days < 0 else str(row.days) if row.ends else "-"
    return [row.subject, row.what, row.ends[:10] or "-", Cell(days, colour)]


def _ask(restarted: Mapping[str, tuple[str, ...]], terminal: Terminal) -> None:
    if not restarted:
        return
    for host, containers in restarted.items():
        runs = plain(", ".join(containers)) or "nothing that nap can see"
        terminal.tell(f"{plain(host)}: its engine is restarted; stopped and started again: {runs}")
    if not losing.somebody_is_there(terminal):
        raise NapError(
            f"engines would be restarted ({', '.join(restarted)}), and nobody is there to agree",
            hint="nothing was done. Say so with -y, or leave --restart out",
            exit_code=Exit.UNANSWERED,
        )
    if not losing.agreed("Restart them, one after another?", terminal):
        raise NapError("nothing was done", exit_code=Exit.UNANSWERED)


def _tell(renewed: Renewed, terminal: Terminal) -> None:
    for host, commands in renewed.commands.items():
        terminal.tell(f"nap has no ssh to {plain(host)}; run this:")
        for command in commands:
            terminal.say(plain(command))
    if renewed.waiting:
        listed = plain(", ".join(renewed.waiting))
        terminal.say(f"{listed}: the new one is shown from the engine's next start on")
        terminal.tell("nap cluster certs renew --restart does that now, and stops containers by it")
    if not renewed.complete:
        terminal.tell("once engines have started again, the same command goes on")
    elif not renewed.waiting and not renewed.commands:
        terminal.say("all certificates are as they should be")
