"""`nap volume`: what is done with volumes on hosts."""

from __future__ import annotations

import click

from nap_compose.cli.deploy import watched
from nap_compose.cli.lazy import LazyGroup
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.cli.storage import VOLUME, named
from nap_compose.errors import WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain
from nap_compose.units import show_size

volume = LazyGroup(
    "volume",
    table={
        "move": ("nap_compose.cli.volume:move", "Move one to another host or to the cluster"),
        "backup": ("nap_compose.cli.volume_backup:backup", "Write what is in one to a file"),
        "restore": ("nap_compose.cli.volume_backup:restore", "Bring back what was in one"),
    },
    help="Do something with the volumes of apps; `nap volumes` lists them.",
)


@click.command()
@click.argument("name", metavar=VOLUME)
@click.option("--to", "host", default="", metavar="HOST", help="To this host")
@click.option("--to-cluster", is_flag=True, help="Into cluster storage")
@click.option("--stop", is_flag=True, help="Stop what uses it, and bring it up again afterwards")
@click.option("--abandon", is_flag=True, help="Give up a move that was cut off")
@with_shared()
def move(
    session: Session, *, name: str, host: str, to_cluster: bool, stop: bool, abandon: bool
) -> int:
    """Move a volume that is on one host: to another one, or into cluster storage.

    What arrives is compared with what was sent before anything is removed. A move that was cut off
    is finished by the same command, without saying again where to; until then nothing of the app
    is started.
    """
    from nap_compose.border import MoveRequest, Target

    if (host and to_cluster) or (abandon and (host or to_cluster or stop)):
        raise WrongUse("--to, --to-cluster and --abandon exclude each other")
    terminal = session.terminal
    owner, app, key = named(name)
    request = MoveRequest(Target(app, owner), key, host, to_cluster, stop, abandon)

    def tell(gone: int) -> None:
        terminal.tell(f"{plain(name)}: {show_size(gone)} sent")

    mode = session.options.progress_mode(session.env)
    with session.control() as control:
        moved, _ = watched(
            session,
            name,
            mode,
            lambda on_event, cancel: control.move_volume(request, tell, on_event, cancel),
        )
    if not moved.where:
        terminal.say(f"{plain(name)} stays where it was")
        return Exit.DONE
    size = f": {show_size(moved.copied)} sent, and compared" if moved.copied else ""
    terminal.say(f"{plain(name)} is on {plain(moved.where)} now{size}")
    return moved.exit_code
