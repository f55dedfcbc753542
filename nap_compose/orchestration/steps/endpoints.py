"""Endpoints that an engine has left on a network of a cluster store though their container is gone.

Engine 20.10 does so where the store was away for a moment. Whoever bears such an endpoint's name
can't be started, and its network can't be removed. Only an engine that has no container of that
name lets go of it; and as it might be a container's that serves, it stays where a host has such a
container, or can't say.
"""

from __future__ import annotations

import contextlib
from functools import partial

from nap_compose.cluster import names
from nap_compose.cluster.engine import Engine, EngineAway, EngineError, NotFound
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps.passing import until_it_passes
from nap_compose.orchestration.steps.workshop import Report, Workshop

_UNKNOWN = (EngineAway, EngineError)


def free_name(shop: Workshop, network: str, name: str, *, owns: str = "") -> bool:
    """Have a name let go by a host that has no container of it, where no host has one but the one
    that `owns` it; whether that was done."""
    helpers = [shop.engines.on(host) for host in shop.engines.names if host != owns]
    if not helpers:
        return False
    try:
        if any(_has(engine, name) for engine in helpers):
            return False
    except _UNKNOWN:
        return False
    with contextlib.suppress(NotFound):
        helpers[0].disconnect_network(network, name, force=True)
    return True


def free_lost(step: Step, shop: Workshop, _report: Report) -> str:
    """Have every endpoint let go that a replica on a dead host has, whatever its container was
    called: its successor is there by now, so none of that replica's on another host is."""
    engine, name = shop.engine(step), str(step.args["name"])
    for network in map(str, step.args["networks"]):
        until_it_passes(partial(_free_of_slot, engine, network, name), shop.overlay)
    return "freed"


def free_dead(shop: Workshop, engine: Engine, network: str) -> None:
    """Have everything let go that holds a network of a cluster store and is no container's."""
    with contextlib.suppress(*_UNKNOWN):
        found = engine.inspect_network(network)
        if found.get("Scope") == "global":
            for each in (found.get("Containers") or {}).values():
                free_name(shop, network, str(each.get("Name")))


def _has(engine: Engine, name: str) -> bool:
    return any(f"/{name}" in each["Names"] for each in engine.containers({"name": [name]}))


def _free_of_slot(engine: Engine, network: str, slot: str) -> None:
    """Have an engine let go what bears a name of the slot's and is no container's of its host."""
    there = engine.inspect_network(network).get("Containers") or {}
    for key, each in there.items():
        if key.startswith("ep-") and names.is_of_slot(str(each["Name"]), slot):
            with contextlib.suppress(NotFound):
                engine.disconnect_network(network, str(each["Name"]), force=True)
