"""What is to stand in Consul's catalog: a service for each port that containers publish. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from nap_compose.cluster.catalog import CONTAINER, NODE, Listed
from nap_compose.cluster.labels import RESERVED
from nap_compose.cluster.view import ContainerView, HostView, PublishedPort
from nap_compose.health.changes import SlotKey, slot_key
from nap_compose.health.records import ContainerRecord

LONGEST_META = 512
"""Bytes of a value in a service's meta, by Consul."""
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - as engines report it, nothing is bound here


def listed_on(
    host: HostView,
    records: Mapping[SlotKey, ContainerRecord],
    allowed: Collection[str] = (),
) -> dict[str, Listed]:
    """The services of one host, by id. Of a slot only the right container is listed; labels that
    begin as `allowed` are its tags."""
    found = {}
    for container in host.containers:
        key = slot_key(container)
        record = records.get(key) if key else None
        if key is None or record is None or record.container != container.id:
            continue
        if container.state in ("running", "paused"):
            for listed in _listed(container, key, host, record, tuple(allowed)):
                found[listed.id] = listed
    return found


def silent(there: Iterable[Listed], why: str) -> dict[str, Listed]:
    """The same services on a host that isn't up: nobody is to be sent there."""
    return {
        each.id: Listed(
            each.id, each.name, each.address, each.port, "critical", why, each.tags, each.meta
        )
        for each in there
    }


def name_of(owner: str, app: str, service: str) -> str:
    """The name under which a service is found: a label of DNS. All begin as nap's nodes do, so that
    nap's token needs no right to any other service."""
    whole = "-".join(filter(None, (owner, app, service)))
    return NODE + re.sub(r"[^a-z0-9-]", "-", whole.lower())


def _listed(
    container: ContainerView,
    key: SlotKey,
    host: HostView,
    record: ContainerRecord,
    allowed: tuple[str, ...],
) -> Iterable[Listed]:
    owner, app, service, number = key
    ports = _ports(container.ports)
    status, output = _check(container, record)
    name = name_of(owner, app, service)
    unpublished = sorted({f"{each.target}/{each.protocol}" for each in container.exposed})
    meta = {
        CONTAINER: container.id,
        "owner": owner,
        "app": app,
        "service": service,
        "replica": str(number),
        "host": host.name,
        "revision": str(record.revision),
        "unpublished": " ".join(unpublished),
    }
    for first, port in zip([True] + [False] * len(ports), ports, strict=False):
        suffix = "" if first else f"-{port.target}"
        yield Listed(
            id=f"{NODE}{container.id[:12]}-{port.target}-{port.protocol}-{port.port}",
            name=name + suffix,
            address=host.address if port.host_ip in EVERYWHERE else port.host_ip,
            port=port.port,
            status=status,
            output=output,
            tags=_tags(container, allowed),
            meta={
                **{each: text[:LONGEST_META] for each, text in meta.items() if text},
                "target": f"{port.target}/{port.protocol}",
            },
        )


def _ports(ports: Iterable[PublishedPort]) -> list[PublishedPort]:
    """Each once, though an engine lists it for IPv4 and IPv6; the lowest target first."""
    found: dict[tuple[int, str, int], PublishedPort] = {}
    for port in ports:
        key = (port.target, port.protocol, port.port)
        if key not in found or found[key].host_ip == "::":
            found[key] = port
    return [found[key] for key in sorted(found)]


def _check(container: ContainerView, record: ContainerRecord) -> tuple[str, str]:
    """How Consul is told that it is. One that is still starting gets no traffic."""
    if container.state == "paused":
        return "critical", "paused"
    if container.health in ("starting", "unhealthy"):
        return "critical", record.probe or container.health
    return "passing", "healthy" if container.health == "healthy" else "running"


def _tags(container: ContainerView, allowed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{key}={value}"
        for key, value in sorted(container.labels.items())
        if key.startswith(allowed) and allowed and not key.startswith(RESERVED)
    )
