"""`nap rm`: remove containers that don't run."""

from __future__ import annotations

import click

from nap_compose.cli.acting import act
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-f", "--force", is_flag=True, help="Don't ask")
@click.option("-s", "--stop", is_flag=True, help="Stop what runs, and remove it too")
@click.option("-v", "--volumes", is_flag=True, help="Remove their anonymous volumes too")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared(short_file=False)
def rm(
    session: Session,
    *,
    targets: tuple[str, ...],
    force: bool,
    stop: bool,
    volumes: bool,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Remove an app's stopped containers. What isn't in a volume is lost.

    TARGET is a service where a file or -p gives the app, otherwise APP or APP/SERVICE; .N at its
    end is a replica. A Compose file is named with --file here, or before the command.
    """
    return act(
        session,
        "rm",
        targets,
        quiet=quiet,
        ask=not force,
        stop_first=stop,
        volumes=volumes,
        dry_run=dry_run,
    )
