"""Steps by which a successor takes over the names of the container that it replaces.

An engine can't change the names of a running container's endpoint. It can take the endpoint away
and make it again, under the same address: connections that are open stand still for a second or so
and go on (tried on swarm overlays of engine 20.10 and 28).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from nap_compose.cluster.engine import Engine, EngineError, NotFound
from nap_compose.compose.model import Condition
from nap_compose.errors import Interrupted
from nap_compose.health.verdict import Word, judge
from nap_compose.orchestration.bodies.making import Making
from nap_compose.orchestration.bodies.networking import endpoint, network_keys
from nap_compose.orchestration.naming import slot_name
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps.passing import until_it_passes
from nap_compose.orchestration.steps.workshop import Report, Workshop
from nap_compose.orchestration.wanted import Slot

LOOK = 0.2
"""How often, in seconds, a pause looks whether it shall end, and a way back for health."""

COMES_BACK = 30.0
"""Seconds for which the way back waits until an old container is well again."""


def join(step: Step, shop: Workshop, report: Report) -> str:
    """Let the slot's container be found under the service's names."""
    report("taking over")
    engine, container = shop.engine(step), shop.container_of(step)
    for network, settings in _endpoints(step, shop, quiet=False):
        found = _found(engine, container, network)
        if not found or not _goes_by(found, settings["Aliases"]):
            _attach_again(step, shop, container, network, settings, found)
    return "serves"


def leave(step: Step, shop: Workshop, report: Report) -> str:
    """Let a container be found under its own name alone; what it was asked it can still answer.

    One that can't be attached again has left all the same: it is about to stop.
    """
    report("giving up its names")
    shop.unlist(step.host, step.target)
    engine = shop.engine(step)
    try:
        for network, settings in _endpoints(step, shop, quiet=True):
            found = _found(engine, step.target, network)
            if found:
                _attach_again(step, shop, step.target, network, settings, found)
    except EngineError:
        return "left its networks"
    return "left"


def come_back(step: Step, shop: Workshop) -> str:
    """Let a container that had left be found again, once it is well."""
    engine = shop.engine(step)
    until = time.monotonic() + COMES_BACK
    while time.monotonic() < until:
        found = shop.snapshots.since(step.host, time.monotonic()).get(step.target)
        if judge(found, Condition.STARTED).word is not Word.PENDING:
            break
        time.sleep(LOOK)
    for network, settings in _endpoints(step, shop, quiet=False):
        there = _found(engine, step.target, network)
        if not there or not _goes_by(there, settings["Aliases"]):
            _attach_again(step, shop, step.target, network, settings, there)
    return ""


def pause(step: Step, shop: Workshop, report: Report) -> str:
    """Let time pass: what was asked of the old container ends, or a new one shows its worth."""
    seconds = float(step.args["seconds"])
    report(f"{step.args['why']} for {seconds:g}s")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if shop.stopped():
            raise Interrupted(f"stopped {step.args['why']}")
        time.sleep(min(LOOK, seconds))
    return "done"


def _endpoints(step: Step, shop: Workshop, *, quiet: bool) -> list[tuple[str, dict[str, Any]]]:
    """The networks of the step's service, each with the settings of its replica's endpoint."""
    app = shop.the_app()
    slot = Slot(str(step.args["service"]), int(step.args["replica"]))
    service = app.services[slot.service]
    name = slot_name(service, shop.plan.owner, shop.plan.project, slot)
    making = Making(app, service, slot, shop.plan.project, name, labels={})
    keys = () if service.spec.get("network_mode") else network_keys(service)
    return [
        (making.network(key), {"Aliases": [], **endpoint(making, key, quiet=quiet)}) for key in keys
    ]


def _found(engine: Engine, container: str, network: str) -> Mapping[str, Any]:
    """The container's endpoint on a network as it is; empty where it has none."""
    settings = engine.inspect_container(container).get("NetworkSettings") or {}
    found: Mapping[str, Any] = (settings.get("Networks") or {}).get(network) or {}
    return found


def _goes_by(found: Mapping[str, Any], names: list[str]) -> bool:
    return set(names) <= set(found.get("Aliases") or ())


def _attach_again(
    step: Step,
    shop: Workshop,
    container: str,
    network: str,
    settings: Mapping[str, Any],
    found: Mapping[str, Any],
) -> None:
    """Take the endpoint away and make it again under the same address, with other settings."""
    engine = shop.engine(step)
    address = found.get("IPAddress")
    addressed = {
        **(settings.get("IPAMConfig") or {}),
        **({"IPv4Address": address} if address else {}),
    }
    body = {"Container": container, "EndpointConfig": {**settings, "IPAMConfig": addressed}}
    with shop.gate(step.host).starting():
        if found:
            with contextlib.suppress(NotFound):
                engine.disconnect_network(network, container)
        until_it_passes(lambda: engine.connect_network(network, body), shop.overlay)
