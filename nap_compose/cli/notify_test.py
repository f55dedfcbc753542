"""`nap notify test`: a notice to each of those whom the cluster file names."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import plain


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def test(session: Session, names: tuple[str, ...], form: str) -> int:
    """Send a notice that says it is a test to each of `notify` in the cluster file, or to some.

    It ends with 1 where one of them wasn't reached.
    """
    from nap_compose.border import NotifyTest

    with session.control() as control:
        rows = control.try_notify(NotifyTest(names)).rows
    for row in rows:
        if form == "json":
            session.terminal.say(json.dumps(asdict(row)))
        else:
            how = f"wasn't told: {plain(row.problem)}" if row.problem else "was told"
            session.terminal.say(f"{row.name} ({row.way}) {how}")
    return Exit.FAILED if any(row.problem for row in rows) else Exit.DONE
