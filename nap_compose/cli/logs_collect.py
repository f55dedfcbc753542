"""`nap logs collect`: the service that keeps what containers print."""

from __future__ import annotations

import click

from nap_compose.cli.interrupt import Interrupt
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.option("--once", is_flag=True, help="Keep what there is by now, and end")
@with_shared()
def collect(session: Session, *, once: bool) -> None:
    """Keep what the containers of every host print, until Ctrl-C or SIGTERM.

    It goes on where the files end, and several of them share the hosts.
    """
    from nap_compose.border import CollectRequest

    terminal = session.terminal
    with session.control() as control, Interrupt(terminal.tell) as interrupt:
        control.collect(CollectRequest(once), lambda text: terminal.tell(f"nap: {text}"), interrupt)
