"""What `pull` and `push` have in common: progress while it goes on, and what is said at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from nap_compose.cli.deploy import watched
from nap_compose.cli.session import Session
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Cancel, Handled
    from nap_compose.orchestration.events import OnEvent


def handle(
    session: Session,
    title: str,
    act: Callable[[OnEvent, Cancel], Handled],
    *,
    word: str,
    quiet: bool,
    dry_run: bool,
) -> None:
    """Run `act` and tell what came of it; `word` is what becomes of an image: pulled, pushed."""
    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    handled, _ = watched(session, title, mode, act)
    for note in handled.notes:
        session.terminal.warn(note)
    if mode == "json":
        session.terminal.say(json.dumps(handled.done))
    elif dry_run:
        for each in handled.done:
            session.terminal.say(plain(f"would be {word}: {each}"))
    elif mode != "quiet":
        count = len(handled.done)
        session.terminal.say(f"{count} image{'' if count == 1 else 's'} {word}")
