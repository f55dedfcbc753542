"""What start, stop, restart, kill, rm, pause and unpause have in common: whom the words mean, and
what is said at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nap_compose.cli.appname import app_name, has_file
from nap_compose.cli.deploy import (
    exit_code,
    tell_how_to_go_on,
    tell_what_went_wrong,
    warn_of_the_rest,
    watched,
)
from nap_compose.cli.session import Session
from nap_compose.cli.targets import Aim, aim, settle
from nap_compose.errors import NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import ActRequest, Control, Outcome

_PAST = {
    "start": "started",
    "stop": "stopped",
    "restart": "restarted",
    "kill": "killed",
    "rm": "removed",
    "pause": "paused",
    "unpause": "unpaused",
}


def act(
    session: Session,
    verb: str,
    targets: tuple[str, ...],
    *,
    quiet: bool = False,
    ask: bool = False,
    **wanted: Any,
) -> int:
    """Do `verb` with what the words mean; `wanted` is the rest of an ActRequest. With `ask` a
    person must agree first. Gives the exit code."""
    from nap_compose.border import ActRequest
    from nap_compose.orchestration.plan import Verb

    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    with session.control() as control:
        aimed, known = aim_at(targets, control, session, verb)
        request = ActRequest(
            verb=Verb(verb),
            app=aimed.app,
            owner=aimed.owner,
            targets=aimed.targets(),
            known_services=known,
            **wanted,
        )
        if ask and not request.dry_run and not _agreed(control, request, session):
            return Exit.DONE
        outcome, done = watched(
            session, aimed.app, mode, lambda event, cancel: control.act(request, event, cancel)
        )
    _report(session, outcome, mode, verb)
    tell_what_went_wrong(outcome, session.terminal)
    if outcome.state == "interrupted":
        tell_how_to_go_on(outcome, done, session, verb)
    return exit_code(outcome)


def aim_at(
    words: tuple[str, ...], control: Control, session: Session, verb: str
) -> tuple[Aim, tuple[str, ...]]:
    """Whom the words mean, and the services that a file of that app has (none: there is no file).

    The file is read only where a word names what has no container, or none is there at all.
    """
    app = app_name(session)
    aimed = aim(words, app, control)
    if not aimed.app:
        raise WrongUse(
            "which app? No Compose file is here, and none was named",
            hint=f"name one: nap {verb} APP. `nap ls` lists them",
        )
    whole = Aim(aimed.app, aimed.owner)
    listing = control.ps(whole.target(), stopped=True)
    running = {row.service for row in listing.rows}
    known: tuple[str, ...] = ()
    if app == aimed.app and not (running and running.issuperset(aimed.services)):
        known = _services_in_file(session, aimed.app)
    if aimed.slots and not (listing.warnings and not running.union(known)):
        aimed = settle(aimed, running.union(known))
    return aimed, known


def _services_in_file(session: Session, app: str) -> tuple[str, ...]:
    """Every service of the app's file, also those that no profile turned on."""
    from nap_compose.cli.files import load

    if not has_file(session):
        return ()
    loaded = load(session)
    return (*loaded.services, *loaded.profiled_out) if loaded.name == app else ()


def _agreed(control: Control, request: ActRequest, session: Session) -> bool:
    """Whether the person lets those containers go; nobody is asked where none would.

    Raises NapError where there is no terminal to ask on.
    """
    from nap_compose.cli.interrupt import Interrupt
    from nap_compose.cli.losing import agreed, somebody_is_there
    from nap_compose.orchestration.plan import Change

    terminal = session.terminal
    with Interrupt(terminal.tell) as cancel:
        outcome = control.act(replace(request, dry_run=True), lambda _: None, cancel)
    going = [
        f"{line.subject} on {line.host}"
        for line in outcome.plan.summary
        if line.change is Change.REMOVE
    ]
    if not going:
        return True
    listed = plain(", ".join(going))
    if not somebody_is_there(terminal):
        raise NapError(
            f"{listed} would be removed, and nobody is there to say that it may",
            hint="nothing was done. With -f it is removed without a question",
            exit_code=Exit.UNANSWERED,
        )
    return agreed(f"Going to remove {listed}. Are you sure?", terminal)


def _report(session: Session, outcome: Outcome, mode: str, verb: str) -> None:
    """What is said at the end: results on standard output, all else on standard error."""
    from nap_compose.cli.output import report
    from nap_compose.orchestration.plan import Change

    terminal, plan = session.terminal, outcome.plan
    warn_of_the_rest(outcome, terminal)
    changed = [line for line in plan.summary if line.change not in (Change.KEEP, Change.UNSEEN)]
    app = plain(plan.app)
    if mode == "json":
        terminal.say(report.as_json(outcome))
    elif outcome.state == "planned" and plan.steps:
        report.show_plan(plan, terminal)
    elif mode != "quiet" and outcome.state in ("unchanged", "planned"):
        where = " on the hosts that were seen" if outcome.left else ""
        terminal.say(f"nothing to do: nothing of {app} is to be {_PAST[verb]}{where}")
        running = [plain(each.subject) for each in plan.summary if each.reason == "is running"]
        if verb == "rm" and running:
            terminal.tell(f"  still running: {', '.join(running)}; with -s it is stopped first")
    elif mode != "quiet" and outcome.state == "done":
        many = "1 container" if len(changed) == 1 else f"{len(changed)} containers"
        terminal.say(f"{_PAST[verb]} {many} of {app}{report.took(outcome)}")
        report.show_changes(outcome, terminal)
