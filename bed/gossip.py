"""Whether the engines of a Consul-backed overlay really reach each other.

An engine that missed the others' gossip at its start looks healthy, and containers on it are not
reachable from the rest. Only traffic shows it, so each pair of hosts is tried with a ping, and an
engine that fails is started again.
"""

from __future__ import annotations

from bed import busybox, containers, engines, proc
from bed.docker_api import call
from bed.errors import BedError
from bed.layout import Bed, Host

_NETWORK = "nap-bed-check"
_ATTEMPTS = 3


def ensure(bed: Bed) -> None:
    """Mend the engines until every host's containers reach every other's."""
    marker = bed.directory / "gossip-checked"
    if marker.exists() or len(bed.hosts) < 2:
        return
    for _ in range(_ATTEMPTS):
        lonely = _lonely(bed)
        if not lonely:
            marker.touch()
            return
        for host in lonely:
            engines.stop(bed, host)
            engines.start(bed, host)
    names = ", ".join(host.name for host in lonely)
    raise BedError(f"containers on {names} don't reach the others; see {bed.logs}/*.dockerd.log")


def _lonely(bed: Bed) -> list[Host]:
    """The hosts whose containers the first host's don't reach; the first reaches itself."""
    name_of = {host: f"{_NETWORK}-{host.name}" for host in bed.hosts}
    first = bed.hosts[0]
    containers.create_overlay(bed, _NETWORK)
    try:
        for host, name in name_of.items():
            containers.run(host, name, network=_NETWORK)
        return [
            host
            for host in bed.hosts[1:]
            if not _reaches(host, name_of[host], name_of[first])
            or not _reaches(first, name_of[first], name_of[host])
        ]
    finally:
        for host, name in name_of.items():
            containers.remove(host, name)
            call(host, "DELETE", f"/images/{busybox.IMAGE}")
        containers.remove_overlay(bed, _NETWORK)


def _reaches(host: Host, name: str, target: str) -> bool:
    try:
        return proc.wait_for(lambda: containers.pings(host, name, target), 6, f"{target} to answer")
    except BedError:
        return False
