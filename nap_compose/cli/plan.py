"""`nap plan`: what `nap up` would do, and why each replica goes where it goes."""

from __future__ import annotations

import click

from nap_compose.cli.bringing import PULL, WAIT, bring_up
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--why", multiple=True, metavar="SERVICE", help="Explain the hosts of a service")
@click.option("--scale", multiple=True, metavar="SERVICE=N", help="Run N replicas of a service")
@click.option("--pull", type=click.Choice(PULL), help="When to pull images")
@click.option("--build", is_flag=True, help="Build the images that can be built first")
@click.option("--force-recreate", is_flag=True, help="Replace containers that need no change too")
@click.option("--no-recreate", is_flag=True, help="Replace no container")
@click.option("--no-deps", is_flag=True, help="Leave what the services depend on alone")
@click.option("--no-start", is_flag=True, help="Create, but start nothing")
@click.option("--remove-orphans", is_flag=True, help="Remove what the file no longer has")
@click.option("--fresh", is_flag=True, help="Begin anew beside a Compose project so called")
@click.option("-o", "--out", metavar="FILE", help="Keep it for `nap up --plan FILE`; - prints it")
@with_shared()
def plan(
    session: Session,
    *,
    services: tuple[str, ...],
    why: tuple[str, ...],
    scale: tuple[str, ...],
    pull: str | None,
    build: bool,
    force_recreate: bool,
    no_recreate: bool,
    no_deps: bool,
    no_start: bool,
    remove_orphans: bool,
    fresh: bool,
    out: str | None,
) -> int:
    """Show what `nap up` would do, field by field, and with --why what spoke for and against each
    host.

    Nothing is changed on any host. With -o the plan is kept: `nap up --plan FILE` does just what
    was shown, or nothing where the world has moved since.
    """
    return bring_up(
        session,
        services,
        session.options.progress_mode(session.env),
        scale=scale,
        why=why,
        pull=pull or "",
        build="always" if build else "",
        force_recreate=force_recreate,
        no_recreate=no_recreate,
        no_deps=no_deps,
        no_start=no_start,
        remove_orphans=remove_orphans,
        fresh=fresh,
        yes=False,
        timeout=WAIT,
        grace=None,
        dry_run=True,
        out=out or "",
    )
