"""What up, create, scale and plan have in common: the file read, what is wanted asked for, and
what came of it told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nap_compose.cli.building import contexts_of
from nap_compose.cli.deploy import (
    exit_code,
    tell_how_to_go_on,
    tell_what_went_wrong,
    warn_of_the_rest,
    watched,
)
from nap_compose.cli.losing import may_go_on, may_lose, somebody_is_there
from nap_compose.cli.session import Session
from nap_compose.errors import BadFile, NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.text import nearest, plain

if TYPE_CHECKING:
    from nap_compose.border import Control, Outcome, UpRequest
    from nap_compose.cli.foreground import Foreground
    from nap_compose.cli.staying import Staying
    from nap_compose.cli.watching.following import Watching
    from nap_compose.compose.loader import Loaded
    from nap_compose.compose.model import App

PULL = ("always", "missing", "never", "build")
_ENDS = {"up": "up", "create": "created", "scale": "scaled"}
"""What an app is at the end of each verb."""

WAIT = 600.0
"""Seconds until an app has to be healthy where the command doesn't say."""


def bring_up(
    session: Session,
    services: tuple[str, ...],
    mode: str,
    *,
    verb: str = "up",
    scale: tuple[str, ...],
    why: tuple[str, ...],
    remove_orphans: bool,
    yes: bool,
    out: str = "",
    staying: Staying | None = None,
    quiet_pull: bool = False,
    **wanted: Any,
) -> int:
    """Read the file, ask for what is `wanted` (the rest of an UpRequest), and tell what came of it;
    `mode` is how progress is shown, `out` the file that the plan is kept in, `verb` what the
    person typed, `staying` whether it stays with the app; with `quiet_pull` nothing is shown of how
    far pulls are. Gives the exit code."""
    from nap_compose.border import UpRequest
    from nap_compose.cli.beside import look_beside
    from nap_compose.cli.files import judge, loaded

    if wanted["force_recreate"] and wanted["no_recreate"]:
        raise WrongUse("--force-recreate and --no-recreate contradict each other")
    numbers = _numbers(scale)
    found = loaded(session, services, narrow=False)
    app = found.app
    if verb == "up":
        _has_services(app)
    request = UpRequest(
        app=app,
        services=services,
        scale={_service(name, app): number for name, number in numbers.items()},
        why=tuple(_service(name, app) for name in why),
        may_lose=dict.fromkeys(app.volumes, True) if yes else {},
        careful=not yes and somebody_is_there(session.terminal),
        remove_orphans=remove_orphans or is_set(session.env, "COMPOSE_REMOVE_ORPHANS"),
        keep=bool(out),
        contexts=contexts_of(app),
        **wanted,
    )
    try:
        with session.control() as control:
            judge(session, found, site=control.site())
            beside = look_beside(session, found, control)
            if beside.app.content:
                request = replace(request, app=beside.app, supply=beside.supply)
            if staying is not None:
                request = replace(request, wait=staying.wait or bool(control.site().cluster))
                if staying.stays(control.site()) and not (request.dry_run or request.no_start):
                    watching = _watching(session, found, services) if staying.watch else None
                    return _in_the_foreground(
                        session, control, request, mode, staying, watching, quiet_pull=quiet_pull
                    )
            outcome, done = _asked(session, control, request, mode, quiet_pull=quiet_pull)
    except BadFile as error:
        raise found.placed(error) from None
    if outcome.saved:
        from nap_compose.cli import saved

        saved.write(outcome.saved, out, session)
        if out == saved.STANDARD_OUTPUT:
            return exit_code(outcome)
    again = f"{verb} -d" if staying is not None and staying.detach else verb
    end = _ENDS["create" if request.no_start else verb]
    keeps_orphans = not request.remove_orphans
    _report(session, outcome, done, mode, verb, keeps_orphans=keeps_orphans, again=again, end=end)
    return exit_code(outcome)


def _has_services(app: App) -> None:
    """Refuses an app of no service, as Compose does: that it is up would say nothing."""
    if app.services:
        return
    if app.profiled_out:
        raise WrongUse(
            f"no service of {app.name} is turned on: all have profiles",
            hint="turn one on with --profile NAME; `nap config --profiles` lists them",
        )
    raise WrongUse(
        f"there is no service in the file of {app.name}", hint="`nap down` takes away what is there"
    )


def run_saved(session: Session, file: str, services: tuple[str, ...], mode: str) -> int:
    """Do what a saved plan says, and tell what came of it; gives the exit code."""
    from nap_compose.cli import saved

    if services or session.options.file:
        raise WrongUse(
            "a saved plan says itself what is brought up", hint="leave out the files and services"
        )
    plan = saved.read(file)
    with session.control() as control:
        outcome, done = watched(
            session, plan.app, mode, lambda event, cancel: control.run_plan(plan, event, cancel)
        )
    if outcome.state == "asks":
        raise NapError(
            f"volume {', '.join(outcome.plan.loses)} would be made anew, and lose its data",
            hint="nothing was done. Without --plan, nap up asks about each",
            exit_code=Exit.UNANSWERED,
        )
    keeps_orphans = not plan.options.get("remove_orphans")
    _report(session, outcome, done, mode, "up", keeps_orphans=keeps_orphans)
    return exit_code(outcome)


