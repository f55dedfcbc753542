"""What Consul knows of the hosts' own agents: alive, failed, or nothing.

Consul's agents watch each other, from everywhere at once; its servers' leader keeps what they
agree on as each node's check `serfHealth`. So that is a word from elsewhere on whether a host
lives, besides its engine's silence. A host is known by its node's name, else by its address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.plaindata import dataclass

_AGENT = "serfHealth"


@dataclass(frozen=True)
class Member:
    """A host's agent: whether the others find it alive, and whether it is one of the servers."""

    alive: bool
    server: bool = False


class Members(Protocol):
    """Who is in the cluster, by Consul's word."""

    def look(self) -> Mapping[str, Member]:
        """The agent of each host; a host that has none isn't there. Raises StoreAway."""

    def close(self) -> None: ...


class NoMembers:
    """Where there is no Consul, nobody is known."""

    def look(self) -> Mapping[str, Member]:
        return {}

    def close(self) -> None:
        """Nothing is open."""


class ConsulMembers:
    """The agents of the cluster's Consul."""

    def __init__(self, cluster: Cluster) -> None:
        from nap_compose.cluster.consul_access import servers_of

        if cluster.consul is None:
            raise ValueError("the cluster has no Consul")
        self._cluster = cluster
        self._servers = servers_of(cluster, cluster.consul)

    def look(self) -> Mapping[str, Member]:
        checks = self._servers.read("/v1/health/state/any", filter=f'CheckID == "{_AGENT}"')
        alive = {
            each["Node"]: each["Status"] == "passing"
            for each in checks or ()
            if each["CheckID"] == _AGENT
        }
        nodes = self._servers.read("/v1/catalog/nodes")
        addresses = {each["Node"]: str(each["Address"]) for each in nodes or ()}
        by_address = {address: node for node, address in addresses.items() if node in alive}
        peers = self._servers.read("/v1/status/peers") or ()
        leading = {str(each).rpartition(":")[0].strip("[]") for each in peers}
        found = {}
        for name, host in self._cluster.hosts.items():
            node = name if name in alive else by_address.get(endpoint_of(host).name, "")
            if node:
                found[name] = Member(alive[node], addresses.get(node, "") in leading)
        return found

    def close(self) -> None:
        self._servers.close()


def members_of(cluster: Cluster) -> Members:
    """What is known of the cluster's hosts. Raises BadFile for a Consul that can't be used."""
    return ConsulMembers(cluster) if cluster.consul else NoMembers()
