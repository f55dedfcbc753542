"""Steps that end containers: stop, remove."""

from __future__ import annotations

from typing import Any

from nap_compose.cluster.engine import EngineError, NotFound
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps import hooks
from nap_compose.orchestration.steps.starting import start_there
from nap_compose.orchestration.steps.workshop import Report, Workshop


def stop(step: Step, shop: Workshop, report: Report) -> str:
    """Stop a container; one that has gone meanwhile is stopped enough."""
    if step.args.get("running"):
        shop.unlist(step.host, step.target)
        hooks.before_stop(step, step.target, shop, report)
        report("stopping")
        grace = step.args.get("grace")
        with shop.gate(step.host).stopping():
            unless_gone(lambda: shop.engine(step).stop_container(step.target, grace=grace))
    return "stopped"


def unstop(step: Step, shop: Workshop) -> str:
    """Start it again."""
    start_there(step, step.target, shop)
    return ""


def remove(step: Step, shop: Workshop, _report: Report) -> str:
    """Remove a container. Its anonymous volumes stay unless the step takes them along: a
    successor may have inherited them."""
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
