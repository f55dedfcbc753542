"""Taking a bed away, also one that crashed halfway or whose bed.json is lost."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path

from bed import layout, namespaces, net, proc, services
from bed.errors import BedError
from bed.layout import Bed
from bed.namespaces import checked


def clear(name: str) -> bool:
    """Remove every process, link, mount, control group and file of a bed; whether any was left."""
    bed = _recall(name)
    found = bed.directory.exists() or Path("/sys/class/net", bed.link).exists()
    _stop_services(bed)
    for host in bed.hosts:
        namespaces.stop(bed, namespaces.holder(host))
    found = _end_marked(bed.directory) or found
    net.unlink(bed.link)
    _unmount_below(bed.directory)
    _remove_cgroups(bed.cgroup)
    layout.forget(name)
    return found


def _recall(name: str) -> Bed:
    """The bed as noted; where the note is lost, one with as many hosts as there can be."""
    try:
        bed = layout.load(name)
    except BedError:
        bed = None
    if bed is not None:
        return bed
    directory = layout.directory_of(name)
    return Bed(name, directory, "10.213.0.0/24", size=layout.MAX_HOSTS, parts=())


def _stop_services(bed: Bed) -> None:
    for name in reversed(services.of(bed)):
        # What doesn't stop in an orderly way is killed below.
        with contextlib.suppress(BedError, OSError, ImportError):
            services.module(name).stop(bed)


def _end_marked(directory: Path) -> bool:
    pids = list(proc.marked(directory))
    for pid in pids:
        proc.end(pid, how=signal.SIGKILL)
    return bool(pids)


def _unmount_below(directory: Path) -> None:
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in reversed(mounts):
        path = mount.encode().decode("unicode_escape")  # spaces stand as \040
        if Path(path).is_relative_to(directory):
            checked(["umount", "--lazy", path])


def _remove_cgroups(name: str) -> None:
    for root in (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*/")):
        top = root / name.lstrip("/")
        if top.is_dir():
            below = sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True)
            for folder in [*below, top]:
                _remove_cgroup(folder)


def _remove_cgroup(folder: Path) -> None:
    """The last process of a group can take a moment to be gone from it."""
    for _ in range(100):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BedError(f"the control group {folder} is still in use; run down again")
