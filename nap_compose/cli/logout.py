"""`nap logout`: the session ends."""

from __future__ import annotations

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@with_shared()
def logout(session: Session) -> None:
    """End the session on the cluster.

    Its token is good for nothing any more, whoever may have copied it.
    """
    from nap_compose.control.connect import remember

    with session.control() as control:
        control.logout()
    remember(session.options.cluster or None, session.env, "")
