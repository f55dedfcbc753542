"""`nap host rm`: a host leaves the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nap_compose.cli import losing
from nap_compose.cli.deploy import tell_what_went_wrong, watched
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.errors import Away, NapError
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Drained


@click.command()
@click.argument("name", metavar="HOST")
@click.option("--lost", is_flag=True, help="It is gone for good, and isn't asked to leave")
@click.option("--leave-volumes", is_flag=True, help="Its volumes stay behind on its disk")
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@with_shared()
def rm(session: Session, *, name: str, lost: bool, leave_volumes: bool, yes: bool) -> int:
    """Take a host out of the cluster: what can be moved moves, then it leaves swarm, cluster file,
    state store and catalog.

    It refuses while something runs there that can't move, or volumes would stay behind, and names
    it. Containers that aren't nap's run on. Run again it goes on where it was.
    """
    from nap_compose.border import RemoveRequest
    from nap_compose.control.connect import founder, own_file

    terminal = session.terminal
    file = own_file(session.options.cluster or None, session.env)
    if not yes:
        _ask(name, terminal, lost=lost)
    known = _empty(session, name, lost=lost, leave_volumes=leave_volumes)
    request = RemoveRequest(file, name, lost)
    remains = founder(session.env).remove(request, lambda text: terminal.tell(plain(text)))
    terminal.say(f"{plain(name)} is no longer in the cluster")
    if lost and known:
        terminal.tell("apps that had replicas there get them anew with `nap up`")
    for text in remains:
        terminal.tell(f"yours to do: {plain(text)}")
    return Exit.DONE


def _ask(name: str, terminal: Terminal, *, lost: bool) -> None:
    if not losing.somebody_is_there(terminal):
        raise NapError(
            f"{name} would leave the cluster, and nobody is there to agree",
            hint="nothing was done. Say so with -y",
            exit_code=Exit.UNANSWERED,
        )
    question = (
        f"Is {plain(name)} off, so that nothing on it runs any more?"
        if lost
        else f"Move what runs on {plain(name)}, and take it out of the cluster?"
    )
    if not losing.agreed(question, terminal):
        raise NapError("nothing was done", exit_code=Exit.UNANSWERED)


def _empty(session: Session, name: str, *, lost: bool, leave_volumes: bool) -> bool:
    """Have nothing of nap's run on the host; says whether the cluster knows it still. Raises
    NapError where something stays."""
    from nap_compose.border import DrainRequest

    with session.control() as control:
        row = next((each for each in control.hosts().rows if each.name == name), None)
        if row is None:
            return False
        if row.problem and not lost:
            raise Away(
                f"it can't be asked to leave: {row.problem}",
                host=name,
                hint=f"when it is gone for good: nap host rm {name} --lost",
            )
        if lost:
            control.confirm_lost(name)
            return True
        drained, _ = watched(
            session,
            name,
            session.options.progress_mode(session.env),
            lambda event, cancel: control.drain(DrainRequest(name), event, cancel),
        )
        _check(drained, session.terminal)
        volumes = control.host(name).volumes
    if volumes and not leave_volumes:
        raise NapError(
            f"its volumes would stay behind: {', '.join(volumes)}",
            host=name,
            hint="nap volume move takes one along; --leave-volumes leaves them on its disk",
        )
    return True


def _check(drained: Drained, terminal: Terminal) -> None:
    for outcome in drained.outcomes:
        tell_what_went_wrong(outcome, terminal)
    for app, why in drained.failed.items():
        terminal.warn(f"{plain(app)}: {plain(why)}")
    if drained.stays:
        raise NapError(
            f"{', '.join(drained.stays)} can't move, and would be lost to the cluster",
            host=drained.host,
            hint=f"nap volume move its volumes, or nap down it; nap host activate {drained.host} "
            "takes the host back",
            exit_code=Exit.NO_ROOM,
        )
    if drained.failed:
        raise NapError("what runs there couldn't all be moved", host=drained.host)
