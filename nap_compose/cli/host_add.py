"""`nap host add`: a host with an engine becomes one of the cluster's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nap_compose.cli import losing
from nap_compose.cli.cluster_init import NAME
from nap_compose.cli.doctor import show
from nap_compose.cli.interrupt import Interrupt
from nap_compose.cli.options import with_shared
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.errors import NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nap_compose.border import Finding, Survey


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--via", metavar="ssh://USER@HOST", help="How ssh reaches it, as root or with sudo")
@click.option("--address", metavar="ADDRESS", help="Where the others reach it (as in --via)")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label of the host")
@click.option("--print", "by_hand", is_flag=True, help="Print what to run instead")
@click.option("--image", metavar="IMAGE", help="What tries the ways (placement.probe_image)")
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@with_shared()
def add(
    session: Session,
    *,
    name: str,
    via: str | None,
    address: str | None,
    labels: tuple[str, ...],
    by_hand: bool,
    image: str | None,
    yes: bool,
) -> int:
    """Bring a host into the cluster: its engine listens on TLS, and is joined in the swarm.

    First it looks at the host, says what it would change and which containers stop by that (as a
    rule none), and asks. In the end a small container on each host tries the way to each other.
    Run again it goes on where it was. Without --via, or with --print, it prints what to run on the
    host; then run it again with --address.
    """
    from nap_compose.border import AddRequest
    from nap_compose.control.connect import founder, own_file

    if not NAME.fullmatch(name):
        raise WrongUse(
            f"'{name}' can't be a host's name",
            hint="letters a to z, digits and `-` between them",
        )
    terminal = session.terminal
    request = AddRequest(
        own_file(session.options.cluster or None, session.env),
        name,
        via or "",
        address or "",
        dict(map(_label, labels)),
        True,
    )
    founding = founder(session.env)
    if by_hand:
        for command in founding.by_hand(request, lambda text: terminal.tell(plain(text))):
            terminal.say(plain(command))
        return Exit.DONE
    survey = founding.survey(request)
    _tell(survey, terminal)
    if survey.changes and not yes:
        _ask(name, survey, terminal)
    added = founding.add(request, lambda text: terminal.tell(plain(text)))
    if not added.complete:
        terminal.tell(f"{name}'s engine has to be told to listen; run this, in turn:")
        for command in added.commands:
            terminal.say(plain(command))
        return Exit.PARTIAL
    findings = _tried(session, request.file, image)
    show(findings, terminal)
    terminal.say(f"{name} is in the cluster")
    for text in added.remains:
        terminal.tell(f"yours to do: {plain(text)}")
    return Exit.FAILED if _is_bad(findings) else Exit.DONE


def _label(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not (key and equals):
        raise WrongUse(f"'{word}' is no label", hint="write KEY=VALUE")
    return key, value


def _tell(survey: Survey, terminal: Terminal) -> None:
    """What was found and would be done; raises NapError where the host can't join so."""
    show(list(survey.findings), terminal)
    if _is_bad(survey.findings):
        raise NapError("the host can't join as it is; nothing was changed")
    if survey.changes:
        terminal.say("would be done there:")
        for text in survey.changes:
            terminal.say(f"  {plain(text)}")


def _ask(name: str, survey: Survey, terminal: Terminal) -> None:
    stops = f"; {plain(', '.join(survey.stops))} stop for that long" if survey.stops else ""
    if not losing.somebody_is_there(terminal):
        raise NapError(
            f"{name}'s engine would be restarted{stops}, and nobody is there to agree",
            hint="nothing was done. Say so with -y",
            exit_code=Exit.UNANSWERED,
        )
    if not losing.agreed(f"Do this on {plain(name)}, and restart its engine{stops}?", terminal):
        raise NapError("nothing was done", exit_code=Exit.UNANSWERED)


def _tried(session: Session, file: str, image: str | None) -> list[Finding]:
    """What the doctor says with the host in it, the ways between the hosts tried."""
    from nap_compose.border import DoctorRequest

    terminal = session.terminal
    control = session.connect(file, session.env)
    try:
        with Interrupt(terminal.tell) as cancel:
            wanted = DoctorRequest(network=True, image=image or "")
            return list(control.check_up(wanted, cancel))
    finally:
        control.close()


def _is_bad(findings: Iterable[Finding]) -> bool:
    from nap_compose.border import Grade

    return any(each.grade is Grade.FAULT for each in findings)
