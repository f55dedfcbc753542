"""`nap host confirm-lost`: a person says that a host is gone."""

from __future__ import annotations

import sys

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.text import plain


@click.command("confirm-lost")
@click.argument("name", metavar="HOST")
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@with_shared()
def confirm_lost(session: Session, *, name: str, yes: bool) -> int:
    """Say that a host is gone for good: powered off, or its disk is out.

    What shares a volume with it may then run elsewhere. If it still runs, cut off, two write to
    one volume, and the volume is ruined. What is said is taken back when the host answers again.
    """
    terminal = session.terminal
    with session.control() as control:
        if not yes and not _agreed(session, name):
            return Exit.DONE
        control.confirm_lost(name)
    terminal.say(f"{plain(name)} is lost: what it shared with others may run elsewhere")
    return Exit.DONE


def _agreed(session: Session, name: str) -> bool:
    """Whether the person means it. Raises NapError where there is no terminal to ask on."""
    terminal = session.terminal
    if not (sys.stdin.isatty() and terminal.err_is_terminal):
        raise NapError(
            f"{name} would count as lost, and nobody is there to say that it is off",
            hint="nothing was done. With -y it is so without a question",
            exit_code=Exit.UNANSWERED,
        )
    terminal.tell(f"Is {plain(name)} off, so that nothing on it runs any more? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
