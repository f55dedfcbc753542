"""`nap pull`: bring images from their registries to the hosts that need them."""

from __future__ import annotations

import click

from nap_compose.cli.handled import handle
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--ignore-buildable", is_flag=True, help="Leave out what can be built")
@click.option("--ignore-pull-failures", is_flag=True, help="Pull what can be pulled")
@click.option("--include-deps", is_flag=True, help="Also what the services depend on")
@click.option("--policy", type=click.Choice(("missing", "always")), help="Also what is there?")
@click.option("--dry-run", is_flag=True, help="Show what would be pulled, and where")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def pull(
    session: Session,
    *,
    services: tuple[str, ...],
    ignore_buildable: bool,
    ignore_pull_failures: bool,
    include_deps: bool,
    policy: str | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Pull images, each to the hosts on which containers of its service are or would be.

    Images that no registry has are no business of this: `up` brings them from host to host.
    """
    from nap_compose.border import PullRequest
    from nap_compose.cli.files import load

    request = PullRequest(
        app=load(session, services),
        services=services,
        dependencies=include_deps,
        policy=policy or "",
        ignore_buildable=ignore_buildable,
        ignore_failures=ignore_pull_failures,
        dry_run=dry_run,
    )
    with session.control() as control:
        handle(
            session,
            request.app.name,
            lambda event, cancel: control.pull(request, event, cancel),
            word="pulled",
            quiet=quiet,
            dry_run=dry_run,
        )
