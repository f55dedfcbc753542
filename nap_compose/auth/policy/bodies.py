"""The judgement of what an engine is about to be sent: the final body, whatever led to it. Pure.

An allow-list of fields: what isn't here is refused, be it a field of an engine that is yet to come.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from nap_compose.auth.policy import mounts
from nap_compose.auth.policy import rules as r
from nap_compose.auth.policy.owned import NAPS_FOLDERS, Named, Owned
from nap_compose.auth.policy.rules import FREE, Bounds, Rule, Verdict, admins, judged
from nap_compose.cluster.engine import Json
from nap_compose.units import show_size

_FREE_AT_THE_TOP = (
    "Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin "
    "StdinOnce Env Cmd Entrypoint Image WorkingDir NetworkDisabled MacAddress StopSignal "
    "StopTimeout Healthcheck"
)
CONTAINER: Mapping[str, Rule] = {
    **dict.fromkeys(_FREE_AT_THE_TOP.split(), FREE),
    "Labels": r.LABELS,
}
"""The fields of a container's body, but for HostConfig and NetworkingConfig."""

_FREE_OF_THE_HOST = (
    "AutoRemove CapDrop CpuCount CpuPercent CpuPeriod CpuQuota Dns DnsOptions DnsSearch ExtraHosts "
    "GroupAdd Init MemoryReservation MemorySwappiness ReadonlyRootfs RestartPolicy"
)
HOST: Mapping[str, Rule] = {
    **dict.fromkeys(_FREE_OF_THE_HOST.split(), FREE),
    "CapAdd": r.CAPABILITIES,
    "CgroupnsMode": r.PRIVATE,
    "DeviceRequests": r.GPUS,
    "Memory": r.MEMORY,
    "MemorySwap": r.SWAP,
    "NanoCpus": r.NANO_CPUS,
    "OomScoreAdj": r.OOM_SCORE,
    "PidsLimit": r.PIDS,
    "Privileged": admins("all rights on the host"),
    "Runtime": r.RUNTIME,
    "SecurityOpt": r.SECURITY,
    "ShmSize": r.SHM,
    "Sysctls": r.SYSCTLS,
    "Ulimits": r.ULIMITS,
}
"""The fields of HostConfig that are judged by themselves; `_MORE` has those that name things."""

ENDPOINT = frozenset(["Aliases", "Links", "IPAMConfig", "MacAddress", "GwPriority"])
NETWORK = frozenset(
    (
        "Name",
        "Driver",
        "Attachable",
        "Internal",
        "EnableIPv4",
        "EnableIPv6",
        "Options",
        "Labels",
        "CheckDuplicate",
    )
)
NETWORK_OPTIONS = frozenset(("com.docker.network.driver.mtu", "encrypted"))
_FREE_OF_A_PROCESS = "AttachStderr AttachStdin AttachStdout Cmd DetachKeys Env Tty User WorkingDir"
EXEC: Mapping[str, Rule] = {
    **dict.fromkeys(_FREE_OF_A_PROCESS.split(), FREE),
    "Privileged": admins("a process with all rights on the host"),
}
_HIDDEN = ("MaskedPaths", "ReadonlyPaths")
"""What of /proc and /sys an engine hides from a container, or lets nobody write to."""
_SET_BY_THE_ENGINE = frozenset(
    (
        "Cgroup",
        "CgroupnsMode",
        "ConsoleSize",
        "ContainerIDFile",
        "LogConfig",
        "MaskedPaths",
        "ReadonlyPaths",
        "Runtime",
        "VolumeDriver",
    )
)
"""What an engine fills in by itself where a body says nothing of it."""


LARGEST = 256 << 10
"""Bytes of a container's body that engines list: whoever looks at any app has them all told."""


