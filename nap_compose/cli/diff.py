"""`nap diff`: what one revision of an app changed against another, field by field."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.output.fields import show_differences
from nap_compose.cli.revised import app_and_revisions
from nap_compose.cli.session import Session


@click.command()
@click.argument("words", nargs=-1, metavar="[APP] [REVISION [REVISION]]")
@click.option("--show-values", is_flag=True, help="Show environment values and the like too")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@with_shared()
def diff(session: Session, words: tuple[str, ...], show_values: bool, form: str) -> int:
    """Show what changed between two revisions of an app.

    Without a REVISION: between the one that ran before and the one that runs; with one: from the
    one that runs to that one; with two: from the first to the second.
    """
    from nap_compose.border import DiffRequest

    with session.control() as control:
        target, numbers = app_and_revisions(session, control, words, most=2)
        before, after = numbers if len(numbers) == 2 else (0, *numbers, 0)[:2]
        found = control.diff(DiffRequest(target, before, after, show_values))
    if form == "json":
        session.terminal.say(json.dumps(asdict(found)))
        return 0
    session.terminal.say(f"{target.app}: revision {found.before} → {found.after}")
    show_differences(found.differences, session.terminal)
    return 0
