"""The cluster file: where it is, what may stand in it, and the Cluster it comes to.

Every fault is named with its line and column, all of them at once. Secrets never stand in the
file, only the names of files that hold them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from nap_compose.cluster import fields as f
from nap_compose.cluster.cluster import (
    EMBEDDED,
    Cluster,
    Consul,
    Database,
    Host,
    Ldap,
    Logs,
    Moosefs,
    Network,
    Ports,
    Reserve,
    Storage,
    Tls,
)
from nap_compose.cluster.local import local_host
from nap_compose.errors import BadFile, BadFiles, Place, WrongUse

USUAL = Path("/etc/nap/cluster.yml")
STATE_DIR = Path("/var/lib/nap")
LOG_DIR = Path("/var/log/nap")
LARGEST = 4 << 20
"""The largest cluster file in bytes: that of a few thousand hosts is well below."""


def find(path_option: str | None, env: Mapping[str, str]) -> Path | None:
    """The cluster file: that of `--cluster`, of `NAP_CLUSTER`, or the usual one where it is.

    None means embedded. Raises WrongUse where one was named and isn't there.
    """
    for named, by in ((path_option, "--cluster"), (env.get("NAP_CLUSTER"), "NAP_CLUSTER")):
        if named:
            path = Path(named).absolute()
            if not path.exists():
                raise WrongUse(
                    f"there is no cluster file {named}",
                    hint=f"{by} names it; without any, nap works on the local engine",
                )
            return path
    return USUAL if USUAL.exists() else None


def embedded(env: Mapping[str, str]) -> Cluster:
    """The local engine alone, with what nap keeps in the person's own state directory."""
    state = _own_state_dir(env)
    return Cluster(
        name="",
        hosts={EMBEDDED: local_host(env)},
        state_dir=state,
        logs=Logs(dir=state / "logs"),
        network=Network(driver="bridge"),
    )


def read(path: Path) -> Cluster:
    """The Cluster that the file at `path` describes; raises BadFile or BadFiles."""
    root = _parse(path)
    if root is None:
        raise BadFile("the cluster file is empty", place=Place(str(path)), hint=_AN_EXAMPLE)
    reading = f.Reading(str(path), path.absolute().parent)
    found = _CLUSTER(root, "", reading)
    if found is f.BAD:
        raise BadFiles(tuple(reading.faults))
    cluster = _cluster(path, found)
    _check_together(cluster, root, reading)
    if reading.faults:
        raise BadFiles(tuple(reading.faults))
    return cluster


_AN_EXAMPLE = "the least is `name: lab` and `hosts: {h1: {endpoint: tcp://10.0.0.11:2376}}`"


def _own_state_dir(env: Mapping[str, str]) -> Path:
    if env.get("NAP_STATE_DIR"):
        return Path(env["NAP_STATE_DIR"]).absolute()
    base = env.get("XDG_STATE_HOME") or ""
    if Path(base).is_absolute():  # the XDG specification: a relative one is to be ignored
        return Path(base, "nap")
    return Path(env.get("HOME") or Path.home(), ".local", "state", "nap")


def _parse(path: Path) -> f.Node | None:
    """The file's tree of nodes, which know their places; None for an empty file."""
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


def _user_filter(text: str) -> str:
    if "{name}" not in text or not (text.startswith("(") and text.endswith(")")):
        raise ValueError(f"'{text}' is no filter such as (uid={{name}})")
    return text


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
_LABELS = f.map_of(f.text, lambda _: f.text)
_TLS = f.record(
    Tls, {"ca": f.path_to, "cert": f.path_to, "key": f.path_to}, required=("ca", "cert", "key")
)
_RESERVE = f.record(Reserve, {"cpus": f.number(float, 0, 1e6), "memory": f.size})


def _host(name: str) -> f.Field:
    return f.record(
        lambda **values: Host(name=name, **values),
        {
            "endpoint": _ENDPOINT,
            "labels": _LABELS,
            "reserve": _RESERVE,
            "tls": _TLS,
            "publish_ip": f.parsed(_address),
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
                "bind_dn": f.text,
                "bind_password_file": f.path_to,
                "start_tls": f.boolean,
                "roles": f.record(dict, {"admin": f.text, "user": f.text, "viewer": f.text}),
            },
            required=("urls", "base"),
        ),
        "placement": f.record(dict, {"strategy": f.one_of("spread", "binpack")}),
        "storage": f.record(
            Storage,
            {
                "default": f.one_of("local", "moosefs"),
                "moosefs": f.record(
                    Moosefs,
                    {
                        "master": f.text,
                        "mount": f.matching(r"/\S*", "an absolute path"),
                        "root": f.text,
                        "goal": f.number(int, 1, 9),
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
        "policy": f.free_mapping,
        "quotas": f.free_mapping,
        "failover": f.free_mapping,
        "notify": f.free_mapping,
        "insecure": f.list_of(f.text),
        "key_file": f.path_to,
        "state_dir": f.path_to,
    },
    required=("name", "hosts"),
)
_SECTIONS = ("policy", "quotas", "failover", "notify")
_AS_THEY_ARE = ("network", "consul", "database", "ldap", "storage", "insecure", "key_file")


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
        strategy=found.get("placement", {}).get("strategy", "spread"),
        ports=found.get("ports", {}).get("range", Ports()),
        file=str(path),
        sections={key: found[key] for key in _SECTIONS if key in found},
        **{key: found[key] for key in _AS_THEY_ARE if key in found},
    )


def _with_tls(host: Host, shared: Tls | None, insecure: tuple[str, ...]) -> Host:
    """The host with its own certificate, or the cluster's where it speaks TCP.

    A host that `insecure` names goes without, unless it has one of its own.
    """
    if not host.endpoint.startswith("tcp://"):
        return replace(host, tls=None)
    return host if host.tls or host.name in insecure else replace(host, tls=shared)


def _check_together(cluster: Cluster, root: f.Node, reading: f.Reading) -> None:
    """Faults that no key has on its own; each stands at the key that mends it."""
    if not cluster.hosts:
        reading.fault(_at(root, "hosts"), "hosts", "a cluster needs a host", _AN_EXAMPLE)
    if cluster.storage.default == "moosefs" and cluster.storage.moosefs is None:
        message = "the default is moosefs, but 'moosefs' is not set up here"
        reading.fault(_at(root, "storage"), "storage", message)
    known = (*cluster.hosts, "consul", "database", "ldap")
    for name in cluster.insecure:
        if name not in known:
            message = f"'{name}' is neither a host nor one of consul, database, ldap"
            reading.fault(_at(root, "insecure"), "insecure", message)


def _at(root: f.Node, key: str) -> f.Node:
    """The node that stands under a key of the file."""
    return next(cast("f.Node", value) for name, value in root.value if name.value == key)
