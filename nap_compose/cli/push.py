"""`nap push`: bring images that were built to the registries that their names lead to."""

from __future__ import annotations

import click

from nap_compose.cli.handled import handle
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--ignore-push-failures", is_flag=True, help="Push what can be pushed")
@click.option("--include-deps", is_flag=True, help="Also what the services depend on")
@click.option("--dry-run", is_flag=True, help="Show what would be pushed, and from where")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def push(
    session: Session,
    *,
    services: tuple[str, ...],
    ignore_push_failures: bool,
    include_deps: bool,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Push the images of services that have both a `build:` and an `image:`.

    Each goes out from a host that has it.
    """
    from nap_compose.border import PushRequest
    from nap_compose.cli.files import load

    request = PushRequest(
        app=load(session, services),
        services=services,
        dependencies=include_deps,
        ignore_failures=ignore_push_failures,
        dry_run=dry_run,
    )
    with session.control() as control:
        handle(
            session,
            request.app.name,
            lambda event, cancel: control.push(request, event, cancel),
            word="pushed",
            quiet=quiet,
            dry_run=dry_run,
        )
