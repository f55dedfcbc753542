"""`nap cluster check`: whether a cluster file is valid, and what may stand in one."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.text import plain


@click.command()
@click.argument("named", required=False, metavar="[FILE]")
@click.option("--example", is_flag=True, help="Print a file with every key, and what each means")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing where all is right")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def check(session: Session, *, named: str | None, example: bool, quiet: bool, form: str) -> None:
    """Check a cluster file: every fault, with its line and column.

    Without FILE it is the cluster's own. No host is asked, and no file read that it names.
    """
    from nap_compose.control.connect import check_file, example_file, own_file

    terminal = session.terminal
    if example:
        terminal.say(example_file().rstrip("\n"))
        return
    found = check_file(named or own_file(session.options.cluster or None, session.env))
    if form == "json":
        terminal.say(json.dumps(asdict(found)))
    elif not quiet:
        listed = plain(", ".join(found.hosts))
        terminal.say(f"{plain(found.file)} is valid: cluster {plain(found.name)}, hosts {listed}")
