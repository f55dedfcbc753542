"""An engine's answers, read into what nap's View holds. Pure: JSON in, frozen data out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from nap_compose.cluster import labels as label
from nap_compose.cluster import published
from nap_compose.cluster.holding import NO_MOST, NOTHING, Holding, Most, kind
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.names import container_name, failed_name
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.view import (
    ContainerView,
    ImageView,
    NetworkView,
    PublishedPort,
    SwarmView,
    VolumeView,
)

Json = Mapping[str, Any]

_ENDED = re.compile(r"(?:Exited|Restarting) \((-?\d+)\)")
_HEALTH = re.compile(r"\((health: starting|healthy|unhealthy)\)")
_MADE_FOR = re.compile(r"(?:\.old|\.failed)?\.[^.]{1,8}$")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_NAMELESS = "<none>"


def container_view(raw: Json, host: str, *, cluster: str, seal: Seal | None) -> ContainerView:
    """One entry of `GET /containers/json`.

    Its identity is what nap's labels say, None where they aren't `cluster`'s or, with a `seal`,
    aren't sealed for this container. One that failed and is kept fills no slot: what its labels
    say is `kept`.
    """
    labels = raw.get("Labels") or {}
    name = _own_name(raw.get("Names") or ())
    status = raw.get("Status") or ""
    mounts = raw.get("Mounts") or ()
    identity = container_identity(labels, name, cluster=cluster, seal=seal)
    failed = _failed(identity, name)
    identity = None if failed else identity
    return ContainerView(
        id=raw["Id"],
        name=name,
        host=host,
        state=raw.get("State") or "",
        health=_health(status),
        exit_code=_exit_code(status),
        status=status,
        created=int(raw.get("Created") or 0),
        image=raw.get("Image") or "",
        image_id=raw.get("ImageID") or "",
        labels=labels,
        ports=_ports(raw.get("Ports") or ()),
        networks=tuple(sorted((raw.get("NetworkSettings") or {}).get("Networks") or {})),
        volumes=tuple(sorted(each["Name"] for each in mounts if each.get("Type") == "volume")),
        binds=tuple(sorted(each["Source"] for each in mounts if each.get("Type") == "bind")),
        identity=identity,
        kept=failed,
        holding=Holding.read(labels.get(label.HOLDS, "")) if identity else NOTHING,
        publishes=published.read(labels.get(label.HOLDS, "")) if identity else (),
        most=Most.read(labels.get(label.HOLDS, "")) if identity else NO_MOST,
        command=raw.get("Command") or "",
        exposed=_exposed(raw.get("Ports") or ()),
        mounts=tuple(each.get("Name") or each.get("Source") or "" for each in mounts),
        local_volumes=sum(each.get("Driver") == "local" for each in mounts),
    )


def _failed(identity: Identity | None, name: str) -> Identity | None:
    """The identity of a container that failed and is kept. Nobody can choose such a name for
    another: a deployment's id isn't known before."""
    if identity is None or not identity.deployment:
        return None
    kept_as = failed_name(_MADE_FOR.sub("", name), identity.deployment)
    return replace(identity, role=label.FAILED) if name == kept_as else None


def container_identity(
    labels: Mapping[str, str], name: str, *, cluster: str, seal: Seal | None
) -> Identity | None:
    """Whose container it is. It was sealed under the name of its slot, and may go by that name,
    by the temporary one it was made under, or by the one it was set aside under."""
    slot = container_name(
        labels.get(label.COMPOSE + "project", ""),
        labels.get(label.SERVICE, ""),
        int(labels[label.REPLICA]) if labels.get(label.REPLICA, "").isdecimal() else 0,
    )
    names = tuple(dict.fromkeys((name, _MADE_FOR.sub("", name), slot)))
    return label.read(labels, names=names, cluster=cluster, seal=seal)


def network_view(raw: Json, host: str, *, cluster: str, seal: Seal | None) -> NetworkView:
    """One entry of `GET /networks`. Its identity as in `container_view`."""
    labels = raw.get("Labels") or {}
    return NetworkView(
        id=raw["Id"],
        name=raw["Name"],
        host=host,
        driver=raw.get("Driver") or "",
        scope=raw.get("Scope") or "local",
        attachable=bool(raw.get("Attachable")),
        internal=bool(raw.get("Internal")),
        ipv6=bool(raw.get("EnableIPv6")),
        options=raw.get("Options") or {},
        ipam=raw.get("IPAM") or {},
        labels=labels,
        identity=label.read(labels, names=(raw["Name"],), cluster=cluster, seal=seal),
    )


def volume_view(raw: Json, host: str, *, cluster: str, seal: Seal | None) -> VolumeView:
    """One entry of `GET /volumes`. Its identity as in `container_view`."""
    labels = raw.get("Labels") or {}
    return VolumeView(
        name=raw["Name"],
        host=host,
        driver=raw.get("Driver") or "local",
        options=raw.get("Options") or {},
        labels=labels,
        identity=label.read(labels, names=(raw["Name"],), cluster=cluster, seal=seal),
        mountpoint=raw.get("Mountpoint") or "",
        scope=raw.get("Scope") or "local",
    )


def image_view(raw: Json) -> ImageView:
    """One entry of `GET /images/json`."""
    return ImageView(
        id=raw["Id"],
        tags=_named(raw.get("RepoTags")),
        digests=_named(raw.get("RepoDigests")),
        size=int(raw.get("Size") or 0),
        created=int(raw.get("Created") or 0),
    )


def architecture(info: Json) -> str:
    """The machine's architecture as images and `platform:` call it: amd64, arm64 …"""
    machine = info.get("Architecture") or ""
    return _ARCHITECTURES.get(machine, machine)


