"""The cluster: what the cluster file says, as frozen data. `config.py` reads the file.

Paths are absolute here; sizes are bytes, times seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

EMBEDDED = "local"
"""The one host's name where no cluster file is."""


@dataclass(frozen=True)
class Tls:
    """A client certificate, its key, and the one CA that is trusted."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True)
class Reserve:
    """What a host keeps for itself: `cpus` in CPUs, `memory` in bytes."""

    cpus: float = 0.0
    memory: int = 0


@dataclass(frozen=True)
class Host:
    """One Docker engine. `endpoint` is `tcp://HOST:PORT`, `unix:///PATH` or `ssh://…`.

    `tls` None means plain TCP or a unix socket. `publish_ip` is the address that ports are
    published on and reached at; empty: every address, reached at the endpoint's.
    """

    name: str
    endpoint: str
    labels: Mapping[str, str] = field(default_factory=dict)
    reserve: Reserve = Reserve()
    tls: Tls | None = None
    publish_ip: str = ""


@dataclass(frozen=True)
class Network:
    """`driver`: auto, swarm, consul or bridge; `pool` the addresses that app networks come from."""

    driver: str = "auto"
    pool: str = "10.128.0.0/9"
    mtu: int | None = None
    encrypted: bool = False


@dataclass(frozen=True)
class Consul:
    """Where Consul answers: `url`, then each of `also`; `prefix` goes before every key."""

    url: str
    also: tuple[str, ...] = ()
    ca: Path | None = None
    token_file: Path | None = None
    prefix: str = "nap"


@dataclass(frozen=True)
class Database:
    """The records' database: `mysql://USER@HOST:PORT/NAME`."""

    url: str
    password_file: Path | None = None
    ca: Path | None = None


@dataclass(frozen=True)
class Ldap:
    """The directory. `user_filter` holds `{name}`; `roles` maps admin, user, viewer to groups."""

    urls: tuple[str, ...]
    base: str
    ca: Path | None = None
    user_filter: str = "(uid={name})"
    bind_dn: str = ""
    bind_password_file: Path | None = None
    start_tls: bool = False
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Moosefs:
    """One pool over all hosts: `mount` is where each host has it, `goal` the copies of a file."""

    master: str
    mount: str = "/mnt/mfs"
    root: str = "nap"
    goal: int = 2


@dataclass(frozen=True)
class Storage:
    """`default` is the driver of volumes that name none: local or moosefs."""

    default: str = "local"
    moosefs: Moosefs | None = None


@dataclass(frozen=True)
class Logs:
    """Where logs are kept and for how long; sizes in bytes."""

    dir: Path
    keep: float = 14 * 86400.0
    max_app: int = 1 << 30
    max_total: int = 20 << 30


@dataclass(frozen=True)
class Ports:
    """The ports that users may publish, both ends included."""

    first: int = 1
    last: int = 65535


@dataclass(frozen=True)
class Cluster:
    """The hosts and the services that nap leans on.

    Embedded (no cluster file): `name` is empty and there is the one host `local`. `state_dir`
    holds what nap keeps on disk itself. `sections` are the parts of the file whose owners read
    them on their own (policy, quotas, failover, notify).
    """

    name: str
    hosts: Mapping[str, Host]
    state_dir: Path
    logs: Logs
    network: Network = Network()
    consul: Consul | None = None
    database: Database | None = None
    ldap: Ldap | None = None
    strategy: str = "spread"
    storage: Storage = Storage()
    ports: Ports = Ports()
    insecure: tuple[str, ...] = ()
    key_file: Path | None = None
    file: str = ""
    sections: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """Whether nap works on the local engine alone."""
        return not self.name
