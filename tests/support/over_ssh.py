"""The way from another machine to the control machine: a real sshd there, and a desk elsewhere."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bed import namespaces, packages, proc
from bed.layout import Bed, Host
from tests.support import machine as machines
from tests.support.machine import Machine
from tests.support.nap import Ended, eventually

_SSHD = """\
Include /etc/ssh/sshd_config.d/*.conf
Port {port}
ListenAddress {address}
HostKey {folder}/host-key
AcceptEnv NAP_* PYTHON* DOCKER_*
UsePAM no
Subsystem sftp internal-sftp
PidFile none
LogLevel ERROR
"""
SENT = ("NAP_CLUSTER=/tmp/x", "PYTHONPATH=/tmp/x", "DOCKER_HOST=tcp://127.0.0.1:1")
"""The variables that a desk's ssh sends along."""
_CLIENT = """\
Host control
  HostName {address}
  Port {port}
  SetEnv {sent}
"""


@dataclass(frozen=True)
class Door:
    """The sshd of a control machine: where it listens, and its own key."""

    control: Machine
    address: str
    port: int
    key: str
    process: subprocess.Popen[bytes]

    def lets_in(self, user: str, key: str) -> None:
        """Give an account there, which no password opens, a key."""
        self.control.must("usermod", "--password", "*", user)
        self.control.run("mkdir", "-p", "-m", "700", ".ssh", user=user)
        self.control.write(user, ".ssh/authorized_keys", key)

    def brokers(self) -> list[int]:
        """The brokers that were started through it and still run."""
        return [pid for pid in self._behind() if "nap_compose.broker" in _words_of(pid)]

    def cut(self) -> None:
        """Break off what goes through it, as where the control machine starts anew."""
        for pid in self._behind():
            if _words_of(pid)[0].startswith("sshd: "):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def closed(self) -> None:
        """Let nobody in from now on."""
        self.process.terminate()
        self.process.wait()

    def _behind(self) -> list[int]:
        """The processes that it started, and what they started."""
        place = _place_of(self.process.pid)
        found = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        return [pid for pid in found if pid != self.process.pid and _place_of(pid) == place]


@contextmanager
def sshd(control: Machine, address: str, conf: str) -> Iterator[Door]:
    """One on the control machine, as Debian has it, with `conf` as the script of an admin's."""
    folder = control.folder / "sshd"
    control.must("mkdir", "-p", folder, "/etc/ssh/sshd_config.d")
    control.must("sh", "-euc", conf)
    control.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "host-key")
    if control.run("id", "sshd").code:  # without this user sshd refuses to serve
        control.must("useradd", "--system", "--home-dir", "/run/sshd", "sshd")
    with socket.create_server((address, 0)) as free:
        port = free.getsockname()[1]
    control.write("root", str(folder / "conf"), _SSHD.format(**locals()))
    program = packages.unpack(["openssh-server"]) / "usr/sbin/sshd"
    serve = f"mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec {program} -D -e -f {folder}/conf"
    log = (control.folder / "sshd.log").open("wb")
    process = subprocess.Popen(
        [*control.inside("root"), "unshare", "--mount", "sh", "-c", serve],
        stdin=subprocess.DEVNULL,
        stderr=log,
    )
    try:
        eventually(lambda: _answers(address, port), "sshd answers")
        key = control.must("cat", folder / "host-key.pub")
        yield Door(control, address, port, key, process)
    finally:
        process.terminate()
        process.wait()
        log.close()


@dataclass(frozen=True)
class Desk:
    """Bob's account on another machine, where there is no cluster file and no broker."""

    machine: Machine
    door: Door

    def nap(self, *words: str | Path, code: int = 0, stdin: str = "") -> Ended:
        """Call nap there, as `docs/people.md` says."""
        env = {"NAP_CLUSTER": "ssh://bob@control"}
        return self.machine.nap("bob", *words, code=code, stdin=stdin, env=env)

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Call nap there, beside the test."""
        return self.machine.start("bob", *words, env={"NAP_CLUSTER": "ssh://bob@control"})

    def run(self, *argv: str | Path, stdin: str = "") -> Ended:
        """Run any program there, as Bob."""
        return self.machine.run(*argv, user="bob", stdin=stdin)

    @property
    def key(self) -> str:
        """Bob's own, the part that is for everybody."""
        return self.run("cat", ".ssh/id_ed25519.pub").out

    def knows_the_machine(self) -> None:
        """Bob has compared the control machine's key, and said yes to it."""
        known = f"[{self.door.address}]:{self.door.port} {self.door.key}"
        self.machine.write("bob", ".ssh/known_hosts", known)


@contextmanager
def desk(bed: Bed, at: Host, door: Door) -> Iterator[Desk]:
    """One on the network of a host of the bed's."""
    pid = proc.pid_of(bed, namespaces.holder(at))
    assert pid is not None
    with machines.machine() as made:
        away = replace(made, network=pid)
        away.add("bob")
        away.run("mkdir", "-m", "700", ".ssh", user="bob")
        new_key = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ".ssh/id_ed25519")
        away.run(*new_key, user="bob")
        config = _CLIENT.format(address=door.address, port=door.port, sent=" ".join(SENT))
        away.write("bob", ".ssh/config", config)
        yield Desk(away, door)


def _answers(address: str, port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex((address, port)) == 0


def _place_of(pid: int) -> str:
    """The mount namespace of a process; empty where it has ended."""
    with contextlib.suppress(OSError):
        return str(Path(f"/proc/{pid}/ns/mnt").readlink())
    return ""


def _words_of(pid: int) -> list[str]:
    """How a process was called; one empty word where it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return [""]
