"""`nap prune`: remove images, ended containers and history that no app needs any more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import plain
from nap_compose.units import show_size

if TYPE_CHECKING:
    from nap_compose.border import PrunedRow

FORMATS = ("table", "json")


@click.command()
@click.option("--keep", type=int, metavar="N", help="The images of so many revisions stay (3)")
@click.option("--older-than", callback=seconds, metavar="TIME", help="Only what is as old (7d)")
@click.option("--history", callback=seconds, metavar="TIME", help="How long history stays (90d)")
@click.option("--dry-run", is_flag=True, help="Show what would be removed")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", help="json for programs"
)
@with_shared()
def prune(
    session: Session,
    *,
    keep: int | None,
    older_than: float | None,
    history: float | None,
    dry_run: bool,
    yes: bool,
    form: str,
) -> int:
    """Remove what no app needs any more: images that none of an app's last revisions runs, files
    that were shipped for former ones, ended containers of `nap run`, failed ones that were kept,
    and old history.

    Images that no app of nap's ever ran stay, and so does every volume. The defaults are those of
    the cluster file's `prune`; there the leading watcher prunes once a day.
    """
    from nap_compose.border import PruneRequest
    from nap_compose.cli.losing import agreed, somebody_is_there

    asked = PruneRequest(keep, older_than, history, dry_run=True)
    terminal = session.terminal
    with session.control() as control:
        if not (dry_run or yes) and somebody_is_there(terminal):
            listing = control.prune(asked)
            _tell(listing.rows, session, "would go", to_person=True)
            if not listing.rows or not agreed("Remove it?", terminal):
                return Exit.DONE
        listing = control.prune(replace(asked, dry_run=dry_run))
    for warning in listing.warnings:
        terminal.warn(warning)
    if form == "json":
        terminal.say(json.dumps([asdict(row) for row in listing.rows]))
    else:
        _tell(listing.rows, session, "would go" if dry_run else "removed")
    return Exit.FAILED if any(row.problem for row in listing.rows) else Exit.DONE


def _tell(
    rows: Sequence[PrunedRow], session: Session, done: str, *, to_person: bool = False
) -> None:
    say = session.terminal.tell if to_person else session.terminal.say
    if not rows:
        say("nothing to remove")
        return
    for row in rows:
        where = f" on {row.host}" if row.host else ""
        size = f" ({show_size(row.size)})" if row.size else ""
        told = f"stays: {row.problem}" if row.problem else done
        say(plain(f"{row.kind} {row.subject}{where}{size}: {told}"))
    total = sum(row.size for row in rows if not row.problem)
    if total:
        say(f"{show_size(total)} on all hosts together")
