"""The engines joined in a swarm, for attachable overlay networks."""

from __future__ import annotations

from typing import Any

from bed import proc
from bed.docker_api import call
from bed.errors import BedError
from bed.layout import Bed, Host

MANAGERS = 3
_PORT = 2377


def join(bed: Bed) -> None:
    """Join every engine that isn't, three of them as managers, and wait until all are ready."""
    states = {host: _state(host) for host in bed.hosts}
    manager = next((host for host in bed.hosts if states[host].get("ControlAvailable")), None)
    if manager is None:
        manager = bed.hosts[0]
        if _joined(states[manager]):
            _wait_for_quorum(manager)
        else:
            call(manager, "POST", "/swarm/init", _addresses(manager))
    tokens = call(manager, "GET", "/swarm")["JoinTokens"]
    for host in bed.hosts:
        if host != manager and not _joined(states[host]):
            role = "Manager" if host.number <= MANAGERS else "Worker"
            leader = {"RemoteAddrs": [f"{manager.ip}:{_PORT}"], "JoinToken": tokens[role]}
            call(host, "POST", "/swarm/join", {**_addresses(host), **leader})
    proc.wait_for(lambda: ready(manager) == len(bed.hosts), 60, "all swarm nodes to be ready")


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


def _wait_for_quorum(manager: Host) -> None:
    proc.wait_for(
        lambda: _state(manager).get("ControlAvailable"), 60, "the swarm's managers to agree"
    )


def _addresses(host: Host) -> dict[str, Any]:
    return {"ListenAddr": f"{host.ip}:{_PORT}", "AdvertiseAddr": host.ip, "DataPathAddr": host.ip}


def _state(host: Host) -> dict[str, Any]:
    state: dict[str, Any] = call(host, "GET", "/info")["Swarm"]
    return state
