"""Steps that end containers: stop, remove."""

from __future__ import annotations

from functools import partial
from typing import Any

from nap_compose.cluster.engine import Engine, EngineAway, EngineError, NotFound
from nap_compose.cluster.view import Absence
from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps import hooks
from nap_compose.orchestration.steps.clearing import stop_until_ended, wait_until_stopped
from nap_compose.orchestration.steps.starting import start_there
from nap_compose.orchestration.steps.workshop import Report, Workshop

STUCK = 60.0
"""Seconds for which a process that was killed is waited for."""

_NOT_GONE = ("is zombie and can not be killed", "did not receive an exit event")
"""What engines say of it: 20.10 the first, newer ones either."""


def stop(step: Step, shop: Workshop, report: Report) -> str:
    """Stop a container; one that has gone meanwhile is stopped enough."""
    if step.args.get("running"):
        shop.unlist(step.host, step.target)
        hooks.before_stop(step, step.target, shop, report)
        report("stopping")
        ask = partial(unless_gone, partial(stop_there, step, step.target, shop, report))
        with shop.gate(step.host).stopping():
            if step.args.get("first"):
                stop_until_ended(step, shop, ask)
            else:
                ask()
    return "stopped"


def stop_there(step: Step, container: str, shop: Workshop, report: Report) -> None:
    """Stop a container; within `grace` of the step's, in seconds, it may end by itself.

    A process that was killed while it waits for its disk ends when that has answered, and engines
    call it a failure that they don't see it go: it is waited for, for as long as `STUCK` says.
    """
    engine = shop.engine(step)
    try:
        engine.stop_container(container, grace=step.args.get("grace"))
    except EngineError as error:
        if not any(words in error.message for words in _NOT_GONE):
            raise
        report("killed, and waits for its disk or its storage to let it go")
        _let_it_go(engine, container)


def _let_it_go(engine: Engine, container: str) -> None:
    try:
        engine.wait_container(container, timeout=STUCK)
    except EngineAway as away:
        if away.why is not Absence.TIMEOUT:
            raise
        raise NapError(
            f"was killed {STUCK:.0f} s ago and still isn't gone: its process waits for a disk or "
            "for network storage, which the kernel lets nobody interrupt",
            host=engine.host,
            hint="see to what its volumes are on, and run it again",
        ) from None


def unstop(step: Step, shop: Workshop) -> str:
    """Start it again."""
    start_there(step, step.target, shop)
    return ""


def remove(step: Step, shop: Workshop, _report: Report) -> str:
    """Remove a container. Its anonymous volumes stay unless the step takes them along: a
    successor may have inherited them."""
    wait_until_stopped(step.target, shop)
    volumes = bool(step.args.get("volumes"))
    unless_gone(
        lambda: shop.engine(step).remove_container(step.target, volumes=volumes, force=True)
    )
    return "removed"


def unless_gone(act: Any) -> None:
    """Do it; what is gone already needs it no more."""
    try:
        act()
    except NotFound:
        return
    except EngineError as error:
        # 304: stopped already; 409 "removal … is already in progress": somebody is at it
        if error.status != 304 and "already in progress" not in error.message:
            raise
