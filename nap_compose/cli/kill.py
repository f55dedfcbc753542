"""`nap kill`: send the processes of containers a signal."""

from __future__ import annotations

import click

from nap_compose.cli.acting import act
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-s", "--signal", default="SIGKILL", metavar="SIGNAL", help="What to send (SIGKILL)")
@click.option("--remove-orphans", is_flag=True, help="As always: those of the app are meant too")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def kill(
    session: Session,
    *,
    targets: tuple[str, ...],
    signal: str,
    remove_orphans: bool,  # noqa: ARG001
    dry_run: bool,
    quiet: bool,
) -> int:
    """End an app's running containers at once, or send them another signal.

    TARGET is a service where a file or -p gives the app, otherwise APP or APP/SERVICE; .N at its
    end is a replica.
    """
    return act(session, "kill", targets, quiet=quiet, signal=signal, dry_run=dry_run)
