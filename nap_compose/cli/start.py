"""`nap start`: start containers that are there, in the order in which they need each other."""

from __future__ import annotations

import click

from nap_compose.cli.acting import act
from nap_compose.cli.options import with_shared
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session

WAIT = 600.0
"""Seconds that what others depend on may take to be ready where the command doesn't say."""


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--wait", is_flag=True, help="Wait until what was started is well")
@click.option("--wait-timeout", callback=seconds, metavar="TIME", help="How long to wait (600 s)")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def start(
    session: Session,
    *,
    targets: tuple[str, ...],
    wait: bool,
    wait_timeout: float | None,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Start an app's containers that don't run, and what they depend on.

    TARGET is a service where a file or -p gives the app, otherwise APP or APP/SERVICE; .N at its
    end is a replica. Nothing is made anew: what has no container is for `nap up`.
    """
    timeout = WAIT if wait_timeout is None else wait_timeout
    return act(session, "start", targets, quiet=quiet, wait=wait, timeout=timeout, dry_run=dry_run)
