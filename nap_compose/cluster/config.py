"""The cluster file: what may stand in it, and the Cluster it comes to.

Every fault is named with its line and column, all of them at once. Secrets never stand in the
file, only the names of files that hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from nap_compose import spared
from nap_compose.cluster import fields as f
from nap_compose.cluster.cluster import (
    LEAST_KEPT,
    Backup,
    Cluster,
    Consul,
    Database,
    Failover,
    Host,
    Ldap,
    Logs,
    Moosefs,
    Network,
    Ports,
    Prune,
    Reserve,
    Storage,
    Tls,
)
from nap_compose.cluster.holding import kind
from nap_compose.cluster.names import owner_of
from nap_compose.cluster.notify_config import NOTIFY
from nap_compose.cluster.policy import Policy
from nap_compose.cluster.use import RESOURCES, read_amount
from nap_compose.errors import BadFile, BadFiles, Place
from nap_compose.units import parse_duration

Limits = Mapping[str, int]

STATE_DIR = Path("/var/lib/nap")
LOG_DIR = Path("/var/log/nap")
LARGEST = 4 << 20
"""The largest cluster file in bytes: that of a few thousand hosts is well below."""


def read(path: Path, *, hostless: bool = False) -> Cluster:
    """The Cluster that the file at `path` describes; raises BadFile or BadFiles.

    One without hosts is a fault, unless `hostless` says that they are still to come.
    """
    root = _parse(path)
    if root is None:
        raise BadFile("the cluster file is empty", place=Place(str(path)), hint=_AN_EXAMPLE)
    reading = f.Reading(str(path), path.absolute().parent)
    found = _CLUSTER(root, "", reading)
    if found is f.BAD:
        raise BadFiles(tuple(reading.faults))
    cluster = _cluster(path, found)
    if not cluster.hosts and not hostless:
        reading.fault(_at(root, "hosts"), "hosts", "a cluster needs a host", _A_HOST)
    _check_together(cluster, root, reading)
    if reading.faults:
        raise BadFiles(tuple(reading.faults))
    return cluster


_AN_EXAMPLE = "the least is `name: lab` and `hosts: {h1: {endpoint: tcp://10.0.0.11:2376}}`"

_A_HOST = "nap host add h1 --via ssh://admin@10.0.0.11, or `h1: {endpoint: …}` under it"


def _parse(path: Path) -> f.Node | None:
    """The file's tree of nodes, which know their places; None for an empty file."""
    with spared.patterns:
        import yaml

    place = Place(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise BadFile(f"can't read the cluster file: {error.strerror}", place=place) from None
    if len(content) > LARGEST:
        raise BadFile(f"the cluster file is larger than {LARGEST >> 20} MiB", place=place)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return cast("f.Node | None", yaml.compose(content, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = Place(str(path), mark.line + 1, mark.column + 1) if mark else place
        raise BadFile(f"not valid YAML: {error.problem or error.context}", place=at) from None
    except yaml.YAMLError as error:
        raise BadFile(f"not valid YAML: {error}", place=place) from None
    except RecursionError:
        raise BadFile("not valid YAML: nested too deeply", place=place) from None


# --- What may stand in it. The keys' names are those of the dataclasses in cluster.py. ---


def _address(text: str) -> str:
    import ipaddress

    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"'{text}' is no IP address") from None


def _pool(text: str) -> str:
    import ipaddress

    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"no range of addresses such as 10.128.0.0/9: {error}") from None


def _port_range(text: str) -> Ports:
    first, dash, last = text.partition("-")
    if first.isdecimal() and (last.isdecimal() or not dash):
        ports = Ports(int(first), int(last) if dash else int(first))
        if 1 <= ports.first <= ports.last <= 65535:
            return ports
    raise ValueError(f"'{text}' is no range of ports; write it like 20000-32000")


def _while(text: str) -> float:
    seconds = parse_duration(text)
    if seconds < 1:
        raise ValueError(f"'{text}' is less than a second")
    return seconds


def _shared(text: str) -> str:
    if text == "moosefs":
        raise ValueError("'moosefs' is shared anyway")
    if text == "local" or len(text.split()) != 1:
        raise ValueError(f"'{text}' is no plugin, nor a type of file systems such as nfs")
    return text


def _user_filter(text: str) -> str:
    if "{name}" not in text or not (text.startswith("(") and text.endswith(")")):
        raise ValueError(f"'{text}' is no filter such as (uid={{name}})")
    return text


def _group_filter(text: str) -> str:
    if not ("{name}" in text or "{dn}" in text) or not (text[:1] == "(" and text[-1:] == ")"):
        raise ValueError(f"'{text}' is no filter such as (member={{dn}})")
    return text


def _at_most(most: float, named: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        seconds = parse_duration(text)
        if not 0 < seconds <= most:
            raise ValueError(f"{text} is not above 0 and at most {named}")
        return seconds

    return parse


_NAME = f.matching(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
    "a name: letters, digits, '.', '_' and '-', at most 63, the first a letter or digit",
)
_ENDPOINT = f.matching(
    r"tcp://(\[[0-9A-Fa-f:.%]+\]|[^\s/:@\[\]]+):\d{1,5}|unix:///\S+|ssh://[^\s/]+(/\S*)?",
    "an endpoint: tcp://HOST:PORT, unix:///PATH or ssh://USER@HOST",
)
_CONSUL_URL = f.matching(r"https?://[^\s/@?#]+/?", "an address such as https://10.0.0.11:8501")
_LDAP_URL = f.matching(r"ldaps?://[^\s/@?#]+/?", "an address such as ldaps://ldap.example")
_DATABASE_URL = f.matching(
    r"mysql://[^\s/@:]+@[^\s/@]+/[^\s/@?#]+",
    "an address such as mysql://USER@HOST:3306/NAME, without a password",
)
_ATTRIBUTE = f.matching(r"[A-Za-z][A-Za-z0-9-]*", "an attribute such as uid")
_MOUNT = f.matching(r"(/(?!\.{1,2}(/|$))[^/\s:,]+)+", "an absolute path other than /")
_WORD = f.matching(r"\S+", "a word")
_WHILE = f.parsed(_while)
_LABELS = f.map_of(f.text, lambda _: f.text)
_TLS = f.record(
    Tls, {"ca": f.path_to, "cert": f.path_to, "key": f.path_to}, required=("ca", "cert", "key")
)
_RESERVE = f.record(Reserve, {"cpus": f.number(float, 0, 1e6), "memory": f.size})


_LIMITS = f.record(dict, {name: f.parsed(partial(read_amount, name)) for name in RESOURCES})


def _quotas(
    everybody: Limits | None = None,
    users: Mapping[str, Limits] | None = None,
    groups: Mapping[str, Limits] | None = None,
) -> dict[str, Limits]:
    """Limits by whose they are; users stand under what their apps stand under."""
    return {
        **({"*": everybody} if everybody else {}),
        **{owner_of(name): limits for name, limits in (users or {}).items()},
        **{f"@{name}": limits for name, limits in (groups or {}).items()},
    }


def _host(name: str) -> f.Field:
    return f.record(
        lambda devices=(), **values: Host(
            name=name, devices={kind(each): n for each, n in dict(devices).items()}, **values
        ),
        {
            "endpoint": _ENDPOINT,
            "labels": _LABELS,
            "reserve": _RESERVE,
            "tls": _TLS,
            "publish_ip": f.parsed(_address),
            "devices": f.map_of(f.text, lambda _: f.number(int, 0, 10_000)),
            "fence": f.list_of(f.text),
        },
        required=("endpoint",),
    )


_CLUSTER = f.record(
    dict,
    {
        "name": _NAME,
        "hosts": f.map_of(_NAME, _host),
        "tls": _TLS,
        "network": f.record(
            Network,
            {
                "driver": f.one_of("auto", "swarm", "consul", "bridge"),
                "pool": f.parsed(_pool),
                "mtu": f.number(int, 68, 65535),
                "encrypted": f.boolean,
            },
        ),
        "consul": f.record(
            Consul,
            {
                "url": _CONSUL_URL,
                "also": f.list_of(_CONSUL_URL),
                "ca": f.path_to,
                "token_file": f.path_to,
                "prefix": f.matching(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", "a prefix of keys"),
            },
            required=("url",),
        ),
        "database": f.record(
            Database,
            {"url": _DATABASE_URL, "password_file": f.path_to, "ca": f.path_to},
            required=("url",),
        ),
        "ldap": f.record(
            Ldap,
            {
                "urls": f.list_of(_LDAP_URL),
                "ca": f.path_to,
                "base": f.text,
                "user_filter": f.parsed(_user_filter),
                "name_attribute": _ATTRIBUTE,
                "id_attribute": _ATTRIBUTE,
                "group_base": f.text,
                "group_filter": f.parsed(_group_filter),
                "nested_groups": f.boolean,
                "bind_dn": f.text,
                "bind_password_file": f.path_to,
                "start_tls": f.boolean,
                "session": f.parsed(_at_most(12 * 3600.0, "12h")),
                "idle": f.parsed(_at_most(3600.0, "1h")),
                "recheck": f.parsed(_at_most(60.0, "60s")),
                "roles": f.record(dict, {"admin": f.text, "user": f.text, "viewer": f.text}),
            },
            required=("urls", "base"),
        ),
        "placement": f.record(
            dict,
            {
                "strategy": f.one_of("spread", "binpack"),
                "disk_limit": f.number(int, 1, 100),
                "probe_image": _WORD,
            },
        ),
        "storage": f.record(
            Storage,
            {
                "default": f.one_of("local", "moosefs"),
                "shared": f.list_of(f.parsed(_shared)),
                "moosefs": f.record(
                    Moosefs,
                    {
                        "master": f.text,
                        "port": f.number(int, 1, 65535),
                        "mount": _MOUNT,
                        "here": _MOUNT,
                        "root": _NAME,
                        "goal": f.number(int, 1, 9),
                        "trash": f.duration,
                        "tools": f.path_to,
                        "config": f.path_to,
                    },
                    required=("master",),
                ),
            },
        ),
        "logs": f.record(
            dict,
            {"dir": f.path_to, "keep": f.duration, "max_app": f.size, "max_total": f.size},
        ),
        "ports": f.record(dict, {"range": f.parsed(_port_range)}),
        "policy": f.record(
            Policy,
            {
                "binds": f.list_of(
                    f.matching(r"/[^:]+", "an absolute path, and not all of the host")
                ),
                "build_time": _WHILE,
                "calls": f.number(int, 1, 1_000_000),
                "capabilities": f.list_of(_WORD),
                "changes": f.number(int, 1, 1_000_000),
                "cpus": f.number(float, 0, 1e6),
                "default_pids": f.number(int, 1, 1 << 22),
                "devices": f.list_of(f.text),
                "gpus": f.number(int, 0, 10_000),
                "labels": f.list_of(_WORD),
                "log_drivers": f.list_of(_WORD),
                "log_files": f.number(int, 1, 1000),
                "log_most": f.size,
                "log_size": f.size,
                "lowest_port": f.number(int, 1, 65535),
                "memory": f.size,
                "network_drivers": f.list_of(_WORD),
                "pids": f.number(int, 1, 1 << 22),
                "runtimes": f.list_of(_WORD),
                "shm": f.size,
                "sysctls": f.list_of(_WORD),
                "tmpfs": f.size,
                "volume_drivers": f.list_of(_WORD),
            },
        ),
        "quotas": f.record(
            _quotas,
            {
                "everybody": _LIMITS,
                "users": f.map_of(f.text, lambda _: _LIMITS),
                "groups": f.map_of(f.text, lambda _: _LIMITS),
            },
        ),
        "failover": f.record(
            Failover,
            {
                "after": _WHILE,
                "replace": f.boolean,
                "on_return": f.one_of("remove", "stop"),
                "sweep": _WHILE,
                "unhealthy": _WHILE,
                "at_once": f.number(int, 1, 100),
            },
        ),
        "backup": f.record(
            Backup,
            {"dir": f.path_to, "key_file": f.path_to, "keep": f.number(int, 1, 10_000)},
        ),
        "prune": f.record(
            Prune,
            {
                "daily": f.boolean,
                "hour": f.number(int, 0, 23),
                "keep": f.number(int, LEAST_KEPT, 1000),
                "older_than": f.duration,
                "history": f.duration,
            },
        ),
        "notify": NOTIFY,
        "insecure": f.list_of(f.text),
        "key_file": f.path_to,
        "state_dir": f.path_to,
    },
    required=("name", "hosts"),
)
_AS_THEY_ARE = (
    *("network", "consul", "database", "ldap", "storage", "quotas", "failover"),
    *("insecure", "key_file", "policy", "backup", "prune", "notify"),
)


# --- What the keys come to together. ---


def _cluster(path: Path, found: Mapping[str, Any]) -> Cluster:
    insecure: tuple[str, ...] = found.get("insecure", ())
    return Cluster(
        name=found["name"],
        hosts={
            name: _with_tls(host, found.get("tls"), insecure)
            for name, host in found["hosts"].items()
        },
        state_dir=found.get("state_dir", STATE_DIR),
        logs=Logs(**{"dir": LOG_DIR, **found.get("logs", {})}),
        **_placement(found.get("placement", {})),
        ports=found.get("ports", {}).get("range", Ports()),
        file=str(path),
        **{key: found[key] for key in _AS_THEY_ARE if key in found},
    )


def _placement(found: Mapping[str, Any]) -> dict[str, Any]:
    """The section `placement`, whose keys stand in the cluster itself; its limit is in percent."""
    limit = {"disk_limit": found["disk_limit"] / 100} if "disk_limit" in found else {}
    return {**found, **limit}


def _with_tls(host: Host, shared: Tls | None, insecure: tuple[str, ...]) -> Host:
    """The host with its own certificate, or the cluster's where it speaks TCP.

    A host that `insecure` names goes without, unless it has one of its own.
    """
    if not host.endpoint.startswith("tcp://"):
        return replace(host, tls=None)
    return host if host.tls or host.name in insecure else replace(host, tls=shared)


def _check_together(cluster: Cluster, root: f.Node, reading: f.Reading) -> None:
    """Faults that no key has on its own; each stands at the key that mends it."""
    if cluster.storage.default == "moosefs" and cluster.storage.moosefs is None:
        message = "the default is moosefs, but 'moosefs' is not set up here"
        reading.fault(_at(root, "storage"), "storage", message)
    if cluster.ldap:
        _check_directory(cluster.ldap, cluster.insecure, _at(root, "ldap"), reading)
    known = (*cluster.hosts, "consul", "database", "ldap")
    for name in cluster.insecure:
        if name not in known:
            message = f"'{name}' is neither a host nor one of consul, database, ldap"
            reading.fault(_at(root, "insecure"), "insecure", message)


def _check_directory(ldap: Ldap, insecure: tuple[str, ...], at: f.Node, reading: f.Reading) -> None:
    """A password in clear text is anybody's, and a directory without roles lets nobody in."""
    plain = [url for url in ldap.urls if url.startswith("ldap://")]
    if plain and not ldap.start_tls and "ldap" not in insecure:
        reading.fault(
            at,
            "ldap",
            f"passwords would go to {plain[0]} in clear text",
            "add `start_tls: true`, or use ldaps:// (`insecure: [ldap]` allows it all the same)",
        )
    if ldap.bind_dn and ldap.bind_password_file is None:
        reading.fault(at, "ldap", "'bind_dn' needs 'bind_password_file'")


def _at(root: f.Node, key: str) -> f.Node:
    """The node that stands under a key of the file."""
    return next(cast("f.Node", value) for name, value in root.value if name.value == key)
