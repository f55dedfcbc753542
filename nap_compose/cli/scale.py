"""`nap scale`: run another number of replicas of a service."""

from __future__ import annotations

import click

from nap_compose.cli.bringing import WAIT, bring_up
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("scale", nargs=-1, required=True, metavar="SERVICE=N...")
@click.option("--no-deps", is_flag=True, help="Leave what the services depend on alone")
@click.option("-y", "--yes", is_flag=True, help="Answer every question with yes")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def scale(
    session: Session,
    *,
    scale: tuple[str, ...],
    no_deps: bool,
    yes: bool,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Run N replicas of each SERVICE, whatever the file says, and leave other services alone but
    for what these depend on.

    The next `nap up` without --scale goes by the file again.
    """
    return bring_up(
        session,
        tuple(dict.fromkeys(word.partition("=")[0] for word in scale)),
        "quiet" if quiet else session.options.progress_mode(session.env),
        verb="scale",
        scale=scale,
        why=(),
        force_recreate=False,
        no_recreate=False,
        no_deps=no_deps,
        remove_orphans=False,
        yes=yes,
        timeout=WAIT,
        dry_run=dry_run,
    )
