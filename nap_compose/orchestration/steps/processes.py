"""Steps on the processes of containers that stay: restart them, send them a signal, freeze them."""

from __future__ import annotations

import time

from nap_compose.cluster.engine import Conflict, EngineError, NotFound
from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps import hooks
from nap_compose.orchestration.steps.ending import stop_there, unless_gone
from nap_compose.orchestration.steps.starting import explained, start_there
from nap_compose.orchestration.steps.workshop import Report, Workshop


def restart(step: Step, shop: Workshop, report: Report) -> str:
    """Stop the container, if it runs, and start it again.

    On an overlay these are two acts. In a swarm stops may take their time beside each other, while
    a host's starts come one by one; with a cluster store what a failed start leaves in its own way
    can be told, and is seen to, only where the start is one.
    """
    engine, container = shop.engine(step), shop.container_of(step)
    try:
        if step.args.get("running"):
            hooks.before_stop(step, container, shop, report)
        report("restarting")
        if shop.overlay != "bridge":
            if step.args.get("running"):
                with shop.gate(step.host).stopping():
                    unless_gone(lambda: stop_there(step, container, shop, report))
            start_there(step, container, shop, report)
        else:
            engine.restart_container(container, grace=step.args.get("grace"))
        hooks.after_start(step, container, shop, report)
    except EngineError as error:
        raise explained(error, step) from error
    with shop.lock:
        shop.last_start = time.monotonic()
    return "restarted"


def kill(step: Step, shop: Workshop, report: Report) -> str:
    """Send the container's process a signal; one that has ended meanwhile needs none."""
    report("killing")
    try:
        shop.engine(step).kill_container(step.target, signal=str(step.args.get("signal") or ""))
    except (NotFound, Conflict):
        return "has ended already"
    return "killed"


def freeze(step: Step, shop: Workshop, report: Report) -> str:
    """Freeze the container's processes."""
    report("pausing")
    try:
        shop.engine(step).pause_container(step.target)
    except NotFound as error:
        raise NapError(
            "can't be paused: it was removed meanwhile",
            host=step.host,
            hint=f"nap ps {shop.plan.app} shows what is there now",
        ) from error
    return "paused"
