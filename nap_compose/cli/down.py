"""`nap down`: remove an app's containers and networks. It needs the hosts alone, not the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nap_compose.cli.appname import app_name
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
from nap_compose.cli.targets import Aim, aim, settle
from nap_compose.errors import WrongUse
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Control, Outcome


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-v", "--volumes", is_flag=True, help="Remove the app's volumes and their data too")
@click.option(
    "--rmi", type=click.Choice(("all", "local")), help="Remove images: all, or those built"
)
@click.option("--remove-orphans", is_flag=True, help="Remove what the file no longer has")
@click.option("-t", "--timeout", callback=seconds, metavar="TIME", help="How long a stop may take")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def down(
    session: Session,
    *,
    targets: tuple[str, ...],
    volumes: bool,
    rmi: str | None,
    remove_orphans: bool,
    timeout: float | None,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Remove an app's containers and networks; its volumes stay unless -v is given.

    TARGET is a service where a file or -p gives the app, otherwise an app, then its services.
    """
    from nap_compose.border import DownRequest

    app = app_name(session)
    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    with session.control() as control:
        aimed, known = _aim(targets, app, control, session)
        request = DownRequest(
            app=aimed.app,
            owner=aimed.owner,
            services=aimed.services,
            volumes=volumes,
            images=rmi or "",
            remove_orphans=remove_orphans,
            known_services=known,
            grace=timeout,
            dry_run=dry_run,
        )
        outcome, done = watched(
            session, aimed.app, mode, lambda event, cancel: control.down(request, event, cancel)
        )
    _report(session, outcome, done, mode, keeps_orphans=not remove_orphans)
    return exit_code(outcome)


def _aim(
    words: tuple[str, ...], app: str | None, control: Control, session: Session
) -> tuple[Aim, tuple[str, ...] | None]:
    """What is to go, and the services that the file knows (None: there is no file)."""
    aimed = aim(words, app, control)
    if not aimed.app:
        raise WrongUse(
            "which app? No Compose file is here, and none was named",
            hint="name one: nap down APP. `nap ls` lists them",
        )
    if any(slot.replica for slot in aimed.slots):
        raise WrongUse(
            "single replicas can't be taken down",
            hint="change how many there are with `nap up --scale SERVICE=N`",
        )
    known = _services_in_file(session, aimed.app) if app == aimed.app else None
    if aimed.slots:
        whole = Aim(aimed.app, aimed.owner)
        running = {row.service for row in control.ps(whole.target(), stopped=True).rows}
        aimed = settle(aimed, running.union(known or ()))
    return aimed, known


def _services_in_file(session: Session, app: str) -> tuple[str, ...] | None:
    """Every service of the app's file, also those that no profile turned on."""
    from nap_compose.cli.appname import has_file
    from nap_compose.cli.files import load

    if not has_file(session):
        return None
    loaded = load(session)
    return (*loaded.services, *loaded.profiled_out) if loaded.name == app else None


def _report(
    session: Session, outcome: Outcome, done: int, mode: str, *, keeps_orphans: bool
) -> None:
    from nap_compose.cli.output import report

    terminal, plan = session.terminal, outcome.plan
    warn_of_the_rest(outcome, terminal)
    if mode == "json":
        terminal.say(report.as_json(outcome))
    elif outcome.state == "planned" and not plan.empty:
        report.show_plan(plan, terminal)
    elif mode != "quiet" and (outcome.state == "unchanged" or plan.empty) and not outcome.error:
        where = "on the hosts that were seen" if outcome.left else "there"
        terminal.say(f"nothing to do: nothing of {plain(plan.app)} is {where}")
    elif mode != "quiet" and outcome.state == "done":
        terminal.say(f"{plain(plan.app)} is down{report.took(outcome)}")
        report.show_changes(outcome, terminal)
    tell_what_went_wrong(outcome, terminal)
    if outcome.state == "interrupted":
        tell_how_to_go_on(outcome, done, session, "down")
    if plan.orphans and keeps_orphans:
        names = ", ".join(plan.orphans)
        terminal.warn(f"the file has no {names}; `nap down --remove-orphans` removes them too")
