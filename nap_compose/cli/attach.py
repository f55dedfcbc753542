"""`nap attach`: talk with a container's own process, on whatever host it runs."""

from __future__ import annotations

import click

from nap_compose.cli.one import ended, one_service, own_failures
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command()
@click.argument("target", metavar="TARGET")
@click.option("--index", type=click.IntRange(1), metavar="N", help="Which replica")
@click.option("--no-stdin", is_flag=True, help="Don't let it read your input")
@click.option("--sig-proxy/--no-sig-proxy", default=True, help="Pass signals on to it (default)")
@click.option("--detach-keys", default="", metavar="KEYS", help="What leaves it: ctrl-p,ctrl-q")
@with_shared()
def attach(
    session: Session,
    *,
    target: str,
    index: int | None,
    no_stdin: bool,
    sig_proxy: bool,
    detach_keys: str,
) -> int:
    """See what a container's process prints from now on, and type for it.

    TARGET is a service where a file or -p gives the app, otherwise APP/SERVICE; .N at its end is
    the replica. Ctrl-C is passed on to the process; a second one leaves it. The exit code is the
    process's own, 125 where nap itself failed.
    """
    from nap_compose.border import AttachRequest
    from nap_compose.cli.console import PersonsConsole

    with own_failures(), session.control() as control:
        request = AttachRequest(
            target=one_service(target, index or 0, control, session),
            stdin=not no_stdin,
            pass_signals=sig_proxy,
            detach_keys=detach_keys,
        )
        session.terminal.flush()
        with PersonsConsole(stdin=not no_stdin) as console:
            result = control.attach(request, console)
    return ended(result, session)
