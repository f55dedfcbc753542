"""`nap create`: make an app's containers and start none."""

from __future__ import annotations

import click

from nap_compose.cli.bringing import PULL, WAIT, bring_up
from nap_compose.cli.building import build_options, building
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--pull", type=click.Choice(PULL), help="When to pull images")
@click.option("--quiet-pull", is_flag=True, help="Show nothing of how far pulls are")
@build_options()
@click.option("--force-recreate", is_flag=True, help="Replace containers that need no change too")
@click.option("--no-recreate", is_flag=True, help="Replace no container")
@click.option("--scale", multiple=True, metavar="SERVICE=N", help="Make N replicas of a service")
@click.option("--remove-orphans", is_flag=True, help="Remove what the file no longer has")
@click.option("-y", "--yes", is_flag=True, help="Answer every question with yes")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def create(
    session: Session,
    *,
    services: tuple[str, ...],
    pull: str | None,
    quiet_pull: bool,
    build: bool,
    no_build: bool,
    quiet_build: bool,
    force_recreate: bool,
    no_recreate: bool,
    scale: tuple[str, ...],
    remove_orphans: bool,
    yes: bool,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Make an app's containers, networks and volumes as its file says, and start nothing.

    `nap start` starts them.
    """
    return bring_up(
        session,
        services,
        "quiet" if quiet else session.options.progress_mode(session.env),
        verb="create",
        scale=scale,
        why=(),
        pull=pull or "",
        quiet_pull=quiet_pull,
        build=building(build=build, no_build=no_build),
        quiet_build=quiet_build,
        force_recreate=force_recreate,
        no_recreate=no_recreate,
        no_start=True,
        remove_orphans=remove_orphans,
        yes=yes,
        timeout=WAIT,
        dry_run=dry_run,
    )
