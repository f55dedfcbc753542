"""`nap storage snapshot|restore|rm`: what a volume was, and what goes for good."""

from __future__ import annotations

import click

from nap_compose.cli.losing import agreed, somebody_is_there
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.cli.storage import VOLUME, named
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.text import plain
from nap_compose.units import show_duration


@click.command()
@click.argument("volume", metavar=VOLUME)
@click.argument("name", required=False, default="", metavar="[NAME]")
@with_shared()
def snapshot(session: Session, *, volume: str, name: str) -> int:
    """Keep a volume as it is at this moment, also while it is written to.

    A database finds in it what it would find after a power cut. It takes no room until something
    changes. Without NAME it is called by the time.
    """
    from nap_compose.border import OneStored, Target

    owner, app, key = named(volume)
    with session.control() as control:
        made = control.snapshot(OneStored(Target(app, owner), key, name))
    session.terminal.say(f"{plain(volume)}: snapshot {plain(made)}")
    return Exit.DONE


@click.command()
@click.argument("volume", metavar=VOLUME)
@click.argument("name", required=False, default="", metavar="[SNAPSHOT]")
@click.option("--removed", is_flag=True, help="The volume as it was when it was last removed")
@with_shared()
def restore(session: Session, *, volume: str, name: str, removed: bool) -> int:
    """Bring a volume back to a snapshot, or bring back one that was removed.

    Nothing may use it meanwhile: `nap stop` its app. What was there is kept as a snapshot.
    """
    from nap_compose.border import OneStored, Target

    terminal = session.terminal
    owner, app, key = named(volume)
    with session.control() as control:
        came = control.restore_stored(OneStored(Target(app, owner), key, name, removed))
    if removed:
        terminal.say(f"{plain(volume)} is back: {came.files} files")
        if came.missing:
            terminal.warn(f"{came.missing} files were no longer in MooseFS's trash")
        return Exit.FAILED if came.missing else Exit.DONE
    kept = f"; what was there is its snapshot {plain(came.before)}" if came.before else ""
    terminal.say(f"{plain(volume)} is as it was in {plain(name)}{kept}")
    return Exit.DONE


@click.command()
@click.argument("volume", metavar=VOLUME)
@click.option("--snapshot", "name", default="", metavar="NAME", help="Only this snapshot of it")
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@with_shared()
def rm(session: Session, *, volume: str, name: str, yes: bool) -> int:
    """Remove a volume that no container uses, or a snapshot of one."""
    from nap_compose.border import OneStored, Target

    terminal = session.terminal
    owner, app, key = named(volume)
    what = f"snapshot {plain(name)} of {plain(volume)}" if name else plain(volume)
    if not yes:
        if not somebody_is_there(terminal):
            raise NapError(
                f"{what} would be removed, and nobody is there to say that it may",
                hint="nothing was done. With -y it is removed without a question",
                exit_code=Exit.UNANSWERED,
            )
        if not agreed(f"Remove {what}?", terminal):
            return Exit.DONE
    with session.control() as control:
        kept = control.remove_stored(OneStored(Target(app, owner), key, name))
    terminal.say(f"{what} is removed")
    if kept:
        back = "" if name else f"; nap storage restore {plain(volume)} --removed brings it back"
        terminal.say(f"MooseFS's trash keeps its files for {show_duration(kept)}{back}")
    return Exit.DONE
