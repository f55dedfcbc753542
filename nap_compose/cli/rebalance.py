"""`nap rebalance`: spread what runs evenly over the hosts, after one has joined or come back."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from nap_compose.cli.deploy import tell_what_went_wrong, warn_of_the_rest, watched
from nap_compose.cli.losing import agreed, somebody_is_there, tell_changes
from nap_compose.cli.options import with_shared
from nap_compose.cli.output import report
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Control, Outcome, Rebalanced, RebalanceRequest
    from nap_compose.cli.output.terminal import Terminal

WAIT = 600.0
"""Seconds until each app has to be healthy again where the command doesn't say."""


@click.command()
@click.option("--wait-timeout", callback=seconds, metavar="TIME", help="How long to wait (600 s)")
@click.option("-t", "--timeout", callback=seconds, metavar="TIME", help="How long a stop may take")
@click.option("-y", "--yes", is_flag=True, help="Answer every question with yes")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def rebalance(
    session: Session,
    *,
    wait_timeout: float | None,
    timeout: float | None,
    yes: bool,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Move replicas to where they are better off: after a host has joined, or was taken back.

    Each is made on its new host and is healthy before the old one goes, where both can be there at
    once. What keeps its data on its host stays. What is even already isn't touched, so a second
    one moves nothing.
    """
    from nap_compose.border import RebalanceRequest

    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    request = RebalanceRequest(WAIT if wait_timeout is None else wait_timeout, timeout, dry_run)
    with session.control() as control:
        if not (dry_run or yes):
            shown = _asked(session, control, replace(request, dry_run=True), mode)
            if not shown.outcomes or not _agreed(session):
                return _exit_code(shown)
        done = _done(session, control, request, mode)
    _show(done, session, mode)
    return _exit_code(done)


def _asked(session: Session, control: Control, request: RebalanceRequest, mode: str) -> Rebalanced:
    """What would be done, told as far as a person has to know before it is."""
    shown = _done(session, control, request, "quiet")
    if not shown.outcomes:
        _show(shown, session, mode)
    for outcome in shown.outcomes:
        tell_changes(outcome.plan, session.terminal)
    return shown


def _agreed(session: Session) -> bool:
    """Whether the person wants it done; raises NapError where nobody can be asked."""
    if not somebody_is_there(session.terminal):
        raise NapError(
            "replicas would move, and nobody is there to say that they may",
            hint="nothing was done. With -y they are moved without a question",
            exit_code=Exit.UNANSWERED,
        )
    return agreed("Move them?", session.terminal)


def _done(session: Session, control: Control, request: RebalanceRequest, mode: str) -> Rebalanced:
    done, _ = watched(
        session, "hosts", mode, lambda event, cancel: control.rebalance(request, event, cancel)
    )
    return done


def _show(done: Rebalanced, session: Session, mode: str) -> None:
    terminal = session.terminal
    if mode == "json":
        terminal.say(json.dumps(_as_json(done)))
    for outcome in done.outcomes:
        warn_of_the_rest(outcome, terminal)
        if mode not in ("json", "quiet"):
            _show_outcome(outcome, terminal)
        tell_what_went_wrong(outcome, terminal)
    for app, why in done.failed.items():
        terminal.tell(f"{terminal.err_style('nap:', 'red')} {plain(app)}: {plain(why)}")
    for app, why in done.skipped.items():
        terminal.warn(f"{plain(app)} is left alone: {plain(why)}")
    for slot, why in done.stays.items():
        terminal.warn(f"{plain(slot)} stays: {plain(why)}")
    if not (done.outcomes or done.failed) and mode not in ("json", "quiet"):
        terminal.say("nothing to do: whatever can be moved is where it is best off")


def _show_outcome(outcome: Outcome, terminal: Terminal) -> None:
    if outcome.state == "planned":
        report.show_plan(outcome.plan, terminal)
    elif outcome.state == "done":
        terminal.say(f"{plain(outcome.plan.app)} moved{report.took(outcome)}")
        report.show_changes(outcome, terminal)


def _exit_code(done: Rebalanced) -> int:
    """The worst of the apps' own codes; what has to stay where it is, is no failure."""
    codes = [int(each.exit_code) for each in done.outcomes if each.exit_code]
    if done.failed:
        codes.append(int(Exit.FAILED))
    return max(codes, default=Exit.DONE)


def _as_json(done: Rebalanced) -> dict[str, object]:
    found = asdict(done)
    found["outcomes"] = [json.loads(report.as_json(each)) for each in done.outcomes]
    return found
