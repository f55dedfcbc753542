"""`nap kill`: send the processes of containers a signal."""

from __future__ import annotations

import click

from nap_compose.cli.acting import act
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.errors import WrongUse
from nap_compose.text import nearest

_NAMES = """
HUP INT QUIT ILL TRAP ABRT IOT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CLD CONT STOP
TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO POLL PWR SYS RTMIN RTMAX
"""
SIGNALS = (
    *_NAMES.split(),
    *(f"RTMIN+{number}" for number in range(1, 16)),
    *(f"RTMAX-{number}" for number in range(1, 15)),
)
"""Those that engines know: Linux's, whatever this machine is."""

LAST = 64
"""The highest number of one."""


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-s", "--signal", default="SIGKILL", metavar="SIGNAL", help="What to send (SIGKILL)")
@click.option("--remove-orphans", is_flag=True, help="As always: those of the app are meant too")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def kill(
    session: Session,
    *,
    targets: tuple[str, ...],
    signal: str,
    remove_orphans: bool,  # noqa: ARG001
    dry_run: bool,
    quiet: bool,
) -> int:
    """End an app's running containers at once, or send them another signal.

    TARGET is a service where a file or -p gives the app, otherwise APP or APP/SERVICE; .N at its
    end is a replica.
    """
    _check(signal)
    return act(session, "kill", targets, quiet=quiet, signal=signal, dry_run=dry_run)


def _check(signal: str) -> None:
    """Raise WrongUse for a signal that no engine knows, before any of them is asked."""
    name = signal.upper().removeprefix("SIG")
    if name in SIGNALS or (name.isdecimal() and 0 < int(name) <= LAST):
        return
    near = nearest(name, SIGNALS)
    raise WrongUse(
        f"there is no signal '{signal}'",
        hint=f"did you mean '{near}'?" if near else "write it like HUP, SIGHUP or 1",
    )
