"""Consul's catalog of services: the entries of nap's hosts, each on an external node `nap-HOST`.

Never on an agent's own node: the agent would take what it doesn't know away again. One door for
what is written there; what is to stand there `health/catalog.py` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from nap_compose.cluster.cluster import Cluster
from nap_compose.plaindata import dataclass

NODE = "nap-"
"""What the names of nap's nodes begin with; what follows is the host's."""

CONTAINER = "container"
"""The entry in a service's meta that says which container it is."""


@dataclass(frozen=True)
class Listed:
    """One service of a host in the catalog: where it is reached, and how it is.

    `status` is passing, warning or critical, as Consul has it, and `output` says why. `meta` are
    texts that whoever looks it up may want; one of them is the container's id.
    """

    id: str
    name: str
    address: str
    port: int
    status: str = "passing"
    output: str = ""
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)


class Catalog(Protocol):
    """The services of nap's hosts. Every method raises StoreAway."""

    def of(self, host: str) -> Mapping[str, Listed]:
        """What stands there of a host, by id."""

    def enter(self, host: str, address: str, listed: Listed) -> None:
        """Write one, or write it anew; `address` is the host's own."""

    def withdraw(self, host: str, listed: str) -> None:
        """Take one away, by id; harmless where it is gone."""

    def withdraw_container(self, host: str, container: str) -> None:
        """Take all of a container's away, before it stops."""

    def close(self) -> None: ...


class NoCatalog:
    """Where there is no Consul."""

    def of(self, host: str) -> Mapping[str, Listed]:  # noqa: ARG002
        return {}

    def enter(self, host: str, address: str, listed: Listed) -> None:
        """Nobody would find it."""

    def withdraw(self, host: str, listed: str) -> None:
        """Nothing is there."""

    def withdraw_container(self, host: str, container: str) -> None:
        """Nothing is there."""

    def close(self) -> None:
        """Nothing is open."""


class ConsulCatalog:
    """The catalog of the cluster's Consul."""

    def __init__(self, cluster: Cluster, *, haste: bool = False) -> None:
        """With `haste` a Consul that doesn't answer isn't waited for."""
        from nap_compose.cluster.consul_access import servers_of

        if cluster.consul is None:
            raise ValueError("the cluster has no Consul")
        servers = servers_of(cluster, cluster.consul)
        self._servers = servers.in_haste() if haste else servers
        self._cluster = cluster.name

    def of(self, host: str) -> Mapping[str, Listed]:
        found = self._servers.read(f"/v1/catalog/node/{NODE}{host}") or {}
        checks = self._servers.read(f"/v1/health/node/{NODE}{host}") if found else ()
        status = {each["ServiceID"]: each for each in checks or ()}
        return {
            key: _listed(raw, status.get(key, {}))
            for key, raw in (found.get("Services") or {}).items()
        }

    def enter(self, host: str, address: str, listed: Listed) -> None:
        node = NODE + host
        self._servers.send(
            "/v1/catalog/register",
            {
                "Node": node,
                "Address": address,
                "NodeMeta": {"external-node": "true", "external-probe": "false", "nap": "host"},
                "Service": {
                    "ID": listed.id,
                    "Service": listed.name,
                    "Address": listed.address,
                    "Port": listed.port,
                    "Tags": list(listed.tags),
                    "Meta": dict(listed.meta),
                },
                "Checks": [
                    {
                        "Node": node,
                        "CheckID": f"nap:{listed.id}",
                        "Name": "health by nap",
                        "Status": listed.status,
                        "Output": listed.output,
                        "ServiceID": listed.id,
                    }
                ],
            },
        )

    def withdraw(self, host: str, listed: str) -> None:
        self._servers.send("/v1/catalog/deregister", {"Node": NODE + host, "ServiceID": listed})

    def withdraw_container(self, host: str, container: str) -> None:
        for listed in self.of(host).values():
            if listed.meta.get(CONTAINER) == container:
                self.withdraw(host, listed.id)

    def close(self) -> None:
        self._servers.close()


def catalog_of(cluster: Cluster, *, haste: bool = False) -> Catalog:
    """The cluster's catalog. Raises BadFile for a Consul that can't be used."""
    return ConsulCatalog(cluster, haste=haste) if cluster.consul else NoCatalog()


def _listed(raw: Mapping[str, Any], check: Mapping[str, Any]) -> Listed:
    return Listed(
        id=str(raw["ID"]),
        name=str(raw["Service"]),
        address=str(raw.get("Address") or ""),
        port=int(raw.get("Port") or 0),
        status=str(check.get("Status") or ""),
        output=str(check.get("Output") or ""),
        tags=tuple(raw.get("Tags") or ()),
        meta=raw.get("Meta") or {},
    )
