"""What `up` and `down` have in common: progress while it goes on, and what is said at the end."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from nap_compose.cli.interrupt import Interrupt
from nap_compose.cli.output import report
from nap_compose.cli.output.progress import progress, say_at_once
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.exits import Exit
from nap_compose.orchestration.events import Event, OnEvent, Phase
from nap_compose.orchestration.plan import Change
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Cancel, Outcome
    from nap_compose.cli.foreground import Foreground

T = TypeVar("T")


def watched(
    session: Session,
    title: str,
    mode: str,
    act: Callable[[OnEvent, Cancel], T],
    *,
    beside: Foreground | None = None,
    quiet_pull: bool = False,
) -> tuple[T, int]:
    """Run `act` with its progress shown and Ctrl-C handed on to it; also gives the steps done.

    Where an app is in the foreground `beside` it, Ctrl-C is the app's, and what it prints is kept
    apart from the progress. With `quiet_pull` nothing is shown of how far pulls are.
    """
    shown = progress(mode, title, session.terminal)
    done: set[str] = set()

    def on_event(event: Event) -> None:
        if event.phase is Phase.DONE:
            done.add(event.step)
        if not (quiet_pull and event.phase is Phase.RUNNING and event.subject.startswith("image ")):
            shown.on_event(event)

    if beside is None:
        with shown, Interrupt(shown.notice) as cancel:
            return act(on_event, cancel), len(done)
    try:
        with shown:
            beside.beside(shown.notice, shown.aside)
            return act(on_event, beside.cancel), len(done)
    finally:
        beside.beside(say_at_once, None)


def tell_what_went_wrong(outcome: Outcome, terminal: Terminal) -> None:
    """Failures with their evidence, or else the error, and what became of the app."""
    report.show_failures(outcome.failures, terminal)
    app = plain(outcome.plan.app)
    sentence = {
        "rolled back": f"{app} was put back as it was before"
        + (", but for what follows" if outcome.left else ""),
        "abandoned": f"the lock of {app} was lost, so its deployment was given up; run it again",
    }.get(outcome.state, f"{app} failed" if outcome.state == "failed" else "")
    if outcome.error and not outcome.failures:
        sentence = f"{sentence}: {outcome.error}" if sentence else outcome.error
    if sentence:
        terminal.tell(f"{terminal.err_style('nap:', 'red')} {plain(sentence)}")
    for sentence in outcome.left:
        terminal.tell(f"     left: {plain(sentence)}")


def tell_how_to_go_on(outcome: Outcome, done: int, session: Session, verb: str) -> None:
    """After Ctrl-C: how far it came, how to go on (`verb`, with its flags) and how to undo."""
    terminal, app = session.terminal, outcome.plan.app
    head = terminal.err_style("nap:", "red")
    terminal.tell(f"{head} interrupted after {done} of {len(outcome.plan.steps)} steps")
    command = shlex.join(["nap", *words_again(session), *verb.split()])
    terminal.tell(f"     to go on:  {command}")
    if not verb.startswith("up"):
        return
    changes = {line.change for line in outcome.plan.summary}
    if changes <= {Change.CREATE, Change.KEEP}:
        terminal.tell(f"     to undo:   nap -p {plain(app)} down")
    else:
        terminal.tell(f"     to undo:   {command}, with the file as it was before")


def words_again(session: Session) -> list[str]:
    """The shared options that say which app of which cluster, as they could be typed again."""
    options = session.options
    words = [word for name in options.file for word in ("-f", name)]
    words += [word for name in options.env_file for word in ("--env-file", name)]
    words += [word for name in options.profile for word in ("--profile", name)]
    for flag, value in (
        ("-p", options.project_name),
        ("--project-directory", options.project_directory),
        ("--cluster", options.cluster),
    ):
        words += [flag, value] if value else []
    return words


def warn_of_the_rest(outcome: Outcome, terminal: Terminal) -> None:
    """Notes, and hosts that the plan knows nothing of."""
    for note in dict.fromkeys((*outcome.plan.notes, *outcome.notes)):
        terminal.warn(note)
    for host in outcome.plan.unseen:
        terminal.warn(f"host {host.name} was not seen: {host.text}")


def exit_code(outcome: Outcome) -> int:
    """The outcome's own code; an interrupted one's is always the same."""
    return Exit.INTERRUPTED if outcome.state == "interrupted" else outcome.exit_code
