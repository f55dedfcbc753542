"""`nap volume move` on real hosts: to another one, into cluster storage, and cut off on the way."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, moosefs
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.exits import Exit
from tests.support.apps import Apps, sleeper
from tests.support.nap import Nap, eventually

pytestmark = pytest.mark.bed

FILL = (
    "cd /data; mkdir -p d/e; echo kept > d/x; chown -R 33:44 d; chmod 700 d/e; mkfifo ff;"
    "ln -s /etc l; dd if=/dev/urandom of=big bs=1M count={size} 2>/dev/null; ln big hard"
)
TELL = (
    "cd /data; for each in $(find . | sort); do stat -c '%n %F %a %u %g %h' $each; done;"
    "readlink l; [ big -ef hard ] && md5sum big d/x"
)


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("volume-move", only=("hosts", "consul", "moosefs")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


def filled(nap: Nap, apps: Apps, name: str, size: int, **volume: Any) -> tuple[Path, str]:
    """An app with so many MiB in its volume, and what is in it."""
    web = {"web": sleeper(volumes=["data:/data"])}
    file = apps(name, web, volumes={"data": volume})
    nap("up", "-f", file)
    nap("exec", f"{name}/web", "sh", "-c", FILL.format(size=size))
    return file, told(nap, name)


def told(nap: Nap, name: str) -> str:
    """What is in an app's volume: names, kinds, permissions, owners, and contents."""
    return nap("exec", f"{name}/web", "sh", "-c", TELL).out


def once_unlocked(nap: Nap, *words: str | Path, code: int = 0) -> str:
    """Run it once the lock of the nap that was killed has gone; what it says on standard error."""

    def free() -> bool:
        probe = nap.start(*words)
        ended = probe.ended()
        said.append(ended.err)
        assert ended.code in (code, Exit.LOCKED), ended
        return ended.code == code

    said: list[str] = []
    eventually(free, "the lock to go", within=90)
    return said[-1]


def where(nap: Nap, name: str) -> set[str]:
    return set(nap("volumes", name, "--format", "{{.Host}}").out.split())


def test_it_goes_to_another_host_and_then_to_all_of_them(bed: Bed, nap: Nap, apps: Apps) -> None:
    file, before = filled(nap, apps, "roam", 20)
    (home,) = where(nap, "roam")
    other = next(host.name for host in bed.hosts if host.name != home)
    used = nap("volume", "move", "roam/data", "--to", other, code=Exit.FAILED)
    assert "roam-web-1 uses roam/data" in used.err
    nap("volume", "move", "roam/data", "--to", other, "--stop")
    assert where(nap, "roam") == {other}
    assert nap.rows("roam")["web.1"]["Host"] == other
    assert told(nap, "roam") == before
    nap("volume", "move", "roam/data", "--to-cluster", "--stop")
    shared = moosefs.control_mount(bed) / moosefs.ROOT / nap.owner / "roam" / "data"
    assert (shared / "d" / "x").read_text() == "kept\n"
    assert told(nap, "roam") == before
    nap("host", "drain", nap.rows("roam")["web.1"]["Host"])
    assert told(nap, "roam") == before, "it isn't bound to a host any more"
    for host in bed.hosts:
        nap("host", "activate", host.name)
    assert "nothing to do" in nap("up", "-f", file).out
    assert "on every host" in nap("volume", "move", "roam/data", "--to", other, code=2).err


def cut_off(nap: Nap, name: str, *way: str, before: Callable[[], object] = lambda: None) -> None:
    """Kill a move while the content is on its way, and see that nothing is started then. What is
    done `before` finds it there."""
    with nap.start("volume", "move", f"{name}/data", *way, "--stop") as moving:
        moving.until("sent")
        moving.signal(signal.SIGSTOP)
        before()
        moving.signal(signal.SIGKILL)
    assert "was cut off" in once_unlocked(nap, "start", name, code=Exit.FAILED)


def test_a_gigabyte_that_is_cut_off_is_finished_by_the_next_run(
    bed: Bed, nap: Nap, apps: Apps
) -> None:
    file, before = filled(nap, apps, "large", 1024)
    (home,) = where(nap, "large")
    other = next(host.name for host in bed.hosts if host.name != home)
    cut_off(nap, "large", "--to", other)
    assert "was cut off" in nap("up", "-f", file, code=Exit.FAILED).err
    nap("volume", "move", "large/data")
    assert where(nap, "large") == {other}
    assert told(nap, "large") == before


def test_what_was_cut_off_can_be_given_up_and_holds_its_quota_until_then(
    nap: Nap, apps: Apps
) -> None:
    _, before = filled(nap, apps, "stays", 400)
    home = where(nap, "stays")
    large = {"data": {"driver": "moosefs", "driver_opts": {"quota": "1g"}}}
    web = {"web": sleeper(volumes=["data:/data"])}
    nap("up", "-f", apps("stays", web, volumes=large))
    assert where(nap, "stays") == home
    other = apps("other", web, volumes=large)
    nap("quota", "set", nap.me, "storage=1536m")

    def refused() -> None:
        ended = nap("up", "-f", other, code=Exit.NO_ROOM)
        assert "over the quota" in ended.err

    try:
        nap("plan", "-f", other)
        cut_off(nap, "stays", "--to-cluster", before=refused)
    finally:
        nap("quota", "unset", nap.me, "storage")
    nap("volume", "move", "stays/data", "--abandon")
    assert where(nap, "stays") == home
    nap("start", "stays")
    assert told(nap, "stays") == before, "the old one is whole"
    assert "stays" not in nap("storage", "ls").out, "nothing of the copy is left"
