"""`nap up`: bring an app to what its file says, and wait until it is healthy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from nap_compose.cli.deploy import (
    exit_code,
    tell_how_to_go_on,
    tell_what_went_wrong,
    warn_of_the_rest,
    watched,
)
from nap_compose.cli.options import with_shared
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session
from nap_compose.errors import BadFile, WrongUse
from nap_compose.text import nearest, plain

if TYPE_CHECKING:
    from nap_compose.compose.model import App
    from nap_compose.control.border import Outcome

PULL = ("always", "missing", "never")
WAIT = 600.0
"""Seconds until an app has to be healthy where the command doesn't say."""


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("-d", "--detach", is_flag=True, help="As always: nap leaves what it started running")
@click.option("--wait", is_flag=True, help="As always: nap waits until all is healthy")
@click.option("--wait-timeout", callback=seconds, metavar="TIME", help="How long to wait (600 s)")
@click.option("--pull", type=click.Choice(PULL), help="When to pull images")
@click.option("--force-recreate", is_flag=True, help="Replace containers that need no change too")
@click.option("--no-recreate", is_flag=True, help="Replace no container")
@click.option("--no-deps", is_flag=True, help="Leave what the services depend on alone")
@click.option("--no-start", is_flag=True, help="Create, but start nothing")
@click.option("--scale", multiple=True, metavar="SERVICE=N", help="Run N replicas of a service")
@click.option("--remove-orphans", is_flag=True, help="Remove what the file no longer has")
@click.option("-t", "--timeout", callback=seconds, metavar="TIME", help="How long a stop may take")
@click.option("-y", "--yes", is_flag=True, help="Answer every question with yes")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def up(
    session: Session,
    *,
    services: tuple[str, ...],
    wait_timeout: float | None,
    pull: str | None,
    force_recreate: bool,
    no_recreate: bool,
    no_deps: bool,
    no_start: bool,
    scale: tuple[str, ...],
    remove_orphans: bool,
    timeout: float | None,
    dry_run: bool,
    quiet: bool,
    **_always: bool,
) -> int:
    """Bring an app to what its file says, and wait until it is healthy.

    Services that need no change are left alone. Ctrl-C stops no container.
    """
    from nap_compose.cli.files import judge, loaded
    from nap_compose.control.border import UpRequest

    if force_recreate and no_recreate:
        raise WrongUse("--force-recreate and --no-recreate contradict each other")
    found = loaded(session, services, narrow=False)
    judge(session, found)
    app = found.app
    request = UpRequest(
        app=app,
        services=services,
        scale=_scale(scale, app),
        pull=pull or "",
        force_recreate=force_recreate,
        no_recreate=no_recreate,
        no_deps=no_deps,
        no_start=no_start,
        remove_orphans=remove_orphans or _is_set(session.env, "COMPOSE_REMOVE_ORPHANS"),
        timeout=WAIT if wait_timeout is None else wait_timeout,
        grace=timeout,
        dry_run=dry_run,
    )
    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    try:
        with session.control() as control:
            outcome, done = watched(
                session, app.name, mode, lambda event, cancel: control.up(request, event, cancel)
            )
    except BadFile as error:
        raise found.placed(error) from None
    _report(session, outcome, done, mode, keeps_orphans=not request.remove_orphans)
    return exit_code(outcome)


def _scale(words: Sequence[str], app: App) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        service, equals, number = word.partition("=")
        if not equals or not number.isdecimal():
            raise WrongUse(f"--scale is '{word}'", hint="write it like --scale web=3")
        if service not in app.services:
            near = nearest(service, app.services)
            hint = f"did you mean '{near}'?" if near else f"it has: {', '.join(app.services)}"
            raise WrongUse(f"there is no service '{service}' in {app.name}", hint=hint)
        found[service] = int(number)
    return found


def _report(
    session: Session, outcome: Outcome, done: int, mode: str, *, keeps_orphans: bool
) -> None:
    """What is said at the end: results on standard output, all else on standard error."""
    from nap_compose.cli.output import report

    terminal, plan = session.terminal, outcome.plan
    warn_of_the_rest(outcome, terminal)
    if mode == "json":
        terminal.say(report.as_json(outcome))
    elif outcome.state == "planned":
        report.show_plan(plan, terminal)
    elif mode != "quiet" and outcome.state == "unchanged":
        terminal.say(report.nothing_to_do(plan))
        report.show_published(outcome.published, terminal)
    elif mode != "quiet" and outcome.state == "done":
        terminal.say(f"{plain(plan.app)} is up{report.took(outcome)}")
        report.show_changes(outcome, terminal)
        if outcome.published:
            terminal.say("reached at")
            report.show_published(outcome.published, terminal)
    tell_what_went_wrong(outcome, terminal)
    if outcome.state == "interrupted":
        tell_how_to_go_on(outcome, done, session, "up")
    if plan.orphans and keeps_orphans and not _is_set(session.env, "COMPOSE_IGNORE_ORPHANS"):
        names = ", ".join(plan.orphans)
        terminal.warn(f"the file no longer has {names}; `nap up --remove-orphans` removes them")


def _is_set(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").lower() in ("1", "t", "true", "yes", "y", "on")
