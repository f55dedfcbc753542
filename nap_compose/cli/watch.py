"""`nap watch`: bring changed files to the replicas, wherever they run."""

from __future__ import annotations

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import plain


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--no-up", is_flag=True, help="Don't bring the app up first")
@click.option("--prune", is_flag=True, help="Nothing: nap keeps what it can go back to")
@click.option("--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def watch(
    session: Session, *, services: tuple[str, ...], no_up: bool, prune: bool, quiet: bool
) -> int:
    """Bring the app up, then watch the files that `develop.watch` names in it: what changes is
    brought to each replica of the service, on whatever host, or the service is restarted.

    Ctrl-C ends the watching, and the app goes on.
    """
    from nap_compose.cli.bringing import WAIT, bring_up
    from nap_compose.cli.files import loaded
    from nap_compose.cli.staying import Staying, with_needs
    from nap_compose.cli.watching.following import Watching

    if prune:
        session.terminal.warn(
            "--prune removes nothing: the image that a rebuild takes the place of is what "
            "`nap rollback` goes back to. `nap prune` removes what is old"
        )
    found = loaded(session, services, narrow=False)
    watching = Watching(session, found, with_needs(found.app, services), quiet=quiet)
    if not no_up:
        code = bring_up(
            session,
            services,
            "quiet" if quiet else session.options.progress_mode(session.env),
            staying=Staying(detach=True),
            scale=(),
            why=(),
            force_recreate=False,
            no_recreate=False,
            remove_orphans=False,
            yes=False,
            timeout=WAIT,
        )
        if code:
            return code
    session.terminal.flush()
    try:
        with session.control() as control:
            watching.run(control)
    except KeyboardInterrupt:
        session.terminal.tell(f"nap: {plain(found.app.name)} goes on, and isn't watched any more")
    return Exit.INTERRUPTED
