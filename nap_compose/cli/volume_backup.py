"""`nap volume backup` and `restore`: what is in a volume, to a file and back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from nap_compose.cli import losing
from nap_compose.cli.cp import write_out
from nap_compose.cli.deploy import watched
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.cli.storage import VOLUME, named
from nap_compose.cli.written import write_file
from nap_compose.errors import NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain
from nap_compose.units import show_size

STANDARD = "-"
_PIECE = 1 << 18


class _NeverCancelled:
    level = 0


@click.command()
@click.argument("name", metavar=VOLUME)
@click.argument("where", metavar="FILE")
@click.option("--no-hooks", is_flag=True, help="Run nothing in containers before and after")
@with_shared()
def backup(session: Session, *, name: str, where: str, no_hooks: bool) -> None:
    """Write what is in a volume to FILE (- is the standard output).

    The file is a tar with a last block that says whether it is whole. What `x-nap.backup` of a
    service that uses the volume says runs in one of its containers, before and after; nothing is
    stopped.
    """
    from nap_compose.border import SaveRequest, Target

    owner, app, key = named(name)
    request = SaveRequest(Target(app, owner), key, not no_hooks)
    with session.control() as control:
        pieces = control.save_volume(request, _NeverCancelled())
        if where == STANDARD:
            write_out(session, pieces, "a volume")
            return
        size = write_file(Path(where), pieces, mode=0o600)
    session.terminal.say(f"{plain(name)}: {show_size(size)} written to {plain(where)}")


@click.command()
@click.argument("name", metavar=VOLUME)
@click.argument("where", metavar="FILE")
@click.option("--stop", is_flag=True, help="Stop what uses it, and bring it up again afterwards")
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@with_shared()
def restore(session: Session, *, name: str, where: str, stop: bool, yes: bool) -> int:
    """Bring what is in FILE (- is the standard input) back in place of what is in a volume.

    All of it is taken in beside the volume, and compared, before the volume is touched.
    """
    from nap_compose.border import ContentRequest, Target

    terminal = session.terminal
    owner, app, key = named(name)
    if not yes:
        _ask(session, name)
    request = ContentRequest(Target(app, owner), key, stop)

    def tell(come: int) -> None:
        terminal.tell(f"{plain(name)}: {show_size(come)} sent")

    mode = session.options.progress_mode(session.env)
    with session.control() as control:
        done, _ = watched(
            session,
            name,
            mode,
            lambda on_event, cancel: control.restore_volume(
                request, _pieces(where), tell, on_event, cancel
            ),
        )
    terminal.say(f"{plain(name)} on {plain(done.where)}: {show_size(done.size)} are back")
    if done.before:
        terminal.say(f"what was there is kept as the snapshot {plain(done.before)}")
    return done.exit_code


def _ask(session: Session, name: str) -> None:
    terminal = session.terminal
    if not losing.somebody_is_there(terminal):
        raise NapError(
            f"what is in {name} would be replaced, and nobody is there to agree",
            hint="nothing was done; say so with -y",
            exit_code=Exit.UNANSWERED,
        )
    if not losing.agreed(f"Replace all that is in {plain(name)}?", terminal):
        raise NapError("nothing was done", exit_code=Exit.UNANSWERED)


def _pieces(where: str) -> Iterator[bytes]:
    try:
        if where == STANDARD:
            while piece := os.read(sys.stdin.fileno(), _PIECE):
                yield piece
            return
        with Path(where).open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise WrongUse(f"the backup {where} can't be read: {error.strerror}") from None
