"""`nap registry`: what nap logs in to registries with for your apps."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Column, table_on
from nap_compose.cli.session import Session
from nap_compose.errors import WrongUse
from nap_compose.text import plain

registry = LazyGroup(
    "registry",
    table={
        "login": ("nap_compose.cli.registry:login", "Keep a login at a registry"),
        "logout": ("nap_compose.cli.registry:logout", "Forget a login at a registry"),
        "ls": ("nap_compose.cli.registry:ls", "List the logins that are kept"),
    },
    help="Logins at registries, with which hosts pull the images of your apps.",
)

COLUMNS = (
    Column("USER", least=4),
    Column("REGISTRY", least=8),
    Column("AS", least=2),
    Column("SINCE (UTC)", drop=1),
)


@click.command()
@click.argument("name", metavar="REGISTRY")
@click.option("-u", "--username", default="", help="Your name at the registry")
@click.option("--password-stdin", is_flag=True, help="Take the password from standard input")
@with_shared()
def login(session: Session, name: str, username: str, password_stdin: bool) -> None:
    """Keep a login at a registry, such as registry.example:5000 or docker.io.

    The registry is asked whether it takes it. It is kept encrypted, for your apps alone. Asks for
    what isn't given; NAP_REGISTRY_PASSWORD_FILE may name the file with the password. A token that
    may only pull does, and is better kept than a password.
    """
    from nap_compose.border import RegistryLogin
    from nap_compose.cli.passwords import read_password

    username = username or _asked_name()
    password = read_password(
        session.env, "NAP_REGISTRY_PASSWORD_FILE", username, from_stdin=password_stdin
    )
    if not password:
        raise WrongUse("no password was given")
    with session.control() as control:
        registry = control.log_in_at_registry(RegistryLogin(name, username, password))
    session.terminal.say(plain(f"your apps pull from {registry} as {username} now"))


@click.command()
@click.argument("name", metavar="REGISTRY")
@with_shared()
def logout(session: Session, name: str) -> None:
    """Forget your login at a registry. Images that are on the hosts stay there."""
    with session.control() as control:
        registry = control.log_out_of_registry(name)
    session.terminal.say(plain(f"your login at {registry} is forgotten"))


@click.command("ls")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@with_shared()
def ls(session: Session, form: str) -> None:
    """List your logins at registries; an admin sees everybody's. No password is shown."""
    with session.control() as control:
        rows = control.registry_logins().rows
    terminal = session.terminal
    if form == "json":
        terminal.say(json.dumps([asdict(row) for row in rows]))
        return
    cells = [
        [row.user, row.registry, plain(row.name), row.changed[:16].replace("T", " ")]
        for row in rows
    ]
    for line in table_on(terminal, COLUMNS, cells):
        terminal.say(line)


def _asked_name() -> str:
    if not sys.stdin.isatty():
        raise WrongUse("under which name?", hint="nap registry login REGISTRY -u NAME")
    return str(click.prompt("Username", err=True))