def _watching(session: Session, found: Loaded, services: tuple[str, ...]) -> Watching:
    from nap_compose.cli.staying import with_needs
    from nap_compose.cli.watching.following import Watching

    return Watching(session, found, with_needs(found.app, services))


def _in_the_foreground(
    session: Session,
    control: Control,
    request: UpRequest,
    mode: str,
    staying: Staying,
    watching: Watching | None,
    *,
    quiet_pull: bool,
) -> int:
    """Bring it up and stay with it. Standard output is the app's then: of the deployment only
    what went wrong is told."""
    from nap_compose.cli.foreground import Foreground

    with Foreground(
        session,
        control,
        request.app,
        staying,
        services=request.services,
        grace=request.grace,
        watching=watching,
    ) as foreground:
        outcome, done = _asked(session, control, request, mode, foreground, quiet_pull=quiet_pull)
        _report(session, outcome, done, "quiet", "up", keeps_orphans=not request.remove_orphans)
        return foreground.stay(outcome, mode)


def _asked(
    session: Session,
    control: Control,
    request: UpRequest,
    mode: str,
    foreground: Foreground | None = None,
    *,
    quiet_pull: bool,
) -> tuple[Outcome, int]:
    """What came of the request, and how many steps were done; where data would be lost, or
    something moves or goes, the person is asked first."""

    def brought_up(wanted: UpRequest) -> tuple[Outcome, int]:
        return watched(
            session,
            wanted.app.name,
            mode,
            lambda event, cancel: control.up(wanted, event, cancel),
            beside=foreground,
            quiet_pull=quiet_pull,
        )

    outcome, done = brought_up(request)
    if outcome.state != "asks":
        return outcome, done
    with foreground.asking() if foreground else nullcontext():
        if not may_go_on(outcome.plan, session.terminal):
            return outcome, done
        answers = may_lose(outcome.plan, session.terminal)
    return brought_up(replace(request, may_lose=answers, careful=False))


def _numbers(words: Sequence[str]) -> dict[str, int]:
    """How many replicas of which service each `SERVICE=N` asks for."""
    found: dict[str, int] = {}
    for word in words:
        service, _, number = word.partition("=")
        if not service or not number.isdecimal():
            raise WrongUse(
                f"'{word}' doesn't say how many replicas of which service",
                hint=f"write it like {service or 'web'}=3",
            )
        found[service] = int(number)
    return found


def _service(name: str, app: App) -> str:
    """The name of a service that the app has; raises WrongUse for another."""
    if name in app.services:
        return name
    near = nearest(name, app.services)
    hint = f"did you mean '{near}'?" if near else f"it has: {', '.join(app.services)}"
    raise WrongUse(f"there is no service '{name}' in {app.name}", hint=hint)


def _report(
    session: Session,
    outcome: Outcome,
    done: int,
    mode: str,
    verb: str,
    *,
    keeps_orphans: bool,
    again: str = "",
    end: str = "up",
) -> None:
    """What is said at the end: results on standard output, all else on standard error. `again` is
    what to type to go on, where that isn't the verb alone, `end` what the app is now."""
    from nap_compose.cli.output import report

    terminal, plan = session.terminal, outcome.plan
    warn_of_the_rest(outcome, terminal)
    if mode == "json":
        terminal.say(report.as_json(outcome))
    elif outcome.state == "planned":
        report.show_plan(plan, terminal)
        report.show_differences_of(outcome, terminal)
        report.show_why(outcome, terminal)
    elif mode != "quiet" and outcome.state == "unchanged":
        terminal.say(report.nothing_to_do(plan))
        report.show_published(outcome.published, terminal)
    elif mode != "quiet" and outcome.state == "done":
        terminal.say(f"{plain(plan.app)} is {end}{report.took(outcome)}")
        report.show_changes(outcome, terminal)
        if outcome.published:
            terminal.say("reached at")
            report.show_published(outcome.published, terminal)
    tell_what_went_wrong(outcome, terminal)
    if outcome.state == "interrupted":
        tell_how_to_go_on(outcome, done, session, again or verb)
    if plan.orphans and keeps_orphans and not is_set(session.env, "COMPOSE_IGNORE_ORPHANS"):
        names = ", ".join(plan.orphans)
        terminal.warn(f"the file no longer has {names}; `nap up --remove-orphans` removes them")


def is_set(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").lower() in ("1", "t", "true", "yes", "y", "on")
