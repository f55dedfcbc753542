"""`nap cluster setup-control`: the machine where nap runs for everybody."""

from __future__ import annotations

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.text import plain


@click.command("setup-control")
@click.option("--undo", is_flag=True, help="Take the broker, its sudo rule and the units away")
@with_shared()
def setup_control(session: Session, undo: bool) -> None:
    """Set this machine up as the one where people call nap.

    Makes the account that holds the cluster's keys, gives it /etc/nap alone, and lets members of
    nap-users reach it through sudo. Can be run again; it says what it changes. With --undo what
    leads to nap goes; keys, records and logs stay.
    """
    from nap_compose.control.connect import control_machine

    terminal = session.terminal

    def tell(text: str) -> None:
        terminal.tell(plain(text))

    if undo:
        for text in control_machine().undo(tell).remains:
            tell(text)
        return
    machine = control_machine().set_up(tell)
    changed = len(machine.changed)
    terminal.say("nothing to do" if not changed else f"set up: {changed} changes")
    for text in machine.remains:
        tell(f"yours to do: {text}")
