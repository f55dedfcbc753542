"""Endpoints that an engine has left on a network of a cluster store though their container is gone.

Engine 20.10 does so where the store was away for a moment. Whoever bears such an endpoint's name
can't be started, and its network can't be removed. Only an engine that has no container of that
name lets go of it; and as it might be a container's that serves, it stays where a host has such a
container, or can't say.
"""

from __future__ import annotations

import contextlib

from nap_compose.cluster.engine import Engine, EngineAway, EngineError, NotFound
from nap_compose.orchestration.steps.workshop import Workshop

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


def free_dead(shop: Workshop, engine: Engine, network: str) -> None:
    """Have everything let go that holds a network of a cluster store and is no container's."""
    with contextlib.suppress(*_UNKNOWN):
        found = engine.inspect_network(network)
        if found.get("Scope") == "global":
            for each in (found.get("Containers") or {}).values():
                free_name(shop, network, str(each.get("Name")))


def _has(engine: Engine, name: str) -> bool:
    return any(f"/{name}" in each["Names"] for each in engine.containers({"name": [name]}))
