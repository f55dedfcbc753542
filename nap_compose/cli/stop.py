"""`nap stop`: stop containers and let them stand."""

from __future__ import annotations

import click

from nap_compose.cli.acting import act
from nap_compose.cli.options import with_shared
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-t", "--timeout", callback=seconds, metavar="TIME", help="How long a stop may take")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def stop(
    session: Session, *, targets: tuple[str, ...], timeout: float | None, dry_run: bool, quiet: bool
) -> int:
    """Stop an app's containers, those that depend on others first. They stay, and so does their
    data: `nap start` starts them again.

    TARGET is a service where a file or -p gives the app, otherwise APP or APP/SERVICE; .N at its
    end is a replica.
    """
    return act(session, "stop", targets, quiet=quiet, grace=timeout, dry_run=dry_run)
