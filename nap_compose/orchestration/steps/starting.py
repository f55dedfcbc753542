"""Starting a container on its host: when it may, and again where what keeps it from it passes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nap_compose.cluster.engine import EngineError, NotFound
from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps.endpoints import free_name
from nap_compose.orchestration.steps.passing import until_it_passes
from nap_compose.orchestration.steps.workshop import Report, Workshop

_LEFT_BEHIND = re.compile(r"endpoint with name (\S+) already exists in network (\S+)")


def start_there(
    step: Step,
    container: str,
    shop: Workshop,
    report: Report | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Start a container on the step's host. Raises EngineError."""

    def once() -> None:
        with _turn(step.host, container, shop):
            try:
                shop.engine(step).start_container(container)
            except EngineError as error:
                if not _freed(error, step, shop):
                    raise
                shop.engine(step).start_container(container)

    with shop.gate(step.host).starting():
        until_it_passes(once, shop.overlay, report, stopped)


def _freed(error: EngineError, step: Step, shop: Workshop) -> bool:
    """Whether its name was in its own way on a network, and isn't any more: a start that
    failed halfway has left it there."""
    found = _LEFT_BEHIND.search(error.message)
    if found is None or shop.overlay != "consul":
        return False
    name, network = found.groups()
    return free_name(shop, network, name, owns=step.host)


def explained(error: EngineError, step: Step) -> NapError:
    """An engine's refusal to start, with what to do about it where that is known."""
    text = error.message
    hint = None
    if "port is already allocated" in text or "address already in use" in text:
        hint = "another program has the port: publish another one, or stop what has it"
    elif "Could not attach to network" in text:
        hint = "the swarm's managers didn't answer this host: see `nap host ls` for their quorum"
    elif isinstance(error, NotFound):
        hint = "it was removed meanwhile: `nap up` makes it anew"
    return NapError(f"can't be started: {text}", host=step.host, hint=hint)


@contextmanager
def _turn(host: str, container: str, shop: Workshop) -> Iterator[None]:
    """Where the start brings a network of a swarm to the host, other deployments wait with theirs
    until the block is done."""
    if shop.overlay != "swarm" or not _brings_a_network(host, container, shop):
        yield
        return
    with shop.turn(host):
        yield


def _brings_a_network(host: str, container: str, shop: Workshop) -> bool:
    """Whether none of the app's running containers there has one of this one's networks."""
    there = shop.snapshots.since(host, time.monotonic())
    running = [other for other in there.values() if other.state in ("running", "paused")]
    joined = {network for other in running for network in other.networks}
    own = there.get(container)
    return own is None or not joined.issuperset(own.networks)
