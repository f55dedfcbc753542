"""`nap adopt`: move an app in that a host's own Compose runs, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.appname import app_name
from nap_compose.cli.bringing import WAIT
from nap_compose.cli.building import contexts_of
from nap_compose.cli.deploy import (
    exit_code,
    tell_what_went_wrong,
    warn_of_the_rest,
    watched,
    words_again,
)
from nap_compose.cli.losing import agreed, somebody_is_there
from nap_compose.cli.options import with_shared
from nap_compose.cli.output import report
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session
from nap_compose.cli.targets import aim
from nap_compose.errors import BadFile, NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Adoption, AdoptRequest, Control, MovedBack, Target


@click.command()
@click.argument("app", required=False, metavar="[[OWNER/]APP]")
@click.option("--host", metavar="HOST", help="The host whose own Compose runs it")
@click.option("--owner", default="", metavar="NAME", help="Whose app it becomes (yours)")
@click.option("--project", default="", metavar="NAME", help="What Compose calls it, if otherwise")
@click.option("--leave-anonymous", is_flag=True, help="Leave behind what is in anonymous volumes")
@click.option("--back", is_flag=True, help="Move it back: its old containers run again")
@click.option("--done", is_flag=True, help="Remove its old containers; then there is no way back")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@click.option("--wait-timeout", callback=seconds, metavar="TIME", help="How long to wait (600 s)")
@with_shared()
def adopt(
    session: Session,
    *,
    app: str | None,
    host: str | None,
    owner: str,
    project: str,
    leave_anonymous: bool,
    back: bool,
    done: bool,
    dry_run: bool,
    yes: bool,
    wait_timeout: float | None,
) -> int:
    """Make an app of a Compose project that `docker compose` runs on one host of the cluster.

    Its volumes stay in place, under their names. All that can be is made ready first; then the old
    containers are stopped, which is when the app is down, and the new ones are started. The old
    ones are kept, stopped: --back lets them run again on the same volumes, --done removes them.
    """
    if back or done:
        if (back and done) or host or owner or project or leave_anonymous or dry_run:
            raise WrongUse("--back and --done go with an app's name alone")
        with session.control() as control:
            target = _target(app, session, control)
            if done:
                return _settled(control.settle_in(target), target, session)
            return _moved_back(session, control, target, yes=yes)
    if app:
        raise WrongUse(
            f"'{app}': the app is what the file says", hint="-f FILE, and -p NAME to call it else"
        )
    if not host:
        raise WrongUse("which host runs it?", hint="nap adopt -f compose.yml --host HOST")
    wanted = {
        "host": host,
        "owner": owner,
        "project": project,
        "leave_anonymous": leave_anonymous,
        "timeout": WAIT if wait_timeout is None else wait_timeout,
    }
    return _move_in(session, wanted, dry_run=dry_run, yes=yes)


def _move_in(session: Session, wanted: dict[str, Any], *, dry_run: bool, yes: bool) -> int:
    from nap_compose.border import AdoptRequest
    from nap_compose.cli.beside import look_beside
    from nap_compose.cli.files import judge, loaded

    found = loaded(session, (), narrow=False)
    mode = session.options.progress_mode(session.env)
    try:
        with session.control() as control:
            judge(session, found, site=control.site())
            beside = look_beside(session, found, control)
            request = AdoptRequest(
                beside.app,
                contexts=contexts_of(found.app),
                supply=beside.supply if beside.app.content else None,
                **wanted,
            )
            planned = _asked(session, control, request, "quiet", dry_run=True)
            if mode != "json":
                _tell_plan(planned, session)
            if dry_run or planned.outcome.state != "planned":
                if mode == "json":
                    session.terminal.say(_as_json(planned))
                return exit_code(planned.outcome)
            if not yes:
                _ask(f"Move {plain(planned.app)} in, and stop it for that?", session)
            adoption = _asked(session, control, request, mode, dry_run=False)
    except BadFile as error:
        raise found.placed(error) from None
    if mode == "json":
        session.terminal.say(_as_json(adoption))
    else:
        _tell_end(adoption, session)
    return exit_code(adoption.outcome)


def _asked(
    session: Session, control: Control, request: AdoptRequest, mode: str, *, dry_run: bool
) -> Adoption:
    from dataclasses import replace

    request = replace(request, dry_run=dry_run)
    adoption, _ = watched(
        session,
        request.app.name,
        mode,
        lambda on_event, cancel: control.adopt(request, on_event, cancel),
    )
    return adoption


def _ask(question: str, session: Session) -> None:
    """Go on only where a person says yes."""
    terminal = session.terminal
    if not somebody_is_there(terminal):
        raise NapError(
            "it would be stopped for a moment, and nobody was asked",
            hint="nothing was done. With -y it is done unasked",
            exit_code=Exit.UNANSWERED,
        )
    if not agreed(question, terminal):
        raise NapError("nothing was done", exit_code=Exit.UNANSWERED)


def _tell_plan(adoption: Adoption, session: Session) -> None:
    terminal = session.terminal
    warn_of_the_rest(adoption.outcome, terminal)
    for note in adoption.notes:
        terminal.warn(plain(note))
    report.show_plan(adoption.outcome.plan, terminal)
    where = plain(adoption.host)
    for volume in adoption.stays:
        terminal.say(f"volume {plain(volume.key)} stays in place on {where}: {plain(volume.name)}")
    names = plain(", ".join(adoption.containers))
    terminal.say(f"stopped on {where} and kept, as the way back: {names}")
    terminal.say(
        f"{plain(adoption.app)} is down from when these are stopped until the new containers are "
        "well; images, networks and containers are made ready before, and no data is copied"
    )


def _tell_end(adoption: Adoption, session: Session) -> None:
    terminal, app, outcome = session.terminal, plain(adoption.app), adoption.outcome
    name = f"{adoption.owner}/{adoption.app}"
    tell_what_went_wrong(outcome, terminal)
    if outcome.state in ("done", "unchanged"):
        terminal.say(f"{app} has moved in; it was down for {adoption.down:.1f} s")
        report.show_published(outcome.published, terminal)
        terminal.say(f"the way back:      nap adopt --back {plain(name)}")
        terminal.say(f"when all is well:  nap adopt --done {plain(name)}")
    elif adoption.back:
        terminal.tell(f"     {app} runs on {plain(adoption.host)} again, as before")
    elif outcome.state == "interrupted":
        again = " ".join(words_again(session))
        terminal.tell(f"     to go on:  nap {again} adopt --host {plain(adoption.host)}")
        terminal.tell(f"     to undo:   nap adopt --back {plain(name)}")


def _moved_back(session: Session, control: Control, target: Target, *, yes: bool) -> int:
    if not yes:
        _ask(f"Take {plain(target.app)} off the cluster, and start what it was before?", session)
    mode = session.options.progress_mode(session.env)
    moved, _ = watched(
        session,
        target.app,
        mode,
        lambda on_event, cancel: control.move_back(target, on_event, cancel),
    )
    if mode == "json":
        session.terminal.say(_as_json(moved))
    elif moved.containers:
        where = f"{plain(target.app)} is back on {plain(moved.host)}"
        session.terminal.say(f"{where}; it was down for {moved.down:.1f} s")
    for note in moved.notes:
        session.terminal.warn(plain(note))
    tell_what_went_wrong(moved.outcome, session.terminal)
    return Exit.FAILED if moved.notes else exit_code(moved.outcome)


def _settled(names: tuple[str, ...], target: Target, session: Session) -> int:
    session.terminal.say(
        f"{plain(target.app)} stays; its old containers are removed: {plain(', '.join(names))}"
    )
    return Exit.DONE


def _target(app: str | None, session: Session, control: Control) -> Target:
    if app is None:
        aimed = aim((), app_name(session), control)
    else:
        aimed = aim((app if app.count("/") != 1 else f"{app}/",), None, control)
    if aimed.slots or not aimed.app:
        raise WrongUse("which app?", hint="nap adopt --back [OWNER/]APP; nap ls lists them")
    return aimed.target()


def _as_json(answer: Adoption | MovedBack) -> str:
    told = {key: each for key, each in vars(answer).items() if key != "outcome"}
    if "stays" in told:
        told["stays"] = [asdict(each) for each in told["stays"]]
    return json.dumps({**told, "deployment": json.loads(report.as_json(answer.outcome))})
