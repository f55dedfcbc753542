"""`nap whoami`: whom the cluster takes the caller for."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.text import plain

_BY = {
    "directory": "as the directory says",
    "system": "as the system says: no directory is set up",
    "service": "the account that holds the cluster's keys",
    "local": "without the directory, as one who may read the cluster's keys",
}


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def whoami(session: Session, form: str) -> None:
    """Show whom nap takes you for, and who says so."""
    with session.control() as control:
        who = control.whoami()
    if form == "json":
        session.terminal.say(json.dumps(asdict(who)))
        return
    session.terminal.say(f"{plain(who.name)} ({who.role}), {_BY[who.by]}")
    if who.owner and who.owner != who.name:
        session.terminal.say(f"apps: {who.owner}/...")
    if who.groups:
        session.terminal.say(f"groups: {', '.join(map(plain, who.groups))}")
