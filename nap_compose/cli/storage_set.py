"""`nap storage quota|goal`: what is set for a volume on cluster storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.cli.storage import VOLUME, named
from nap_compose.errors import WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain
from nap_compose.units import parse_size, show_size

if TYPE_CHECKING:
    from nap_compose.border import SetRequest, StoredRow

NONE = "none"


@click.command()
@click.argument("volume", metavar=VOLUME)
@click.argument("size", required=False, metavar="[SIZE]")
@click.option("--files", metavar="NUMBER", help="The most files and folders; `none`: no limit")
@with_shared()
def quota(session: Session, *, volume: str, size: str | None, files: str | None) -> int:
    """Limit what a volume may hold: `10g`, or `none`. Without a limit it shows the one there is.

    It holds at once, and an app that reaches it gets the error "disk quota exceeded". Where the
    Compose file says another one, the next `nap up` sets that.
    """
    from nap_compose.border import SetRequest, Target

    owner, app, key = named(volume)
    limit = None if size is None else _size(size)
    number = None if files is None else _number(files)
    request = SetRequest(Target(app, owner), key, quota=limit, max_files=number)
    return _set(session, request, volume)


@click.command()
@click.argument("volume", metavar=VOLUME)
@click.argument("copies", type=click.IntRange(1, 9), required=False, metavar="[COPIES]")
@with_shared()
def goal(session: Session, *, volume: str, copies: int | None) -> int:
    """Set how many copies there are of each file of a volume, on as many chunkservers."""
    from nap_compose.border import SetRequest, Target

    owner, app, key = named(volume)
    return _set(session, SetRequest(Target(app, owner), key, goal=copies), volume)


def _set(session: Session, request: SetRequest, volume: str) -> int:
    with session.control() as control:
        row = control.set_stored(request)
    session.terminal.say(f"{plain(volume)}: {_told(row)}")
    return Exit.DONE


def _told(row: StoredRow) -> str:
    most = f"{show_size(row.length)} of {show_size(row.quota)}" if row.quota else "no quota"
    files = f", {row.inodes} of {row.max_files} files" if row.max_files else ""
    return f"{row.goal} copies, {most}{files}"


def _size(text: str) -> int:
    if text == NONE:
        return 0
    try:
        found = parse_size(text)
    except ValueError as error:
        raise WrongUse(str(error)) from None
    if not found:
        raise WrongUse("a quota of nothing lets nothing in", hint=f"`{NONE}` takes it away")
    return found


def _number(text: str) -> int:
    if text == NONE:
        return 0
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 1 << 31):
        raise WrongUse(f"--files {text}: a number above 0, or `{NONE}`")
    return int(text)
