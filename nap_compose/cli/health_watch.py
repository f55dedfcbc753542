"""`nap health watch`: the service that keeps watch over containers and hosts."""

from __future__ import annotations

import click

from nap_compose.cli.interrupt import Interrupt
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.clock import utc_now
from nap_compose.exits import Exit
from nap_compose.text import plain


@click.command()
@click.option("--metrics", default="", metavar="HOST:PORT", help="Where Prometheus may ask")
@with_shared()
def watch(session: Session, metrics: str) -> int:
    """Keep watch until a signal ends it: sweep all hosts, listen to their engines, and keep the
    records.

    With `failover` in the cluster file, containers that ended are started again, and the replicas
    of a lost host are made elsewhere. Several may run; one leads, and another takes over from it.
    """
    from nap_compose.border import WatchRequest

    terminal = session.terminal

    def say(text: str) -> None:
        terminal.tell(f"{utc_now()}  {plain(text)}")

    with session.control() as control, Interrupt(terminal.tell) as stop:
        control.watch_health(WatchRequest(metrics), say, stop)
    return Exit.DONE
