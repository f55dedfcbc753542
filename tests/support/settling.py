"""A bed after a fault: whole again, so that the next test can begin."""

from __future__ import annotations

from bed import consul_acl, consul_api, docker_api, swarm
from bed.errors import BedError
from bed.layout import Bed, Host
from tests.support.nap import eventually


def settled(bed: Bed) -> None:
    """Wait until all hosts are a swarm again, and Consul could lose one of its servers again."""
    managers = bed.hosts[: swarm.MANAGERS]
    all_ready = len(bed.hosts)
    for host in managers:
        eventually(lambda host=host: swarm.ready(host) == all_ready, "the swarm", within=120)
    for host in bed.hosts:  # after a restart one may know it later than those who lead
        eventually(lambda host=host: _takes_part(host), f"{host.name} to be in it", within=120)
    whole(bed)


def _takes_part(host: Host) -> bool:
    """Whether a host's own engine says so."""
    try:
        told = docker_api.call(host, "GET", "/info")["Swarm"]
    except BedError:
        return False
    return bool(told["LocalNodeState"] == "active" and not told.get("Error"))


def whole(bed: Bed) -> None:
    """Wait until Consul could lose one of its servers again."""
    token = consul_acl.token(bed, consul_acl.MANAGEMENT)

    def spares_one() -> bool:
        try:
            path = "/v1/operator/autopilot/health"
            health = consul_api.call(bed, bed.hosts[0], "GET", path, token=token)
        except BedError:
            return False
        return bool(health and health["FailureTolerance"])

    eventually(spares_one, "Consul to have all its servers", within=120)
