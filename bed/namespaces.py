"""Namespaces, held by a process each. They are pinned nowhere: with the holder they are gone.

A host has network, mount, UTS and PID namespaces of its own. The PID namespace makes a crash
real and complete: when its first process is killed, the kernel kills all the others, those of
containers too.
"""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from shlex import quote
from typing import Any

from bed import packages, proc
from bed.errors import BedError
from bed.layout import Bed, Host

SWITCH = "switch"

# What a host may write without the machine or another host seeing it.
_PRIVATE = ("etc", "var/lib", "srv", "mnt", "opt", "home")


def holder(host: Host) -> str:
    """The daemon name of the process that holds a host's namespaces."""
    return f"{host.name}.holder"


def start_host(bed: Bed, host: Host) -> int:
    """Boot a host as far as its namespaces; the pid of the holder."""
    running = proc.pid_of(bed, holder(host))
    if running is not None:
        return running
    host.data_root.mkdir(parents=True, exist_ok=True)
    _write_etc(bed, host)
    script = host.directory / "boot.sh"
    script.write_text(_boot_script(host))
    # `--mount-proc`, and not `ip netns exec`: that would mount a fresh /sys without cgroups.
    unshare = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc"]
    argv = [*unshare, "sh", "-eu", str(script)]
    return _start_holder(bed, holder(host), argv)


def start_switch(bed: Bed) -> int:
    """The namespace of the bridge between the hosts: out of reach of the machine's firewall."""
    argv = ["unshare", "--net", "--pid", "--fork", *_first_process()]
    return _start_holder(bed, SWITCH, argv)


def stop(bed: Bed, name: str) -> None:
    """Kill the holder, and with it every process in its namespaces."""
    proc.stop(bed, name, how=signal.SIGKILL)


def enter(bed: Bed, host: Host) -> list[str]:
    """The words before a command that make it run inside the host."""
    return [*_as_there(bed, host), "--pid", "--"]


def at(bed: Bed, host: Host) -> list[str]:
    """The words before a command that give it the host's network, files and name, and leave it a
    process of the machine: it can be signalled by the pid that it was started with."""
    return [*_as_there(bed, host), "--"]


def _as_there(bed: Bed, host: Host) -> list[str]:
    pid = proc.pid_of(bed, holder(host))
    if pid is None:
        raise BedError(f"{host.name} is down; start it: python -m bed restart {host.name}")
    return ["nsenter", "--target", str(pid), "--net", "--mount", "--uts"]


def run_in(
    bed: Bed, host: Host, *argv: str | Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command inside a host, as subprocess.run does."""
    # With nsenter killed by a timeout, its child must not stay behind and hold the pipes.
    words = [*enter(bed, host), "setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)]
    return subprocess.run(words, **{"text": True, **options})  # noqa: PLW1510 - as the caller says


def start_in(
    bed: Bed, host: Host, name: str, *argv: str | Path, env: dict[str, str] | None = None
) -> int:
    """Start a daemon inside a host. Its name is NAME of the host: h1.NAME."""
    words = [*enter(bed, host), *argv]
    return proc.start(bed, f"{host.name}.{name}", words, env=env, forks=True)


def _start_holder(bed: Bed, name: str, argv: list[str]) -> int:
    pid = proc.start(bed, name, argv, forks=True)
    # Until the child has become tini, its namespaces may not be set up.
    comm = Path(f"/proc/{pid}/comm")
    proc.wait_until_ready(
        bed, name, lambda: comm.read_text() == "tini\n", 10, f"the namespaces of {name}"
    )
    return pid


def _first_process() -> list[str]:
    """A first process that reaps what others leave behind, and never ends by itself."""
    tini = packages.unpack(["tini"]) / "usr/bin/tini"
    return [str(tini), "--", "sleep", "infinity"]


def _boot_script(host: Host) -> str:
    lines = ["mount --make-rprivate /"]
    for folder in _PRIVATE:
        upper, work = (host.files / kind / folder for kind in ("upper", "work"))
        options = f"lowerdir=/{folder},upperdir={upper},workdir={work}"
        lines.append(f"mkdir -p {quote(str(upper))} {quote(str(work))}")
        lines.append(f"mount -t overlay overlay -o {quote(options)} /{folder}")
    # Two engines that share /run/docker/netns break overlay networks.
    lines.append("mount -t tmpfs -o mode=755 tmpfs /run")
    lines.append("mkdir -p /run/lock /run/cgroup")
    # A /sys of this network, in which the engine finds its bridges; the cgroups go along.
    lines.append("mount --rbind /sys/fs/cgroup /run/cgroup")
    lines.append("mount -t sysfs sysfs /sys")
    lines.append("mount --rbind /run/cgroup /sys/fs/cgroup")
    lines.append("umount --lazy /run/cgroup")
    lines.append("rmdir /run/cgroup")
    lines.append(f"hostname {host.name}")
    lines.append("exec " + " ".join(map(quote, _first_process())))
    return "\n".join(lines) + "\n"


def _write_etc(bed: Bed, host: Host) -> None:
    etc = host.files / "upper/etc"
    etc.mkdir(parents=True, exist_ok=True)
    names = [f"{each.ip} {each.name}" for each in bed.hosts]
    names += ["127.0.0.1 localhost", f"{bed.control_ip} control"]
    (etc / "hosts").write_text("\n".join(names) + "\n")
    (etc / "hostname").write_text(host.name + "\n")
    # Nobody answers there, and says so at once: a bed has no way out.
    resolver = etc / "resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.write_text(f"nameserver {bed.control_ip}\n")


def checked(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BedError(f"{' '.join(argv)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
