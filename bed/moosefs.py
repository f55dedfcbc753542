"""MooseFS: a master on the control side, a chunkserver and a mount on each host.

The control side has a mount too: what it writes there, every container can read.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from bed import packages, proc
from bed.layout import Bed, Host
from bed.namespaces import enter, run_in, start_in

NAME = "moosefs"
MASTER, MOUNT = "mfsmaster", "mfsmount"
CHUNKS = "chunkserver"
#: where a host sees the shared files, its engine and its containers included
ON_HOST = Path("/mnt/mfs")
#: the folder of the shared files that is nap's
ROOT = "nap"
GOAL = 2

_DEBS = ["moosefs-master", "moosefs-chunkserver", "moosefs-client", "moosefs-cli"]
_CHUNK_PORT, _CLIENT_PORT = 9420, 9421


def prepare() -> None:
    packages.ensure_installed("libfuse3-3")
    packages.unpack(_DEBS)


def start(bed: Bed) -> None:
    _start_master(bed)
    for host in bed.hosts:
        _start_chunkserver(bed, host)
    _mount(bed)
    for host in bed.hosts:
        _mount_on(bed, host)
    proc.wait_until_ready(
        bed, MASTER, lambda: _copies_files(bed), 60, "MooseFS to copy a file (are chunkservers up?)"
    )


def start_on(bed: Bed, host: Host) -> None:
    """The host's part again, after its restart."""
    _start_chunkserver(bed, host)
    _mount_on(bed, host)


def lose_mount(bed: Bed, host: Host, *, crash: bool = False) -> None:
    """Take a host's mount away; with `crash` it stays in the way, and nobody answers behind it."""
    name = f"{host.name}.{MOUNT}"
    if not crash:
        _unmount(enter(bed, host), ON_HOST)
    proc.stop(bed, name, how=signal.SIGKILL if crash else signal.SIGTERM)


def mount_again(bed: Bed, host: Host) -> None:
    """Mount it anew, also over what a crash left."""
    run_in(bed, host, "umount", "--lazy", ON_HOST)
    _mount_on(bed, host)


def stop_master(bed: Bed) -> None:
    """Let nobody answer for the files."""
    proc.stop(bed, MASTER)


def start_master(bed: Bed) -> None:
    """Start it again, and wait until files can be written."""
    _start_master(bed)
    proc.wait_until_ready(bed, MASTER, lambda: _takes_files(bed), 60, "MooseFS to take a file")


def stop_chunkserver(bed: Bed, host: Host) -> None:
    """Take a host's copies away."""
    proc.stop(bed, f"{host.name}.{CHUNKS}")


def start_chunkserver(bed: Bed, host: Host) -> None:
    """Let them come back."""
    _start_chunkserver(bed, host)


def copies(file: Path) -> dict[int, int]:
    """Of the file's chunks, how many have how many copies; for a file below `control_mount`."""
    said = subprocess.run(
        [_program("bin/mfscheckfile"), file], capture_output=True, text=True, timeout=20, check=True
    ).stdout
    found = re.findall(r"chunks with (\d+) cop(?:y|ies): *(\d+)", said)
    return {int(count): int(chunks) for count, chunks in found if int(chunks)}


def stop(bed: Bed) -> None:
    _unmount([], control_mount(bed))
    for host in bed.hosts:
        if proc.pid_of(bed, f"{host.name}.{MOUNT}") is not None:
            _unmount(enter(bed, host), ON_HOST)
    proc.stop_together(bed, [MOUNT, *(f"{host.name}.{MOUNT}" for host in bed.hosts)])
    proc.stop_together(bed, [f"{host.name}.{CHUNKS}" for host in bed.hosts])
    proc.stop(bed, MASTER)


def status(bed: Bed) -> str:
    wanted = [MASTER, MOUNT]
    wanted += [f"{host.name}.{part}" for host in bed.hosts for part in (CHUNKS, MOUNT)]
    gone = [name for name in wanted if proc.pid_of(bed, name) is None]
    if gone:
        return f"down: {', '.join(gone)}; see {bed.logs}"
    return "ready" if _takes_files(bed) else f"takes no files; see {proc.log_of(bed, MASTER)}"


def section(bed: Bed) -> dict[str, Any]:
    moosefs = {
        "master": bed.control_ip,
        "mount": str(ON_HOST),
        "here": str(control_mount(bed)),
        "root": ROOT,
        "goal": GOAL,
        "tools": str(_program("bin")),
        "config": f"{NAME}/master.cfg",
    }
    return {"storage": {"moosefs": moosefs}}


def control_mount(bed: Bed) -> Path:
    """Where the control side sees the shared files."""
    return bed.directory / "mfs"


