"""`nap cluster init`: from hosts with an engine each to a cluster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from nap_compose.cli import losing
from nap_compose.cli.doctor import show
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.errors import NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Founded, FoundRequest

NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
"""A host's name, as a label of DNS (RFC 1123, 2.1)."""


@click.command()
@click.argument("hosts", nargs=-1, metavar="NAME=ADDRESS…")
@click.option("--name", metavar="NAME", default="cluster", help="The cluster's name (cluster)")
@click.option("--dir", "folder", metavar="DIR", help="Where its files go (/etc/nap)")
@click.option("--ssh", is_flag=True, help="Set the hosts up over ssh")
@click.option("--user", metavar="USER", default="root", help="Whom ssh logs in as (root)")
@click.option("--restart", is_flag=True, help="With --ssh: restart their engines")
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@with_shared()
def init(
    session: Session,
    *,
    hosts: tuple[str, ...],
    name: str,
    folder: str | None,
    ssh: bool,
    user: str,
    restart: bool,
    yes: bool,
) -> int:
    """Make a cluster of hosts that have a Docker engine each.

    It makes a certificate authority and the certificates, has each engine listen on TLS (over ssh,
    or with commands that it prints), joins the engines in a swarm for its networks, and writes the
    cluster file. Without hosts it makes what they need; `nap host add` brings each in. Run again it
    goes on where it was, and renews certificates that end soon.
    """
    from nap_compose.border import ETC, DoctorRequest, FoundRequest, Grade
    from nap_compose.control.connect import founder

    if restart and not ssh:
        raise WrongUse("--restart needs --ssh", hint="without it, nap prints what to run")
    terminal = session.terminal
    request = FoundRequest(
        name, _addresses(hosts), folder or ETC, f"{user}@" if ssh else None, restart
    )
    if restart and not yes:
        _ask(request, terminal)
    founded = founder(session.env).found(request, lambda text: terminal.tell(plain(text)))
    if not founded.hosts:
        terminal.say(f"a cluster without hosts yet: {plain(founded.file)}")
        if (folder or ETC) != ETC:
            terminal.say(f"export NAP_CLUSTER={plain(founded.file)}")
        terminal.say("next, for each host: nap host add NAME --via ssh://USER@ADDRESS")
        return Exit.DONE
    if not founded.complete:
        _tell_what_is_left(founded, terminal)
        return Exit.PARTIAL
    control = session.connect(founded.file, session.env)
    try:
        findings = control.check_up(DoctorRequest(), _NeverCancelled())
    finally:
        control.close()
    show(list(findings), terminal)
    terminal.say(f"the cluster is made: {plain(founded.file)}")
    if (folder or ETC) != ETC:
        terminal.say(f"use it with: export NAP_CLUSTER={plain(founded.file)}")
    return Exit.FAILED if any(each.grade is Grade.FAULT for each in findings) else Exit.DONE


class _NeverCancelled:
    level = 0


def _addresses(words: tuple[str, ...]) -> dict[str, str]:
    """`h1=10.0.0.11` …; raises WrongUse for what isn't so."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, address = word.partition("=")
        if not equals or not address:
            raise WrongUse(f"'{word}' has no address", hint=f"write it as {name or 'h1'}=10.0.0.11")
        if not NAME.fullmatch(name):
            raise WrongUse(
                f"'{name}' can't be a host's name",
                hint="letters a to z, digits and `-` between them",
            )
        if name in found:
            raise WrongUse(f"host {name} is named twice")
        found[name] = address
    return found


def _ask(request: FoundRequest, terminal: Terminal) -> None:
    if not losing.somebody_is_there(terminal):
        raise NapError(
            "engines would be restarted, and nobody is there to agree",
            hint="say so with -y",
            exit_code=Exit.UNANSWERED,
        )
    listed = plain(", ".join(request.hosts)) or "the cluster's hosts"
    question = (
        f"Set up {listed} and restart their engines? Their containers run on, but those of engines "
        "that are in a swarm already stop and are started again."
    )
    if not losing.agreed(question, terminal):
        raise NapError("nothing was done", exit_code=Exit.UNANSWERED)


def _tell_what_is_left(founded: Founded, terminal: Terminal) -> None:
    for host in founded.hosts:
        terminal.say(f"{plain(host.name)}: {plain(host.text)}")
        for command in host.commands:
            terminal.say(f"    {plain(command)}")
    terminal.say("then run `nap cluster init` again")
