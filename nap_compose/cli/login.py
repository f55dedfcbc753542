"""`nap login`: a session on the cluster, for a name and a password of its directory."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.passwords import read_password
from nap_compose.cli.session import Session
from nap_compose.errors import WrongUse
from nap_compose.text import plain


@click.command()
@click.argument("name", required=False)
@click.option("--password-stdin", is_flag=True, help="Take the password from standard input")
@click.option(
    "--local",
    is_flag=True,
    help="Without the directory, as an admin who may read the cluster's keys",
)
@with_shared()
def login(session: Session, name: str | None, password_stdin: bool, local: bool) -> None:
    """Begin a session on the cluster.

    Asks for what isn't given. NAP_USER gives the name, NAP_PASSWORD_FILE the file with the
    password.
    """
    from nap_compose.control.connect import remember

    if local and (name or password_stdin):
        raise WrongUse("--local asks for neither a name nor a password")
    with session.control() as control:
        if local:
            begun = control.login_locally()
        else:
            name = name or session.env.get("NAP_USER") or _asked_name()
            password = read_password(
                session.env, "NAP_PASSWORD_FILE", name, from_stdin=password_stdin
            )
            begun = control.login(name, password)
    remember(session.options.cluster or None, session.env, begun.token)
    until = datetime.fromtimestamp(begun.ends).strftime("%H:%M")
    session.terminal.say(f"you are {plain(begun.who.name)} ({begun.who.role}), until {until}")
    if local:
        session.terminal.warn("the directory was not asked; what you do is recorded as an admin's")


def _asked_name() -> str:
    if not sys.stdin.isatty():
        raise WrongUse("whose session?", hint="nap login NAME, or set NAP_USER")
    print("Name: ", end="", file=sys.stderr, flush=True)
    name = sys.stdin.readline().strip()
    if not name:
        raise WrongUse("no name was given", hint="nap login NAME")
    return name
