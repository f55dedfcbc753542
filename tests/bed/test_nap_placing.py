"""Placement on real hosts: zones, reasons, and ten apps that race for one port and the last CPU."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bed import busybox
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.exits import Exit
from tests.support import hosts
from tests.support.apps import Apps, sleeper
from tests.support.nap import Ended, Nap

pytestmark = pytest.mark.bed

TEN = [f"race{number}" for number in range(10)]
SPREAD = {"preferences": [{"spread": "node.labels.zone"}]}
ALONE = {"network_mode": "bridge"}
"""Without a network of the app's own: what is raced for is on the hosts."""


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("placing", only=("hosts", "consul")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture
def cpus(nap: Nap) -> float:
    """The CPUs of one host; all have as many."""
    listed = [json.loads(line) for line in nap("host", "ls", "--format", "json").out.splitlines()]
    (number,) = {host["cpus"] for host in listed}
    return float(number)


def reserving(cpus: float, **more: Any) -> dict[str, Any]:
    resources = {"reservations": {"cpus": str(cpus)}}
    return sleeper(deploy={"resources": resources}, **ALONE, **more)


def test_a_spread_over_zones_holds(nap: Nap, apps: Apps) -> None:
    """Two hosts are in zone a and one in zone c: that one gets half of the replicas."""
    nap("host", "label", "h2", "zone=a")
    try:
        web = sleeper(deploy={"replicas": 4, "placement": SPREAD})
        nap("up", "-f", apps("zoned", {"web": web}))
        on = Counter(row["Host"] for row in nap.rows("zoned").values())
        assert on == {"h1": 1, "h2": 1, "h3": 2}
        nap("up", "-f", apps.files["zoned"], "--scale", "web=6")
        on = Counter(row["Host"] for row in nap.rows("zoned").values())
        assert on == {"h1": 2, "h2": 1, "h3": 3} or on == {"h1": 1, "h2": 2, "h3": 3}
        again = nap("up", "-f", apps.files["zoned"], "--scale", "web=6")
        assert again.out == "nothing to do: zoned is up to date\n"
    finally:
        nap("host", "label", "h2", "zone=b")


def test_no_room_is_told_host_by_host_and_changes_nothing(
    nap: Nap, bed: Bed, apps: Apps, cpus: float
) -> None:
    most = cpus * 0.75
    holder = reserving(most, ports=["7300:80"])
    holder["deploy"]["placement"] = {"constraints": ["node.hostname == h1"]}
    nap("up", "-f", apps("holder", {"web": holder}))
    nap("host", "cordon", "h2")
    wants = reserving(most, ports=["7300:80"])
    wants["deploy"]["placement"] = {"constraints": ["node.labels.zone != c"]}
    file = apps("wanting", {"web": wants})
    with hosts.unchanged(bed.hosts):
        ended = nap("up", "-f", file, code=Exit.NO_ROOM)
    nap("host", "activate", "h2")
    free, asked = f"{cpus - most:g}", f"{most:g}"
    lines = [" ".join(line.split()) for line in ended.said]
    assert lines[-4] == "nap: no host has room for web.1"
    assert lines[-3].startswith("h1 cpu ") and f"{free}" in lines[-3] and f"{asked}" in lines[-3]
    assert lines[-3].endswith(f"port 7300 held by {nap.owner}/holder/web.1")
    assert lines[-2] == "h2 is cordoned"
    assert lines[-1] == "h3 label zone is c, constraint excludes it"

    told = nap("plan", "-f", file, "--why", "web").out.splitlines()
    assert "web.1 on h2: the only host that fits" in told
    table = {line.split()[0]: line.split()[1] for line in told[told.index("") + 2 :]}
    assert table == {"h1": "no", "h2": "here", "h3": "no"}


def test_ten_apps_race_for_one_port(nap: Nap, bed: Bed, apps: Apps) -> None:
    """Three hosts have it: three apps get it, one on each, and seven are told who has it."""
    files = [apps(name, {"web": sleeper(ports=["7400:80"], **ALONE)}) for name in TEN]
    winners = three_of_ten(nap, race(nap, files))
    for row in winners:
        bindings = hosts.inspect(bed, row)["HostConfig"]["PortBindings"]
        assert bindings["80/tcp"][0]["HostPort"] == "7400"


def test_ten_apps_race_for_the_last_cpu(nap: Nap, bed: Bed, apps: Apps, cpus: float) -> None:
    """Each wants more than half of a host: three get it, and no host is promised twice."""
    files = [apps(name, {"web": reserving(cpus * 0.6)}) for name in TEN]
    winners = three_of_ten(nap, race(nap, files))
    for row in winners:
        label = hosts.inspect(bed, row)["Config"]["Labels"]["io.nap.holds"]
        assert json.loads(label)["cpus"] == pytest.approx(cpus * 0.6)


def race(nap: Nap, files: list[Path]) -> list[Ended]:
    """Bring all up at once, and wait for all of them."""
    running = [nap.start("up", "-f", file) for file in files]
    return [each.ended() for each in running]


def three_of_ten(nap: Nap, ended: list[Ended]) -> list[dict[str, Any]]:
    """The containers of those that got what they wanted; the others ended with the reasons."""
    codes = Counter(each.code for each in ended)
    assert codes == {Exit.DONE: 3, Exit.NO_ROOM: 7}, [each.err for each in ended]
    for each in ended:
        if each.code == Exit.NO_ROOM:
            assert "no host has room for web.1" in each.err
    rows = [row for name in TEN for row in nap.rows(name).values()]
    assert sorted(row["Host"] for row in rows) == ["h1", "h2", "h3"]
    assert {row["State"] for row in rows} == {"running"}
    return rows


def test_gpus_are_counted_as_the_cluster_file_states_them(
    nap: Nap, bed: Bed, apps: Apps, tmp_path: Path
) -> None:
    """No engine here has one to give: it is seen where the app would go, and why not elsewhere."""
    content = yaml.safe_load(bed.cluster_file.read_text())
    content["hosts"]["h3"]["devices"] = {"gpu": 1}
    stated = bed.cluster_file.with_name("with-gpu.yml")
    stated.write_text(yaml.safe_dump(content))
    train = sleeper(gpus=[{"count": 1}])
    file = apps("train", {"train": train})
    told = nap.on(stated)("plan", "-f", file, "--why", "train").out
    assert "train.1 on h3: the only host that fits" in told
    assert "gpu none there, 1 asked" in told
    train["deploy"] = {"replicas": 2}
    ended = nap.on(stated)("plan", "-f", apps("train", {"train": train}), code=Exit.NO_ROOM)
    assert "gpu 0 of 1 free, 1 asked" in ended.err
    stated.unlink()


def test_a_job_runs_to_its_end_once(nap: Nap, apps: Apps) -> None:
    job = sleeper(command="sh -c 'sleep 1; echo migrated'", deploy={"mode": "replicated-job"})
    web = sleeper(depends_on={"job": {"condition": "service_completed_successfully"}})
    nap("up", "-f", apps("jobs", {"job": job, "web": web}))
    rows = nap.rows("jobs")
    assert (rows["job.1"]["State"], rows["job.1"]["ExitCode"]) == ("exited", 0)
    assert nap("up", "-f", apps.files["jobs"]).out == "nothing to do: jobs is up to date\n"
    assert nap.ids("jobs") == {slot: row["ID"] for slot, row in rows.items()}
    assert nap("logs", "jobs", "job", "--no-log-prefix").out == "migrated\n"