def engine_labels(info: Json) -> Mapping[str, str]:
    """The labels that the engine itself was started with."""
    pairs = (each.partition("=") for each in info.get("Labels") or ())
    return {key: value for key, _, value in pairs}


def devices(info: Json) -> Mapping[str, int]:
    """How many devices of each kind the engine tells of: the generic resources of its own
    configuration (`node-generic-resources`), and what it discovered (CDI)."""
    found: Counter[str] = Counter()
    for resource in info.get("GenericResources") or ():
        counted = resource.get("DiscreteResourceSpec") or {}
        named = resource.get("NamedResourceSpec") or {}
        if counted.get("Kind"):
            found[kind(counted["Kind"])] += int(counted.get("Value") or 0)
        elif named.get("Kind"):
            found[kind(named["Kind"])] += 1
    for device in info.get("DiscoveredDevices") or ():
        name, _, which = str(device.get("ID") or "").partition("=")
        if which and which != "all" and kind(name) not in found:
            found[kind(name)] = sum(
                str(other.get("ID")).startswith(f"{name}=") and other.get("ID") != f"{name}=all"
                for other in info["DiscoveredDevices"]
            )
    return dict(found)


def clock_skew(info: Json, now: datetime) -> float:
    """The engine's clock less ours, in seconds; 0 where it doesn't tell."""
    told = re.fullmatch(
        r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d)",
        info.get("SystemTime") or "",
    )
    if not told:
        return 0.0
    whole, fraction, zone = told.groups(default="")
    zone = "+00:00" if zone == "Z" else zone
    fraction = f"{fraction:0<7}" if fraction else ""  # Python 3.10 wants three digits or six
    return (datetime.fromisoformat(whole + fraction + zone) - now).total_seconds()


def swarms(infos: Mapping[str, Json]) -> Mapping[str, SwarmView]:
    """What each host's `GET /info` says of its swarm, by host.

    Only managers with a quorum know their swarm's id; the others know the managers by node id. So
    hosts that know one another, directly or over others, are in the same swarm and get the same
    id: the one that any of them tells, else one made from the lowest node id among them.
    """
    raws = {host: info.get("Swarm") or {} for host, info in infos.items()}
    members = {host: raw for host, raw in raws.items() if raw.get("NodeID")}
    ids: dict[str, str] = {}
    for group in _acquainted({host: _nodes(raw) for host, raw in members.items()}):
        told = {_swarm_id(members[host]) for host in group} - {""}
        nodes = {node for host in group for node in _nodes(members[host])}
        ids |= dict.fromkeys(group, min(told) if told else f"of-{min(nodes)}")
    return {host: _swarm_view(raw, ids.get(host, "")) for host, raw in raws.items()}


def now() -> datetime:
    """This moment, UTC."""
    return datetime.now(timezone.utc)


def _swarm_view(raw: Json, cluster: str) -> SwarmView:
    error = raw.get("Error") or ""
    if raw.get("LocalNodeState") in ("pending", "error", "locked"):
        error = error or f"the node is {raw['LocalNodeState']}"
    return SwarmView(
        cluster=cluster,
        node=raw.get("NodeID") or "",
        # Without a quorum a manager still calls itself one, but can't tell its swarm's id.
        control=bool(raw.get("ControlAvailable")) and not error and bool(_swarm_id(raw)),
        managers=int(raw.get("Managers") or 0) or len(raw.get("RemoteManagers") or ()),
        error=error,
    )


def _swarm_id(raw: Json) -> str:
    return (raw.get("Cluster") or {}).get("ID") or ""


def _nodes(raw: Json) -> set[str]:
    """The node ids that a host knows to be in its swarm, its own among them."""
    managers = raw.get("RemoteManagers") or ()
    return {raw["NodeID"], *(each["NodeID"] for each in managers if each.get("NodeID"))}


def _acquainted(known: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of hosts which share, directly or over others, what they know."""
    groups: list[tuple[list[str], set[str]]] = []
    for host, nodes in known.items():
        joined = [group for group in groups if group[1] & nodes]
        apart = [group for group in groups if not group[1] & nodes]
        hosts = [each for group in joined for each in group[0]]
        groups = [*apart, ([*hosts, host], nodes.union(*(group[1] for group in joined)))]
    return [hosts for hosts, _ in groups]


def _own_name(names: Sequence[str]) -> str:
    """The container's name; names with a second slash are links from other containers."""
    own = [name for name in names if name.count("/") == 1]
    return (own or list(names) or [""])[0].lstrip("/")


def _health(status: str) -> str:
    found = _HEALTH.search(status)
    return found[1].removeprefix("health: ") if found else "none"


def _exit_code(status: str) -> int | None:
    found = _ENDED.match(status)
    return int(found[1]) if found else None


def _ports(raw: Iterable[Json]) -> tuple[PublishedPort, ...]:
    found = {
        PublishedPort(
            port=int(each["PublicPort"]),
            target=int(each["PrivatePort"]),
            protocol=each.get("Type") or "tcp",
            host_ip=each.get("IP") or PublishedPort.host_ip,
        )
        for each in raw
        if each.get("PublicPort")
    }
    return tuple(sorted(found, key=lambda port: (port.port, port.protocol, port.host_ip)))


def _exposed(raw: Iterable[Json]) -> tuple[PublishedPort, ...]:
    return tuple(
        PublishedPort(0, int(each["PrivatePort"]), each.get("Type") or "tcp", host_ip="")
        for each in raw
        if not each.get("PublicPort")
    )


def _named(names: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(name for name in names or () if not name.startswith(_NAMELESS))