def container(body: Json, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    """What is wrong with the body that creates a container."""
    if (size := _listed(body)) > LARGEST:
        yield Verdict(
            f"its labels, command, mounts and the like are {show_size(size)}, and "
            f"{show_size(LARGEST)} is the most"
        )
    for field, value in body.items():
        if field == "HostConfig":
            yield from host_config(value, bounds, owned)
        elif field == "NetworkingConfig":
            for name, endpoint in (value.get("EndpointsConfig") or {}).items():
                yield from attachment(name, endpoint, owned)
        else:
            yield from _by(CONTAINER, field, value, bounds)


def _listed(body: Json) -> int:
    """Bytes of a body, but for what isn't listed and for ports, which have a bound of their own."""
    host = dict(body.get("HostConfig") or {})
    host.pop("PortBindings", None)
    told = {key: value for key, value in body.items() if key not in ("Env", "ExposedPorts")}
    return len(
        json.dumps({**told, "HostConfig": host}, ensure_ascii=False).encode("utf-8", "replace")
    )


def labels_of_image(labels: Json, bounds: Bounds) -> Iterator[Verdict]:
    """What is wrong with the labels that a container has from its image. What a builder writes
    there of itself does nothing."""
    routing = {name: value for name, value in labels.items() if not name.startswith("com.docker.")}
    yield from judged(r.LABELS, routing, bounds)


_LIMITED_LOGS = ("json-file", "local")
"""Log drivers that keep files which can be given an end."""


def with_ends(body: Json, bounds: Bounds, log_driver: Callable[[], str]) -> dict[str, Any]:
    """A container's body in which everything has an end that it says nothing of. `log_driver`
    tells the engine's own."""
    policy = bounds.policy
    host = dict(body.get("HostConfig") or {})
    host["PidsLimit"] = host.get("PidsLimit") or min(policy.default_pids, policy.pids)
    logs = host.get("LogConfig") or {}
    driver = logs.get("Type") or log_driver()
    if driver in _LIMITED_LOGS:
        ends = {"max-size": str(policy.log_size), "max-file": str(policy.log_files)}
        host["LogConfig"] = {"Type": driver, "Config": {**ends, **(logs.get("Config") or {})}}
    return {**body, "HostConfig": mounts.with_ends(host, policy.tmpfs)}


def helper(body: Json, owned: Owned) -> Iterator[Verdict]:
    """What is wrong with the container through which nap itself reaches a host's files."""
    config = body["HostConfig"]
    sources = [str(bind).partition(":")[0] for bind in config.get("Binds") or ()]
    sources += [str(mount.get("Source")) for mount in config.get("Mounts") or ()]
    for source in sources:
        known = source in (*NAPS_FOLDERS, owned.pool_mount) or owned.name(source)
        if not known and not owned.is_being_made(source) and not owned.in_place(source):
            yield Verdict(f"{source} isn't {owned.owner}'s")
    if config.get("NetworkMode") != "none" or set(config) - {"NetworkMode", "Binds", "Mounts"}:
        yield Verdict("it isn't as nap makes it")


def things_of(body: Json) -> Iterator[Named]:
    """The volumes and networks that a container's body names."""
    host = body.get("HostConfig") or {}
    for bind in host.get("Binds") or ():
        yield "volume", str(bind).partition(":")[0]
    for mount in host.get("Mounts") or ():
        yield "volume", str(mount.get("Source") or "")
    yield "network", str(host.get("NetworkMode") or "")
    for name in (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or ():
        yield "network", name


def host_config(config: Json, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    """What is wrong with the part of it that is about the host."""
    for field, value in config.items():
        more = _MORE.get(field)
        if field in _HIDDEN and value is not None:  # an empty list hides nothing
            yield Verdict(f"{field} is the engine's to choose: for admins only")
        if more is not None:
            if value not in (None, "", [], {}):
                yield from more(value, bounds, owned)
        else:
            yield from _by(HOST, field, value, bounds)


def running(inspected: Json, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    """What is wrong with a container that is there, before somebody gets into it."""
    config = inspected.get("HostConfig") or {}
    for key in (key for key in _HIDDEN if config.get(key) == []):
        yield Verdict(f"{key} is empty, so that it sees all of /proc and /sys")
    yield from host_config(
        {key: value for key, value in config.items() if key not in _SET_BY_THE_ENGINE},
        bounds,
        owned,
    )


def process(body: Json, bounds: Bounds) -> Iterator[Verdict]:
    """What is wrong with the body that starts another process in a container."""
    for field, value in body.items():
        yield from _by(EXEC, field, value, bounds)


_FREE_OF_A_BUILD = (
    "version t dockerfile remote buildargs labels target extrahosts cachefrom platform nocache pull"
)
BUILD: Mapping[str, Rule] = {
    **dict.fromkeys(_FREE_OF_A_BUILD.split(), FREE),
    "isolation": admins("another isolation"),
    "memory": r.MEMORY,
    "networkmode": r.BUILD_NETWORK,
    "shmsize": r.SHM,
    "ulimits": r.ULIMITS,
}
"""The words of a build by the classic builder; the images' names are judged beside them."""


def build(query: Json, bounds: Bounds) -> Iterator[Verdict]:
    """What is wrong with the words that a build is asked for with."""
    for field, value in query.items():
        yield from _by(BUILD, field, value, bounds)


def limits_of_a_build(query: Json, bounds: Bounds) -> dict[str, str]:
    """What a build may take at most, where it doesn't say less."""
    policy, found = bounds.policy, {}
    if policy.memory and not query.get("memory"):
        found["memory"] = str(int(policy.memory))
    if policy.cpus:
        found |= {"cpuperiod": "100000", "cpuquota": str(int(policy.cpus * 100_000))}
    return found


def network(body: Json, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    """What is wrong with the body that creates a network."""
    if not owned.name(body.get("Name")):
        yield Verdict(f"the network {body.get('Name')} isn't {owned.owner}'s")
    for field, value in body.items():
        if field == "IPAM" and _from_the_pool(value, owned.addresses):
            continue
        if field not in NETWORK and value not in (None, "", {}, []):
            yield Verdict(f"{field} of a network is for admins only")
    for rule, field in ((r.NETWORK_DRIVER, "Driver"), (r.LABELS, "Labels")):
        yield from judged(rule, body.get(field), bounds)
    strange = sorted(set(body.get("Options") or {}) - NETWORK_OPTIONS)
    if strange:
        yield Verdict(f"the network's option {strange[0]} is for admins only")


def volume(body: Json, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    """What is wrong with the body that creates a volume."""
    if not owned.name(body.get("Name")):
        yield Verdict(f"the volume {body.get('Name')} isn't {owned.owner}'s")
    for field in body:
        if field not in ("Name", "Driver", "DriverOpts", "Labels"):
            yield Verdict(f"{field} of a volume is for admins only")
    for rule, field in ((r.VOLUME_DRIVER, "Driver"), (r.LABELS, "Labels")):
        yield from judged(rule, body.get(field), bounds)
    options = dict(body.get("DriverOpts") or {})
    if options and not _in_the_pool(options, owned):
        yield Verdict("options of the volume's driver are for admins only")


def attachment(network_name: str, endpoint: Json | None, owned: Owned) -> Iterator[Verdict]:
    """What is wrong with attaching a container to a network."""
    if not owned.name(network_name):
        yield Verdict(f"the network {network_name} isn't {owned.owner}'s")
    for field, value in (endpoint or {}).items():
        options = set(value or {}) if field == "DriverOpts" else set()
        if field == "DriverOpts" and options <= {"com.docker.network.endpoint.ifname"}:
            continue
        if field not in ENDPOINT and value not in (None, "", {}, []):
            yield Verdict(f"{field} of an attachment is for admins only")


def _from_the_pool(ipam: Json, pool: str) -> bool:
    """Whether a network's addresses are just one subnet out of the cluster's pool."""
    config = list(ipam.get("Config") or ())
    if set(ipam) - {"Config"} or len(config) != 1 or set(config[0]) != {"Subnet"}:
        return False
    try:
        return bool(pool) and ipaddress.IPv4Network(config[0]["Subnet"]).subnet_of(
            ipaddress.IPv4Network(pool)
        )
    except ValueError:
        return False


def _in_the_pool(options: Json, owned: Owned) -> bool:
    """Whether nap bound the volume to a folder of the owner's in the storage of all hosts."""
    device = PurePosixPath(str(options.get("device") or ""))
    theirs = PurePosixPath(owned.pool, owned.owner)
    beneath = bool(owned.pool) and device.is_relative_to(theirs) and device != theirs
    plain = set(options) == {"type", "o", "device"} and options.get("o") == "bind"
    return beneath and plain and options.get("type") == "none" and ".." not in device.parts


def _by(table: Mapping[str, Rule], field: str, value: Any, bounds: Bounds) -> Iterator[Verdict]:
    rule = table.get(field)
    if rule is not None:
        yield from judged(rule, value, bounds)
    elif value not in (None, "", False, 0, [], {}):
        yield Verdict(f"{field}: nap has no rule for it, so it is for admins only")


def _namespace(*plain: str) -> Callable[[Any, Bounds, Owned], Iterator[Verdict]]:
    def judge(value: Any, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
        del bounds
        kind, _, container_id = str(value).partition(":")
        if kind == "container":
            if not owned.container(container_id):
                yield Verdict(f"the container {container_id[:12]} isn't {owned.owner}'s")
        elif value not in plain:
            yield Verdict(f"the namespace '{value}' is not the container's own: for admins only")

    return judge


def _network_mode(value: Any, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    if not owned.name(value):
        yield from _namespace("none")(value, bounds, owned)


def _volumes_from(value: Any, _: Bounds, owned: Owned) -> Iterator[Verdict]:
    for entry in value:
        if not owned.container(str(entry).partition(":")[0]):
            yield Verdict("mounts of a container that isn't the owner's")


def _links(value: Any, _: Bounds, owned: Owned) -> Iterator[Verdict]:
    for link in value:
        if not owned.name(str(link).lstrip("/")):
            yield Verdict(f"a link to {str(link).partition(':')[0]}, which isn't {owned.owner}'s")


def _ports(value: Any, bounds: Bounds, owned: Owned) -> Iterator[Verdict]:
    for bindings in value.values():
        for binding in bindings or ():
            yield from judged(r.PUBLISHED, binding.get("HostPort"), bounds)
            address = binding.get("HostIp")
            if address != owned.publish_ip:
                yield from judged(r.ADDRESS, address, bounds)


def _logging(value: Any, bounds: Bounds, _: Owned) -> Iterator[Verdict]:
    yield from judged(r.LOG_DRIVER, value.get("Type"), bounds)
    yield from judged(r.LOG_OPTION, value.get("Config"), bounds)


def _devices(value: Any, bounds: Bounds, _: Owned) -> Iterator[Verdict]:
    for device in value:
        yield from judged(r.DEVICE, device.get("PathOnHost"), bounds)


_MORE: Mapping[str, Callable[[Any, Bounds, Owned], Iterator[Verdict]]] = {
    "Binds": mounts.binds,
    "Devices": _devices,
    "IpcMode": _namespace("none", "private", "shareable"),
    "Links": _links,
    "LogConfig": _logging,
    "Mounts": mounts.mounts,
    "NetworkMode": _network_mode,
    "PidMode": _namespace(),
    "Tmpfs": mounts.tmpfs,
    "PortBindings": _ports,
    "VolumesFrom": _volumes_from,
}
"""The fields of HostConfig that name something: a network, a volume, a path, a container …"""
