"""Hosts as an administrator finds them: an engine on its own socket, started by a service manager,
and a door for ssh. What `nap cluster init` makes a cluster of.

systemd itself needs a machine of its own. In its place stands a program of a few lines that reads
the same unit files, and tells and does what is asked of it here.
"""

from __future__ import annotations

import shlex
import socket
import sys
from pathlib import Path

from bed import docker_api, engines, namespaces, packages, proc
from bed.layout import Bed, Host

UNIT = "/etc/systemd/system/docker.service"
SOCKET = "/run/docker.sock"

SYSTEMCTL = r"""#!/bin/sh
# The little of systemctl that setting up an engine needs, for docker.service alone.
set -eu
unit=/etc/systemd/system/docker.service

exec_start() {
	# The last ExecStart counts; an empty one forgets those before it (systemd.service(5)).
	cat $unit $unit.d/*.conf 2>/dev/null | sed -n 's/^ExecStart=//p' | tail -n 1
}

case "$1 ${2-}" in
"show docker")
	line=$(exec_start)
	echo "{ path=${line%% *} ; argv[]=$line ; ignore_errors=no ; start_time=[n/a] ; pid=0 }"
	;;
"daemon-reload ") ;;
"reload docker") kill -HUP "$(cat /run/docker.pid)" ;;
"start docker" | "restart docker")
	if [ -s /run/docker.pid ]; then
		pid=$(cat /run/docker.pid)
		kill "$pid" 2>/dev/null || true
		while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
	fi
	PATH=@PATH@:$PATH
	activate=
	case $(exec_start) in *fd://*) activate=/opt/bed/activate ;; esac
	setsid sh -c "exec $activate $(exec_start)" </dev/null >>/run/docker.log 2>&1 &
	tries=0
	until [ -S /run/docker.sock ] && [ -s /run/docker.pid ]; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || exit 1
		sleep 0.1
	done
	;;
*)
	echo "not in this bed: systemctl $*" >&2
	exit 1
	;;
esac
"""

ACTIVATE = f"""#!{sys.executable} -I
# What systemd does for an engine with `-H fd://`: its socket is open before it starts
# (sd_listen_fds(3)).
import os, socket, sys

path = "{SOCKET}"
if os.path.exists(path):
    os.unlink(path)
listening = socket.socket(socket.AF_UNIX)
listening.bind(path)
listening.listen(128)
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[1], sys.argv[1:])
"""

SSHD = """\
Port 22
HostKey {folder}/host-key
AuthorizedKeysFile {folder}/authorized_keys
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
SetEnv PATH=/opt/bed:/usr/sbin:/usr/bin:/sbin:/bin
Subsystem sftp internal-sftp
"""

CLIENT = """\
Host *
  User root
  IdentityFile {folder}/key
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  LogLevel ERROR
"""


def strip(bed: Bed) -> Path:
    """Take what makes the bed's hosts a cluster away from them; gives the configuration with which
    ssh reaches each as root. Every second engine gets its socket from the service manager."""
    folder = bed.directory / "ssh"
    folder.mkdir(exist_ok=True)
    _key(folder / "key")
    config = folder / "config"
    config.write_text(CLIENT.format(folder=folder))
    for host in bed.hosts:
        _strip(bed, host)
        _let_in(bed, host, folder)
    return config


def _strip(bed: Bed, host: Host) -> None:
    docker_api.call(host, "POST", "/swarm/leave", query={"force": "true"})
    engines.stop(bed, host)
    argv, env = engines.command(bed, host)
    bare = [word for word in argv if not word.startswith(("--tls", "--host=tcp"))]
    if host.number % 2 == 0:  # as Debian's and Docker's own packages have it
        bare = [word for word in bare if word != f"--host=unix://{SOCKET}"]
        bare[1:1] = ["-H", "fd://"]
    _write(bed, host, UNIT, f"[Service]\nExecStart={shlex.join(bare)}\n")
    program = SYSTEMCTL.replace("@PATH@", env["PATH"].replace(":/usr/local/sbin", ""))
    _write(bed, host, "/opt/bed/systemctl", program, "755")
    _write(bed, host, "/opt/bed/activate", ACTIVATE, "755")
    docker = f'#!/bin/sh\nPATH={env["PATH"]} exec docker "$@"\n'
    _write(bed, host, "/opt/bed/docker", docker, "755")
    namespaces.run_in(bed, host, "/opt/bed/systemctl", "start", "docker", check=True)


def _let_in(bed: Bed, host: Host, folder: Path) -> None:
    ssh = host.directory / "ssh"
    ssh.mkdir(exist_ok=True)
    _key(ssh / "host-key")
    (ssh / "authorized_keys").write_text((folder / "key.pub").read_text())
    (ssh / "sshd_config").write_text(SSHD.format(folder=ssh))
    # Without this user, or the folder, sshd refuses to serve.
    users = Path("/etc/passwd").read_text()
    if "\nsshd:" not in users:
        users += "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n"
        _write(bed, host, "/etc/passwd", users)
    namespaces.run_in(bed, host, "mkdir", "-p", "/run/sshd", check=True)
    sshd = packages.unpack(["openssh-server"]) / "usr/sbin/sshd"
    namespaces.start_in(bed, host, "sshd", sshd, "-D", "-e", "-f", ssh / "sshd_config")
    proc.wait_until_ready(
        bed,
        f"{host.name}.sshd",
        lambda: _listens(host),
        10,
        f"sshd of {host.name}",
    )


def _listens(host: Host) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex((host.ip, 22)) == 0


def _write(bed: Bed, host: Host, path: str, text: str, mode: str = "644") -> None:
    """A file over the machine's own, of one host; `path` is in a folder that it has of its own."""
    script = f'mkdir -p "$(dirname {path})" && cat >{path} && chmod {mode} {path}'
    namespaces.run_in(bed, host, "sh", "-c", script, input=text, check=True)


def _key(path: Path) -> None:
    if not path.exists():
        packages.ensure_installed("openssh-client")
        namespaces.checked(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)])
