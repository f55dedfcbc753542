"""`nap restart`: stop containers and start them again, as they are."""

from __future__ import annotations

import click

from nap_compose.cli.acting import act
from nap_compose.cli.options import with_shared
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--no-deps", is_flag=True, help="Leave what restarts with a service alone")
@click.option("-t", "--timeout", callback=seconds, metavar="TIME", help="How long a stop may take")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def restart(
    session: Session,
    *,
    targets: tuple[str, ...],
    no_deps: bool,
    timeout: float | None,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Restart an app's containers, also those that don't run. A changed file changes nothing of
    them: that is for `nap up`.

    TARGET is a service where a file or -p gives the app, otherwise APP or APP/SERVICE; .N at its
    end is a replica.
    """
    return act(
        session, "restart", targets, quiet=quiet, alone=no_deps, grace=timeout, dry_run=dry_run
    )
