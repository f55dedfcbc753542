"""The engines joined in a swarm, for attachable overlay networks."""

from __future__ import annotations

from typing import Any

from bed import proc
from bed.docker_api import call
from bed.errors import BedError
from bed.layout import Bed, Host

MANAGERS = 3
_PORT = 2377
_PATIENCE = 120  # after an outage of several hosts the managers take their time


def join(bed: Bed) -> None:
    """Join every engine that isn't, three of them as managers, and wait until all are ready."""
    joined = [host for host in bed.hosts if _joined(_state(host))]
    if not joined:
        call(bed.hosts[0], "POST", "/swarm/init", _addresses(bed.hosts[0]))
        joined = [bed.hosts[0]]
    manager = proc.wait_for(lambda: _spokesman(joined), _PATIENCE, "the swarm to have a leader")
    tokens = call(manager, "GET", "/swarm")["JoinTokens"]
    for host in bed.hosts:
        if host not in joined:
            role = "Manager" if host.number <= MANAGERS else "Worker"
            leader = {"RemoteAddrs": [f"{manager.ip}:{_PORT}"], "JoinToken": tokens[role]}
            call(host, "POST", "/swarm/join", {**_addresses(host), **leader})
    proc.wait_for(
        lambda: ready(manager) == len(bed.hosts), _PATIENCE, "all swarm nodes to be ready"
    )


def ready(manager: Host) -> int:
    """How many nodes the swarm holds for ready."""
    try:
        nodes = call(manager, "GET", "/nodes")
    except BedError:
        return 0
    return sum(1 for node in nodes if _is_ready(node))


def role(host: Host) -> str:
    """One of: manager, worker, alone, no quorum."""
    state = _state(host)
    if not _joined(state):
        return "alone"
    if state.get("ControlAvailable"):
        return "manager" if not state.get("Error") else "no quorum"
    return "worker" if not state.get("Error") else "no quorum"


def _is_ready(node: dict[str, Any]) -> bool:
    reachability = node.get("ManagerStatus", {}).get("Reachability", "reachable")
    return bool(node["Status"]["State"] == "ready" and reachability == "reachable")


def _joined(state: dict[str, Any]) -> bool:
    return bool(state["LocalNodeState"] != "inactive")


def _spokesman(joined: list[Host]) -> Host | None:
    """A host that can speak for the swarm: a manager that knows a leader."""
    return next((host for host in joined if ready(host)), None)


def _addresses(host: Host) -> dict[str, Any]:
    return {"ListenAddr": f"{host.ip}:{_PORT}", "AdvertiseAddr": host.ip, "DataPathAddr": host.ip}


def _state(host: Host) -> dict[str, Any]:
    state: dict[str, Any] = call(host, "GET", "/info")["Swarm"]
    return state
