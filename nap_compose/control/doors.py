"""The inner doors of a cluster: what only its own machines should reach."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.cluster.view import View
from nap_compose.health.doctor.roads import Door

SWARM = {"swarm managers": 2377, "overlay gossip": 7946}
MOOSEFS = 9421
"""The port of a MooseFS master for its clients."""

_PORTS = {"http": 80, "https": 443, "ldap": 389, "ldaps": 636, "mysql": 3306}


def doors_of(cluster: Cluster, view: View) -> list[Door]:
    """Every port of the engines, the swarm, Consul, the database, the directory and MooseFS, each
    once."""
    found = [*_of_hosts(cluster, view), *_of_services(cluster)]
    return list({(door.address, door.port): door for door in found}.values())


def _of_hosts(cluster: Cluster, view: View) -> Iterator[Door]:
    for name, host in cluster.hosts.items():
        endpoint = endpoint_of(host)
        if endpoint.unix:
            continue
        yield Door("engine ports", endpoint.name, endpoint.port)
        if name in view.hosts and view.hosts[name].swarm.cluster:
            for service, port in SWARM.items():
                yield Door(service, endpoint.name, port)


def _of_services(cluster: Cluster) -> Iterator[Door]:
    urls: list[tuple[str, str]] = []
    if cluster.consul:
        urls += [("Consul", url) for url in (cluster.consul.url, *cluster.consul.also)]
    if cluster.database:
        urls.append(("database", cluster.database.url))
    if cluster.ldap:
        urls += [("directory", url) for url in cluster.ldap.urls]
    for service, url in urls:
        parts = urlsplit(url)
        if parts.hostname:
            yield Door(service, parts.hostname, parts.port or _PORTS.get(parts.scheme, 0))
    if cluster.storage.moosefs:
        yield Door("MooseFS", cluster.storage.moosefs.master, MOOSEFS)
