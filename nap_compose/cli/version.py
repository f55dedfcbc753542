"""`nap version`."""

from __future__ import annotations

import json
import platform

import click

import nap_compose
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.option("--short", is_flag=True, help="The number alone")
@click.option("-f", "--format", "form", type=click.Choice(["pretty", "json"]), default="pretty")
@with_shared(short_file=False)
def version(session: Session, short: bool, form: str) -> None:
    """Show nap's version. No host is asked."""
    number = nap_compose.__version__
    if form == "json":
        session.terminal.say(json.dumps({"version": number, "python": platform.python_version()}))
    elif short:
        session.terminal.say(number)
    else:
        session.terminal.say(f"nap {number} (Python {platform.python_version()})")
