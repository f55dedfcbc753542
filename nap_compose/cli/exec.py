"""`nap exec`: run a command in a container of a service, on whatever host it runs."""

from __future__ import annotations

import os

import click

from nap_compose.cli.one import ended, one_service, own_failures
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session


@click.command(name="exec", context_settings={"allow_interspersed_args": False})
@click.argument("target", metavar="TARGET")
@click.argument("command", nargs=-1, required=True, metavar="COMMAND [ARG]...")
@click.option("-d", "--detach", is_flag=True, help="Start it and leave it alone")
@click.option("-e", "--env", multiple=True, metavar="KEY=VALUE", help="Set a variable for it")
@click.option("-T", "--no-tty", "--no-TTY", is_flag=True, help="Give it no terminal")
@click.option("-t", "--tty", is_flag=True, hidden=True, help="As always on a terminal")
@click.option("-i", "--interactive/--no-interactive", default=True, help="Let it read your input")
@click.option("-u", "--user", default="", metavar="USER", help="Run it as this user")
@click.option("-w", "--workdir", default="", metavar="DIR", help="Where it starts")
@click.option("--index", type=click.IntRange(1), metavar="N", help="Which replica")
@click.option("--privileged", is_flag=True, help="Give it every right")
@click.option("--detach-keys", default="", metavar="KEYS", help="What leaves it: ctrl-p,ctrl-q")
@with_shared()
def execute(
    session: Session,
    *,
    target: str,
    command: tuple[str, ...],
    detach: bool,
    env: tuple[str, ...],
    no_tty: bool,
    tty: bool,  # noqa: ARG001
    interactive: bool,
    user: str,
    workdir: str,
    index: int | None,
    privileged: bool,
    detach_keys: str,
) -> int:
    """Run a command in a running container of a service.

    TARGET is a service where a file or -p gives the app, otherwise APP/SERVICE; .N at its end is
    the replica. The exit code is the command's own, 125 where nap itself failed.
    """
    from nap_compose.border import ExecRequest
    from nap_compose.cli.console import PersonsConsole

    with own_failures(), session.control() as control:
        request = ExecRequest(
            target=one_service(target, index or 0, control, session),
            command=command,
            tty=not (no_tty or detach) and os.isatty(0) and os.isatty(1),
            stdin=interactive,
            detach=detach,
            environment=variables(env, session),
            user=user,
            workdir=workdir,
            privileged=privileged,
            detach_keys=detach_keys,
        )
        session.terminal.flush()
        with PersonsConsole(stdin=interactive) as console:
            result = control.execute(request, console)
    return 0 if detach else ended(result, session)


def variables(given: tuple[str, ...], session: Session) -> tuple[str, ...]:
    """`KEY=value` as given; a bare `KEY` with the value that it has here, if it has one."""
    found = []
    for each in given:
        key, equals, _ = each.partition("=")
        if equals:
            found.append(each)
        elif key in session.env:
            found.append(f"{key}={session.env[key]}")
    return tuple(found)