def _start_master(bed: Bed) -> None:
    folder = bed.directory / NAME
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    if not any(data.glob("metadata.mfs*")):
        (data / "metadata.mfs").write_text("MFSM NEW")
    (folder / "exports.cfg").write_text("* / rw,alldirs,admin,maproot=0:0\n* . rw\n")
    ports = {"MATOML": 9419, "MATOCS": _CHUNK_PORT, "MATOCL": _CLIENT_PORT}
    listen = {f"{side}_LISTEN_HOST": bed.control_ip for side in ports}
    listen |= {f"{side}_LISTEN_PORT": str(port) for side, port in ports.items()}
    settings = _write_settings(
        folder / "master.cfg",
        {"DATA_PATH": data, "EXPORTS_FILENAME": folder / "exports.cfg", **listen},
    )
    # -a: after a crash it mends its own records from its change log
    proc.start(bed, MASTER, [_program("sbin/mfsmaster"), "-f", "-a", "-c", settings])
    proc.wait_until_ready(bed, MASTER, lambda: _master_listens(bed), 30, "the MooseFS master")


def _master_listens(bed: Bed) -> bool:
    try:
        socket.create_connection((bed.control_ip, _CLIENT_PORT), timeout=2).close()
    except OSError:
        return False
    return True


def _start_chunkserver(bed: Bed, host: Host) -> None:
    folder = host.directory / NAME
    for part in ("data", "disk"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "disks.cfg").write_text(f"{folder / 'disk'}\n")
    settings = _write_settings(
        folder / "chunkserver.cfg",
        {
            "DATA_PATH": folder / "data",
            "HDD_CONF_FILENAME": folder / "disks.cfg",
            "HDD_LEAVE_SPACE_DEFAULT": "16MiB",
            "MASTER_HOST": bed.control_ip,
            "MASTER_RECONNECTION_DELAY": "1",
            "BIND_HOST": host.ip,
            "CSSERV_LISTEN_HOST": host.ip,
        },
    )
    start_in(bed, host, CHUNKS, _program("sbin/mfschunkserver"), "-f", "-c", settings)


def _write_settings(path: Path, settings: dict[str, str | Path]) -> Path:
    everywhere = {"WORKING_USER": "root", "WORKING_GROUP": "root", "LOCK_MEMORY": "0"}
    lines = [f"{key} = {value}\n" for key, value in {**everywhere, **settings}.items()]
    path.write_text("".join(lines))
    return path


def _mount(bed: Bed) -> None:
    control_mount(bed).mkdir(exist_ok=True)
    proc.start(bed, MOUNT, [_program("bin/mfsmount"), *_mount_words(bed, control_mount(bed))])
    proc.wait_until_ready(
        bed, MOUNT, lambda: _is_mounted([], control_mount(bed)), 30, "the control side's mount"
    )


def _mount_on(bed: Bed, host: Host) -> None:
    run_in(bed, host, "mkdir", "-p", ON_HOST, check=True)
    start_in(bed, host, MOUNT, _program("bin/mfsmount"), *_mount_words(bed, ON_HOST))
    proc.wait_until_ready(
        bed,
        f"{host.name}.{MOUNT}",
        lambda: _is_mounted(enter(bed, host), ON_HOST),
        30,
        f"the mount on {host.name}",
    )


def _mount_words(bed: Bed, where: Path) -> list[str]:
    return [str(where), "-f", "-H", bed.control_ip, "-P", str(_CLIENT_PORT)]


def _is_mounted(enter_host: list[str], where: Path) -> bool:
    return _ends_well([*enter_host, "mountpoint", "-q", str(where)])


def _unmount(enter_host: list[str], where: Path) -> None:
    if _is_mounted(enter_host, where):
        _ends_well([*enter_host, "umount", "--lazy", str(where)])


def _takes_files(bed: Bed) -> bool:
    return _tried(bed, "")


def _copies_files(bed: Bed) -> bool:
    """Whether a new file has as many copies at once as it should. With too few chunkservers in
    touch there are less, and what is made then stays endangered for minutes."""
    wanted = min(GOAL, len(bed.hosts))
    return _tried(bed, f'&& "$3" "$2" | grep -q "with {wanted} cop"')


def _tried(bed: Bed, more: str) -> bool:
    """Whether a file can be written and read, and `more`; it goes at once, not to the trash, where
    its chunk would count on."""
    script = (
        f'mkdir -p "$1" && date > "$2" && cat "$2" {more}; ended=$?; '
        '"$4" 0 "$2" && rm "$2" && exit $ended'
    )
    folder = control_mount(bed) / ROOT
    tools = [str(_program(f"bin/{name}")) for name in ("mfscheckfile", "mfssettrashtime")]
    return _ends_well(["sh", "-c", script, "sh", str(folder), str(folder / ".ready"), *tools])


def _ends_well(argv: list[str], timeout: float = 5) -> bool:
    """A mount whose master is away makes whoever touches it wait: hence the limit."""
    try:
        done = subprocess.run(argv, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _program(path: str) -> Path:
    return packages.unpack(_DEBS) / "usr" / path
