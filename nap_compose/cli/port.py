"""`nap port`: where a port of a service is reached."""

from __future__ import annotations

import click

from nap_compose.cli.one import one_service
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session

PROTOCOLS = ("tcp", "udp", "sctp")


@click.command()
@click.argument("target", metavar="TARGET")
@click.argument("private_port", metavar="PORT", type=click.IntRange(1, 65535))
@click.option("--protocol", type=click.Choice(PROTOCOLS), default="tcp", help="Which kind of port")
@click.option("--index", type=click.IntRange(1), metavar="N", help="Which replica")
@with_shared()
def port(
    session: Session, *, target: str, private_port: int, protocol: str, index: int | None
) -> None:
    """Show the address at which a container's own PORT is reached.

    TARGET is a service where a file or -p gives the app, otherwise APP/SERVICE. On a cluster, what
    is published on every address of a host is shown with the host's own.
    """
    with session.control() as control:
        meant = one_service(target, index or 0, control, session)
        session.terminal.say(control.port(meant, private_port, protocol))
