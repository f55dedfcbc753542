"""The Debian package: installed, used, brought up to date and removed on a machine that is this one
but for what is written to it, which goes to memory and is forgotten."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nap_compose
from bed import packages
from nap_compose.exits import Exit
from tests.support import pages

ROOT = Path(__file__).resolve().parents[2]
ENTER = """\
set -eu
mount -t tmpfs -o size=1g tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
for each in proc dev tmp; do mount --rbind "/$each" "$1/root/$each"; done
echo ready
exec sleep 600
"""
UNIT_OF_BACKUP = "/etc/systemd/system/nap-backup.service"
FILE = "services: {web: {image: nginx}}\n"


class Machine:
    """A machine of its own, as long as its process lives."""

    def __init__(self, pid: int, root: Path) -> None:
        self._enter = ["nsenter", "--mount", f"--target={pid}", "chroot", str(root)]

    def __call__(self, *argv: str | Path, code: int = 0, say: str = "") -> str:
        """Run a program there; what it prints."""
        done = subprocess.run(
            [*self._enter, *map(str, argv)],
            input=say,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"},
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"{argv}: {done.stdout}"
        return done.stdout

    def has(self, path: str) -> bool:
        return self("sh", "-c", f"test -e {path} && echo yes || echo no") == "yes\n"


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.geteuid() != 0 or not Path("/usr/bin/dpkg-deb").exists():
        pytest.skip("it takes root, on Debian")
    packages.ensure_installed("dpkg", "man-db", "sudo", "python3", "systemd")
    folder = tmp_path_factory.mktemp("deb")
    argv = [sys.executable, ROOT / "tools" / "deb.py", folder]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", folder],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield Machine(process.pid, folder / "root")
    finally:
        process.kill()
        process.wait()


def test_it_comes_is_used_and_goes(deb: Path, machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "app.yml").write_text(FILE)
    tmp_path.chmod(0o755)
    said = machine("dpkg", "--install", deb)
    assert "nap is ready for the local engine" in said
    assert machine("nap", "--version") == f"nap {nap_compose.__version__}\n"
    shown = machine("sh", "-c", f"nap config -f {tmp_path}/app.yml")
    assert "image: nginx" in shown
    _others_can_use_it_and_not_change_it(machine)
    _it_can_be_read_about(machine)
    _a_control_machine(deb, machine)
    machine("dpkg", "--purge", "nap-compose")
    assert not machine.has("/opt/nap") and not machine.has("/usr/bin/nap")


def _others_can_use_it_and_not_change_it(machine: Machine) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/tmp")
    theirs = ("PYTHONPATH=/nowhere", "PYTHONSTARTUP=/nowhere", "PYTHONHOME=/nowhere")
    assert "nap " in machine(*nobody, *theirs, "nap", "--version")
    writable = machine("find", "/opt/nap", "-perm", "/022", "-not", "-type", "l")
    assert writable == "", "root alone changes what the account of the keys runs"
    assert machine("find", "/opt/nap", "-not", "-user", "root") == ""


def _it_can_be_read_about(machine: Machine) -> None:
    page = machine("man", "--pager=cat", "nap-host-drain")
    assert "nap host drain" in page and "--dry-run" in page
    page = machine("man", "--warnings=w", "--pager=cat", "nap")
    assert "up" in page and "warning" not in page and "/etc/nap/cluster.yml" in page
    completion = "/usr/share/bash-completion/completions/nap"
    words = f". {completion}; COMP_WORDS=(nap ver); COMP_CWORD=1; _nap_completion nap; echo"
    assert "version" in machine("bash", "-c", f"{words} ${{COMPREPLY[@]}}")


def _a_control_machine(deb: Path, machine: Machine) -> None:
    _a_cluster_that_has_no_host_yet(machine)
    machine("nap", "cluster", "setup-control")
    unit = machine("cat", "/etc/systemd/system/nap-health.service")
    assert "ExecStart=/opt/nap/bin/python3 -I -m nap_compose.cli.main health watch" in unit
    machine("sh", "-c", "echo key > /etc/nap/seal.key")
    machine("sh", "-c", "echo old > /etc/systemd/system/nap-health.service")
    machine("dpkg", "--install", deb)
    assert machine("cat", "/etc/systemd/system/nap-health.service") == unit, "as this version does"
    _a_backup_each_night(machine)
    said = machine("dpkg", "--remove", "nap-compose")
    assert "removed /etc/sudoers.d/nap" in said
    assert "Containers, networks and volumes on the hosts go on as they are" in said
    assert "kept: /etc/nap" in said
    for gone in ("/etc/systemd/system/nap-health.service", "/usr/local/lib/nap", "/opt/nap"):
        assert not machine.has(gone), gone
    assert machine("cat", "/etc/nap/seal.key") == "key\n"


def _a_cluster_that_has_no_host_yet(machine: Machine) -> None:
    machine("sh", "-c", "mkdir -p /etc/nap; echo 'name: lab' > /etc/nap/cluster.yml")
    said = machine("nap", "cluster", "setup-control")
    assert "yours to do: /etc/nap/cluster.yml" in said and "'hosts'" in said, said
    assert machine.has("/etc/sudoers.d/nap")
    machine("rm", "/etc/nap/cluster.yml")


def _a_backup_each_night(machine: Machine) -> None:
    """No systemd runs here: the timer isn't started, and what it starts is run by hand."""
    machine("nap", "cluster", "init", "h1=127.0.0.9", "--name", "lab", code=Exit.PARTIAL)
    for command in pages.texts("backup.md", "Setting it up")[:4]:
        machine("sh", "-euc", command.replace(" --now", ""))
    enabled = "/etc/systemd/system/timers.target.wants/nap-backup.timer"
    assert "OnCalendar" in machine("cat", enabled)
    units = machine("sh", "-c", "ls /etc/systemd/system/nap-*").split()
    assert machine("systemd-analyze", "verify", *units) == "", "systemd has nothing to say of them"
    (argv,) = re.findall(r"^ExecStart=(.*)$", machine("cat", UNIT_OF_BACKUP), re.M)
    machine("runuser", "-u", "nap", "--", "sh", "-c", argv)
    made = machine("find", "/var/backups/nap", "-name", "*.napbackup", "-user", "nap")
    assert len(made.splitlines()) == 1
    machine("nap", "backup", "verify", made.strip())
