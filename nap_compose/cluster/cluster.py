"""The cluster: what the cluster file says, as frozen data. `config.py` reads the file.

Paths are absolute here; sizes are bytes, times seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from nap_compose.cluster.notify import NOBODY, Notify
from nap_compose.cluster.policy import DEFAULT, Policy
from nap_compose.plaindata import dataclass

PROBE_IMAGE = "busybox:1"
"""What nap's own probes are made of: any image with `ping`, `nc`, `df` and `sleep`."""

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
    published on and reached at; empty: every address, reached at the endpoint's. `devices` says
    how many it has of a kind, and wins over what its engine tells. `fence` is the command, in
    words, that turns the host off; it ends with 0 when the host is surely off.
    """

    name: str
    endpoint: str
    labels: Mapping[str, str] = field(default_factory=dict)
    reserve: Reserve = Reserve()
    tls: Tls | None = None
    publish_ip: str = ""
    devices: Mapping[str, int] = field(default_factory=dict)
    fence: tuple[str, ...] = ()


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
    """The directory. `user_filter` holds `{name}`; `group_filter` `{dn}`, `{name}` or both; `roles`
    maps admin, user, viewer to groups.

    `id_attribute` is what never changes about a person. With `nested_groups` the groups that a
    group is in count too. A session ends after `session`, and after `idle` without a command;
    `recheck` is how old an answer of the directory may be before a change.
    """

    urls: tuple[str, ...]
    base: str
    ca: Path | None = None
    user_filter: str = "(uid={name})"
    name_attribute: str = "uid"
    id_attribute: str = "entryUUID"
    group_base: str = ""
    group_filter: str = "(|(member={dn})(uniqueMember={dn})(memberUid={name}))"
    nested_groups: bool = False
    bind_dn: str = ""
    bind_password_file: Path | None = None
    start_tls: bool = False
    session: float = 12 * 3600.0
    idle: float = 3600.0
    recheck: float = 60.0
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Moosefs:
    """One pool over all hosts: `mount` is where each host has it, `here` where the machine that
    nap runs on has it (empty: there too), `root` nap's folder in it.

    `goal` is how many copies of a file there are, `trash` for how many seconds the files of a
    removed volume can be brought back, unless a volume says otherwise. `tools` is the folder of
    MooseFS's programs (None: they are on the PATH), `config`
    the master's own configuration where it is on this machine.
    """

    master: str
    port: int = 9421
    mount: str = "/mnt/mfs"
    here: str = ""
    root: str = "nap"
    goal: int = 2
    trash: float = 86400.0
    tools: Path | None = None
    config: Path | None = None

    @property
    def folder(self) -> str:
        """nap's folder as each host sees it."""
        return f"{self.mount.rstrip('/')}/{self.root}"


@dataclass(frozen=True)
class Storage:
    """`default` is the driver of volumes that name none: local or moosefs.

    `shared` are drivers, and of the driver `local` types of file systems, whose volumes every host
    sees alike, such as nfs: what an admin says nobody can find out.
    """

    default: str = "local"
    moosefs: Moosefs | None = None
    shared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Logs:
    """Where logs are kept and for how long; sizes in bytes."""

    dir: Path
    keep: float = 14 * 86400.0
    max_app: int = 1 << 30
    max_total: int = 20 << 30


@dataclass(frozen=True)
class Backup:
    """Where archives of all control state go: the `dir`, the `key_file` that holds what they are
    encrypted with (None: a person types it), and how many are kept there."""

    dir: Path = Path("/var/backups/nap")
    key_file: Path | None = None
    keep: int = 14


LEAST_KEPT = 3
"""So many of an app's last revisions keep their images, whatever is asked for."""


@dataclass(frozen=True)
class Prune:
    """What is pruned: images and shipped files of revisions before an app's last `keep`, and ended
    containers, once they are `older_than` so many seconds; history that ended `history` seconds
    ago. The leading watcher does it `daily`, from this `hour` (UTC) on."""

    daily: bool = True
    hour: int = 3
    keep: int = LEAST_KEPT
    older_than: float = 7 * 86400.0
    history: float = 90 * 86400.0


@dataclass(frozen=True)
class Failover:
    """What the watcher does about containers that end and hosts that are lost. Times in seconds.

    A host is lost when its engine was silent for `after` and Consul says that it failed;
    `replace` and `on_return` (remove, stop) are for services that don't say. Hosts are swept every
    `sweep`; a container that is unhealthy for `unhealthy` is started again (None: never).
    `at_once` is how many apps are brought elsewhere at the same time.
    """

    after: float = 60.0
    replace: bool = True
    on_return: str = "remove"
    sweep: float = 10.0
    unhealthy: float | None = None
    at_once: int = 4


@dataclass(frozen=True)
class Ports:
    """The ports that users may publish, both ends included."""

    first: int = 1
    last: int = 65535


@dataclass(frozen=True)
class Cluster:
    """The hosts and the services that nap leans on.

    Embedded (no cluster file): `name` is empty and there is the one host `local`. `state_dir`
    holds what nap keeps on disk itself. `quotas` are limits by whose they are: an
    owner, `*` for everybody, `@GROUP` for a group all together; in the units of `use.Use`.
    Without `failover` the watcher only watches. A host
    whose disk is as full as `disk_limit` (0 to 1) is given nothing new; how full it is a container
    of `probe_image` tells.
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
    disk_limit: float = 0.90
    probe_image: str = PROBE_IMAGE
    storage: Storage = Storage()
    ports: Ports = Ports()
    policy: Policy = DEFAULT
    failover: Failover | None = None
    backup: Backup = Backup()
    prune: Prune = Prune()
    insecure: tuple[str, ...] = ()
    key_file: Path | None = None
    file: str = ""
    quotas: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notify: Notify = NOBODY

    @property
    def embedded(self) -> bool:
        """Whether nap works on the local engine alone."""
        return not self.name

    @property
    def watching(self) -> Failover:
        """What the watcher goes by, also where it only watches."""
        return self.failover or Failover()
