"""`nap host drain`: move what can be moved off a host, and say what stays and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nap_compose.cli.deploy import tell_what_went_wrong, warn_of_the_rest, watched
from nap_compose.cli.options import with_shared
from nap_compose.cli.output import report
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Drained

WAIT = 600.0
"""Seconds until each app has to be healthy again where the command doesn't say."""


@click.command()
@click.argument("name", metavar="HOST")
@click.option("--wait-timeout", callback=seconds, metavar="TIME", help="How long to wait (600 s)")
@click.option("-t", "--timeout", callback=seconds, metavar="TIME", help="How long a stop may take")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def drain(
    session: Session,
    *,
    name: str,
    wait_timeout: float | None,
    timeout: float | None,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Move replicas off a host, app by app, and place nothing there any more.

    Each replica is made elsewhere and is healthy before the old one goes, where both can be there
    at once. What keeps its data on the host, or fits nowhere else, stays, and is named.
    `nap host activate HOST` takes it back.
    """
    from nap_compose.border import DrainRequest

    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    request = DrainRequest(name, WAIT if wait_timeout is None else wait_timeout, timeout, dry_run)
    with session.control() as control:
        drained, _ = watched(
            session, name, mode, lambda event, cancel: control.drain(request, event, cancel)
        )
    if mode == "json":
        session.terminal.say(json.dumps(_as_json(drained)))
    else:
        _tell(drained, session, quiet=quiet)
    return _exit_code(drained)


def _tell(drained: Drained, session: Session, *, quiet: bool) -> None:
    terminal, host = session.terminal, plain(drained.host)
    for outcome in drained.outcomes:
        warn_of_the_rest(outcome, terminal)
        if outcome.state == "planned":
            report.show_plan(outcome.plan, terminal)
        elif not quiet and outcome.state == "done":
            terminal.say(f"{plain(outcome.plan.app)} moved{report.took(outcome)}")
            report.show_changes(outcome, terminal)
        tell_what_went_wrong(outcome, terminal)
    for app, why in drained.failed.items():
        terminal.tell(f"{terminal.err_style('nap:', 'red')} {plain(app)}: {plain(why)}")
    if drained.stays:
        terminal.warn(f"{host} still has {plain(', '.join(drained.stays))}")
    elif not quiet and all(each.state != "planned" for each in drained.outcomes):
        terminal.say(f"{host} is drained: nothing of nap's runs there")
    if drained.foreign:
        terminal.warn(f"{drained.foreign} containers on {host} aren't nap's and stay")


def _exit_code(drained: Drained) -> int:
    """The worst of the apps' own codes; 3 where something has to stay."""
    codes = [int(each.exit_code) for each in drained.outcomes if each.exit_code]
    if codes or drained.failed:
        return max(codes, default=Exit.FAILED)
    return Exit.NO_ROOM if drained.stays else Exit.DONE


def _as_json(drained: Drained) -> dict[str, object]:
    found = asdict(drained)
    found["outcomes"] = [json.loads(report.as_json(each)) for each in drained.outcomes]
    return found
