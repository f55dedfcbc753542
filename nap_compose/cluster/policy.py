"""What the cluster file lets users who aren't admins ask of a host, as frozen data."""

from __future__ import annotations

from nap_compose.plaindata import dataclass

OFTEN_THERE = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
"""What engines give every container: adding one gives it back after `cap_drop: [ALL]`."""

OF_THEIR_OWN = (
    "fs.mqueue.*",
    "kernel.msg*",
    "kernel.sem",
    "kernel.shm*",
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_*",
)
"""Kernel parameters that a container has for itself."""


@dataclass(frozen=True)
class Policy:
    """What users may ask for. Sizes are bytes; 0 of `cpus` or `memory` is no limit. `build_time` is
    how many seconds one call may build.

    What a container says nothing of has an end all the same: `default_pids` processes, `log_files`
    files of `log_size` for what it prints, `tmpfs` for each file system in memory. `log_most` is
    the most for all of a container's log files together. `calls` and `changes` are how often
    somebody may ask for anything, and for a change, in a minute.

    `binds` are paths of the hosts that may be mounted, each just itself. `gpus` is the most that
    one container may have. `labels` are beginnings of labels that routers read and that users may
    set all the same. `lowest_port` is the first that they may publish.
    """

    binds: tuple[str, ...] = ()
    build_time: float = 3600.0
    calls: int = 600
    capabilities: tuple[str, ...] = OFTEN_THERE
    changes: int = 60
    cpus: float = 0.0
    default_pids: int = 1024
    devices: tuple[str, ...] = ()
    gpus: int = 0
    labels: tuple[str, ...] = ()
    log_drivers: tuple[str, ...] = ("json-file", "local", "none")
    log_files: int = 3
    log_most: int = 1 << 30
    log_size: int = 10 << 20
    lowest_port: int = 1024
    memory: int = 0
    network_drivers: tuple[str, ...] = ("bridge", "overlay")
    pids: int = 4096
    runtimes: tuple[str, ...] = ()
    shm: int = 1 << 30
    sysctls: tuple[str, ...] = OF_THEIR_OWN
    tmpfs: int = 1 << 30
    volume_drivers: tuple[str, ...] = ("local", "moosefs")


DEFAULT = Policy()
"""What users may ask for where the cluster file says nothing of it."""
