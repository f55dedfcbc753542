"""`nap unpause`: let frozen containers go on."""

from __future__ import annotations

import click

from nap_compose.cli.acting import act
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def unpause(session: Session, *, targets: tuple[str, ...], dry_run: bool, quiet: bool) -> int:
    """Let an app's frozen containers go on.

    TARGET is a service where a file or -p gives the app, otherwise APP or APP/SERVICE; .N at its
    end is a replica.
    """
    return act(session, "unpause", targets, quiet=quiet, dry_run=dry_run)
