"""A host's Docker engine: which release, from which packages, with which words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bed import docker_api, namespaces, packages, proc, services, tls
from bed.errors import BedError
from bed.layout import ENGINE_PORT, Bed, Host

# Where each engine comes from, by network kind: release and packages. Debian 11's was the last
# that can share a Consul. Unstable's runc needs a newer libc than Debian 12 has.
_ENGINE = ("docker.io", "containerd")
_SOURCES: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("20", "swarm"): {"bookworm": (*_ENGINE, "runc", "tini")},
    ("20", "consul"): {"bullseye": (*_ENGINE, "runc", "tini")},
    ("28", "swarm"): {"sid": (*_ENGINE, "tini-static"), "bookworm": ("runc",)},
}

_CRASH = re.compile(r"^(?:panic|fatal error|SIG[A-Z]+): .*(?:\n.*){,40}", re.MULTILINE)
"""How a program in Go ends that finds a fault in itself, and what it says of where it was."""


def prepare(bed: Bed) -> None:
    """Have the engine's software at hand."""
    packages.ensure_installed("iptables", "iproute2", "libdevmapper1.02.1", "libseccomp2")
    dockerd = _software(bed)[0] / "usr/sbin/dockerd"
    version = namespaces.checked([str(dockerd), "--version"])
    if not version.startswith(f"Docker version {bed.engine}."):  # unstable moves on
        raise BedError(f"{dockerd} is no engine {bed.engine}: {version.strip()}; take --engine 20")


def name_of(host: Host) -> str:
    return f"{host.name}.dockerd"


def start(bed: Bed, host: Host) -> None:
    """Start the host's engine, and come back when it answers."""
    argv, env = command(bed, host)
    namespaces.start_in(bed, host, "dockerd", *argv, env=env)
    proc.wait_until_ready(
        bed, name_of(host), lambda: docker_api.answers(host), 60, f"the engine of {host.name}"
    )


def stop(bed: Bed, host: Host) -> None:
    proc.stop(bed, name_of(host), timeout=30)


def strays(bed: Bed, host: Host) -> int:
    """How many of the engine's threads are in another network namespace than its host's."""
    home = Path(f"/proc/{proc.pid_of(bed, namespaces.holder(host))}/ns/net").readlink()
    return sum(1 for other in _networks_of_threads(bed, host) if other != home)


def crashes(bed: Bed) -> list[str]:
    """What the engines wrote that ended by a fault of their own: each one's host, and the fault
    with the lines after it."""
    return [
        f"the engine of {host.name} crashed:\n{found[0]}"
        for host in bed.hosts
        if (log := proc.log_of(bed, name_of(host))).exists()
        for found in _CRASH.finditer(log.read_text(errors="replace"))
    ]


def is_running(bed: Bed, host: Host) -> bool:
    return proc.pid_of(bed, name_of(host)) is not None and docker_api.answers(host)


def _networks_of_threads(bed: Bed, host: Host) -> Iterator[Path]:
    for thread in Path(f"/proc/{proc.pid_of(bed, name_of(host))}/task").glob("*"):
        with suppress(FileNotFoundError):  # it ended meanwhile
            yield (thread / "ns/net").readlink()


def command(bed: Bed, host: Host) -> tuple[list[str], dict[str, str]]:
    """How the host's engine is started: its words, and its environment."""
    roots = _software(bed)
    software = roots[0]
    settings = host.directory / "daemon.json"
    settings.write_text("{}\n")  # so that the machine's /etc/docker/daemon.json has no say
    pair = tls.server(bed, host.name, [host.ip, "127.0.0.1"], [host.name, "localhost"])
    argv = [
        str(software / "usr/sbin/dockerd"),
        f"--config-file={settings}",
        f"--data-root={host.data_root}",
        "--exec-root=/run/docker",
        "--pidfile=/run/docker.pid",
        f"--host=unix://{host.socket}",
        "--host=unix:///run/docker.sock",
        f"--host=tcp://{host.ip}:{ENGINE_PORT}",
        "--tlsverify",
        f"--tlscacert={tls.authority(bed)}",
        f"--tlscert={pair.cert}",
        f"--tlskey={pair.key}",
        "--storage-driver=overlay2",
        "--exec-opt=native.cgroupdriver=cgroupfs",
        f"--cgroup-parent={bed.cgroup}/{host.name}",
        f"--insecure-registry={bed.registry}",
        f"--userland-proxy-path={software / 'usr/sbin/docker-proxy'}",
        f"--init-path={software / 'usr/bin/tini-static'}",
    ]
    programs = [str(root / folder) for root in roots for folder in ("usr/sbin", "usr/bin")]
    env = {"PATH": os.pathsep.join([*programs, os.environ["PATH"]])}
    if bed.engine == "20":
        # It would lower its own score, which a machine without CAP_SYS_RESOURCE forbids.
        argv.append("--oom-score-adjust=0")
    if bed.network == "consul":
        store, more = services.cluster_store().engine_store(bed, host)
        argv += [f"--cluster-store={store}", f"--cluster-advertise={host.ip}:{ENGINE_PORT}"]
        # When the store's leader is gone, an engine looks whether there is another one so many
        # seconds later, 20 if it isn't told, and knows of no new names until then.
        argv += ["--cluster-store-opt=discovery.heartbeat=2"]
        # A lease of Consul's is 10 s at least, and the engine asks for half of this.
        argv += ["--cluster-store-opt=discovery.ttl=60"]
        env |= more
    return argv, env


def _software(bed: Bed) -> list[Path]:
    """The folders with the unpacked programs, the engine's own first."""
    sources = _SOURCES[bed.engine, bed.network]
    return [packages.unpack(debs, suite) for suite, debs in sources.items()]
