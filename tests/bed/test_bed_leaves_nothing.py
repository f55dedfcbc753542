"""After `down` the machine is as it was: also after a half start, a crash, and without a bed."""

import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bed import containers, hosts, layout, lifecycle, net, proc, remains
from bed.errors import BedError
from bed.fixture import own_name
from tests.support.nap import eventually

pytestmark = pytest.mark.bed

NAME = own_name("gone")


def trace():
    """What a bed could leave in the machine's root namespace: only what bears its name."""
    firewall = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    mounts = Path("/proc/self/mountinfo").read_text()
    folder = layout.directory_of(NAME)
    return {
        "processes": sorted(proc.marked(folder)),
        "mounts": [line for line in mounts.splitlines() if str(folder) in line],
        "links": sorted(
            path.name for path in Path("/sys/class/net").iterdir() if not_another(path)
        ),
        "firewall": [line for line in firewall.splitlines() if not line.startswith(("#", ":"))],
        "namespaces": sorted(path.name for path in Path("/run").glob("netns/*")),
        "cgroups": sorted(map(str, Path("/sys/fs/cgroup").glob(f"**/nap-bed-{NAME}"))),
        "folder": folder.exists(),
    }


def not_another(link):
    """Other beds may come and go while these tests run."""
    return not link.name.startswith("nap-") or link.name == f"nap-{NAME}"


def namespaces_of(bed):
    """Where the network namespaces of a bed are to be found."""
    names = ["switch", *(f"{host.name}.holder" for host in bed.hosts)]
    return [Path(f"/proc/{proc.pid_of(bed, name)}/ns/net") for name in names]


@contextmanager
def held(namespaces):
    """Their numbers, as the kernel has them: it gives them to no other while they are held."""
    with ExitStack() as opened:
        files = [opened.enter_context(path.open()) for path in namespaces]
        yield {Path(f"/proc/self/fd/{file.fileno()}").readlink() for file in files}


def live_namespaces():
    listed = set()
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            listed.add(path.readlink())
        except OSError:
            continue
    return listed


@pytest.fixture
def before():
    lifecycle.down(NAME)
    yield trace()
    lifecycle.down(NAME)


def test_after_use(before):
    bed = lifecycle.up(NAME, size=2, parts=("hosts",))
    containers.create_overlay(bed, bed.hosts, "net")
    for host in bed.hosts:
        containers.run(host, "busy", network="net")
    with held(namespaces_of(bed)) as namespaces:
        assert namespaces <= live_namespaces()
        assert trace()["firewall"] == before["firewall"]
        assert trace()["processes"]

        assert lifecycle.down(NAME)
        assert trace() == before
        assert not namespaces & live_namespaces()


def test_after_a_host_was_killed_and_one_was_cut_off(before):
    bed = lifecycle.up(NAME, size=2, parts=("hosts",))
    hosts.kill(bed, bed.hosts[0])
    hosts.partition(bed, bed.hosts[1])
    assert lifecycle.down(NAME)
    assert trace() == before


@pytest.mark.parametrize("moment", [0.0, 0.5, 1.4])
def test_after_up_was_killed_on_the_way(before, moment):
    up = subprocess.Popen([sys.executable, "-m", "bed", "up", "--name", NAME, "--only", "hosts"])
    eventually(layout.directory_of(NAME).exists, "the bed has begun")
    time.sleep(moment)
    up.send_signal(signal.SIGKILL)
    up.wait()
    assert lifecycle.down(NAME)
    assert trace() == before


def test_an_up_that_was_killed_can_be_completed(before):
    up = subprocess.Popen([sys.executable, "-m", "bed", "up", "--name", NAME, "--only", "hosts"])
    time.sleep(1.2)
    up.send_signal(signal.SIGKILL)
    up.wait()
    bed = lifecycle.up(NAME, parts=("hosts",))
    assert [hosts.state(bed, host) for host in bed.hosts] == ["up"] * 3


def test_after_an_error_on_the_way(before, monkeypatch):
    def fail(*_):
        raise BedError("the swarm is ill today")

    monkeypatch.setattr("bed.swarm.join", fail)
    with pytest.raises(BedError, match="ill today"):
        lifecycle.up(NAME, size=1, parts=("hosts",))
    assert lifecycle.down(NAME)
    assert trace() == before


def test_with_its_notes_lost(before):
    bed = lifecycle.up(NAME, size=1, parts=("hosts",))
    for note in [bed.directory / "bed.json", *(bed.directory / "run").iterdir()]:
        note.write_text("{ broken")
    assert lifecycle.down(NAME)
    assert trace() == before


def test_where_no_bed_is(before):
    assert not lifecycle.down(NAME)
    assert trace() == before


def test_a_mount_below_its_folder_goes(before):
    bed = lifecycle.up(NAME, size=1, parts=("hosts",))
    folder = bed.directory / "a mount"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    assert lifecycle.down(NAME)
    assert trace() == before


def test_strangers_are_left_alone(before):
    bed = lifecycle.up(NAME, size=1, parts=("hosts",))
    stranger = subprocess.Popen(["sleep", "300"], cwd="/")
    try:
        # A note whose pid was given to another process since.
        (bed.directory / "run/old.json").write_text(f'{{"pid": {stranger.pid}, "born": 1}}')
        assert proc.pid_of(bed, "old") is None
        proc.stop(bed, "old")
        lifecycle.down(NAME)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_taken_subnet_is_not_taken_again(before):
    bed = lifecycle.up(NAME, size=1, parts=("hosts",))
    assert bed.subnet in net.used_subnets()
    assert remains.clear("never-was") is False
