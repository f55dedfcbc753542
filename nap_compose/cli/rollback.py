"""`nap rollback`: bring an app back to a revision that ran before."""

from __future__ import annotations

import click

from nap_compose.cli.deploy import (
    exit_code,
    tell_how_to_go_on,
    tell_what_went_wrong,
    warn_of_the_rest,
    watched,
)
from nap_compose.cli.options import with_shared
from nap_compose.cli.output import report
from nap_compose.cli.revised import app_and_revisions
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session
from nap_compose.text import plain

WAIT = 600.0
"""Seconds until the app has to be healthy again where the command doesn't say."""


@click.command()
@click.argument("words", nargs=-1, metavar="[APP] [REVISION]")
@click.option("--wait-timeout", callback=seconds, metavar="TIME", help="How long to wait (600 s)")
@click.option("-t", "--timeout", callback=seconds, metavar="TIME", help="How long a stop may take")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def rollback(
    session: Session,
    *,
    words: tuple[str, ...],
    wait_timeout: float | None,
    timeout: float | None,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Bring an app back to REVISION, or to the one that ran before; after `nap down`, to the one
    that ran until then.

    The revision is brought about as nap keeps it, whatever the files say now. Services that are
    the same in both are left alone; what the revision doesn't have goes. Volumes stay.
    """
    from nap_compose.border import RollbackRequest

    terminal = session.terminal
    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    with session.control() as control:
        target, numbers = app_and_revisions(session, control, words, most=1)
        request = RollbackRequest(
            target,
            revision=numbers[0] if numbers else 0,
            timeout=WAIT if wait_timeout is None else wait_timeout,
            grace=timeout,
            dry_run=dry_run,
        )
        outcome, done = watched(
            session,
            target.app,
            mode,
            lambda event, cancel: control.rollback(request, event, cancel),
        )
    warn_of_the_rest(outcome, terminal)
    if mode == "json":
        terminal.say(report.as_json(outcome))
    elif outcome.state == "planned":
        report.show_plan(outcome.plan, terminal)
        report.show_differences_of(outcome, terminal)
    elif mode != "quiet" and outcome.state == "unchanged":
        terminal.say(report.nothing_to_do(outcome.plan))
    elif mode != "quiet" and outcome.state == "done":
        terminal.say(f"{plain(target.app)} is back{report.took(outcome)}")
        report.show_changes(outcome, terminal)
        report.show_published(outcome.published, terminal)
    tell_what_went_wrong(outcome, terminal)
    if outcome.state == "interrupted":
        tell_how_to_go_on(outcome, done, session, "rollback")
    return exit_code(outcome)
