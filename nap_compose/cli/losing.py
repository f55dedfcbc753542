"""Before data is lost, or something moves or goes, a person is asked."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

from nap_compose.cli.output.terminal import Terminal
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.orchestration.plan import Change, Plan


def may_go_on(plan: Plan, terminal: Terminal) -> bool:
    """Whether replicas may move or go as the plan says; nobody is asked where none does, or where
    there is no terminal to ask on."""
    from nap_compose.orchestration.plan import Change

    going = (Change.MOVE, Change.REMOVE)
    changes = {line.change for line in plan.summary}
    if changes.isdisjoint(going) or not somebody_is_there(terminal):
        return True
    tell_changes(plan, terminal, going)
    return agreed("Go on?", terminal)


def may_lose(plan: Plan, terminal: Terminal) -> dict[str, bool]:
    """Of each volume that the plan would make anew, whether it may; as in Compose, no keeps it as
    it is and goes on. Raises NapError where there is no terminal to ask on."""
    if not somebody_is_there(terminal):
        names = ", ".join(plan.loses)
        raise NapError(
            f"the definition of volume {names} changed; made anew, it would lose its data",
            hint="nothing was done. With -y it is made anew; or set its definition back",
            exit_code=Exit.UNANSWERED,
        )
    return {
        key: agreed(
            f"Volume {plain(key)} is there, but its definition changed. "
            "Make it anew, and lose the data in it?",
            terminal,
        )
        for key in plan.loses
    }


def tell_changes(plan: Plan, terminal: Terminal, only: Collection[Change] = ()) -> None:
    """The lines of a plan that a person is to agree to: these changes, or all that are any."""
    from nap_compose.orchestration.plan import Change

    wanted = [
        line
        for line in plan.summary
        if (line.change in only if only else line.change not in (Change.KEEP, Change.UNSEEN))
    ]
    terminal.tell(f"{plain(plan.app)} would change:")
    for line in wanted:
        where = f" on {line.host}" if line.host else ""
        why = f" ({plain(line.reason)})" if line.reason else ""
        terminal.tell(f"  {line.change.value:8} {plain(line.subject)}{where}{why}")


def somebody_is_there(terminal: Terminal) -> bool:
    """Whether there is a person at a terminal who can be asked."""
    return sys.stdin.isatty() and terminal.err_is_terminal


def agreed(question: str, terminal: Terminal) -> bool:
    """Whether the person says yes; anything else is no."""
    terminal.tell(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
