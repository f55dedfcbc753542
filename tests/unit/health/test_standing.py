"""What `nap status` makes of its facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import CollectedHost, Grade, StatusRow
from nap_compose.cluster.cluster import Cluster, Failover, Host, Logs
from nap_compose.cluster.members import Member
from nap_compose.cluster.view import HostState, SwarmView
from nap_compose.health.doctor.certificates import Certificate
from nap_compose.health.doctor.hosts import Disk
from nap_compose.health.records import Heartbeat, HostHealth, HostRecord
from nap_compose.health.standing import lines
from nap_compose.health.standing.facts import Facts, Pooled, Replica, Trouble
from nap_compose.health.standing.lines import of_facts
from tests.support import views

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
NAMES = ("h1", "h2", "h3")
CLUSTER = Cluster(
    "lab",
    {name: Host(name, f"tcp://10.0.0.{name[1:]}:2376") for name in NAMES},
    Path("/s"),
    Logs(Path("/l")),
    failover=Failover(),
)
SWARM = SwarmView("s1", "n1", control=True, managers=3)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats are held against the clock."""
    monkeypatch.setattr("nap_compose.cluster.seen.now", lambda: NOW)


WELL = Facts(
    now=NOW,
    cluster=CLUSTER,
    view=views.view(*(views.host(name, engine="27.5.1", swarm=SWARM) for name in NAMES)),
    replicas=(Replica("ada", "shop", "web.1", "h1", "running", "healthy"),),
    watched={name: HostRecord(name, server=True) for name in NAMES},
    heartbeats=(Heartbeat("desk-1", ago(4), every=10, leads=True),),
    consul={name: Member(alive=True, server=True) for name in NAMES},
    store=True,
    records=True,
    directory=True,
    storage=Pooled(total=100, free=70),
    certificates=(Certificate("h1", "its engine's certificate", NOW + timedelta(days=300)),),
    disks={"/var/lib/nap here": Disk(100, 70)},
    collected=(CollectedHost("h1", "desk", NOW.timestamp() - 2, behind=0.4),),
    backup=ago(3 * 3600),
)


def told(facts: Facts) -> list[str]:
    """The lines that aren't as they should be."""
    return [
        f"{each.part} {each.grade.value} {each.subject}: {each.text}"
        for each in of_facts(facts)
        if each.grade is not Grade.OK
    ]


def only(facts: Facts) -> StatusRow:
    (row,) = [each for each in of_facts(facts) if each.grade is not Grade.OK]
    return row


def test_when_all_is_well_each_part_is_told() -> None:
    rows = of_facts(WELL)
    assert told(WELL) == []
    parts = dict.fromkeys(row.part for row in rows)
    assert list(parts) == [
        *("hosts", "networks", "consul", "apps", "storage", "certificates", "disks"),
        *("watcher", "logs", "records", "directory", "backup"),
    ]
    texts = {row.part: row.text for row in rows}
    assert texts["consul"] == "3 of 3 servers are up, 1 of which may be lost"
    assert texts["watcher"] == "desk-1 looked 4s ago"
    assert texts["disks"] == "30% at most, of /var/lib/nap here"
    assert texts["backup"] == "made 3h ago"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a host": (
        {"view": views.view(*WELL.view.hosts.values() if WELL.view else (), unseen=["h4"])},
        "hosts fault h4: no route to host",
    ),
    "every host": (
        {"view": None, "troubles": {"view": Trouble("slow")}},
        "hosts fault hosts: slow",
    ),
    "a server of Consul's": (
        {"consul": {n: Member(alive=n != "h3", server=True) for n in NAMES}},
        "consul fault state store: 2 of 3 servers are up, 0 of which may be lost; h3 is down",
    ),
    "a server that Consul forgot": (
        {"consul": {n: Member(alive=True, server=True) for n in NAMES[:2]}},
        "consul fault state store: 2 of 3 servers are up, 0 of which may be lost; h3 is down",
    ),
    "the state store": (
        {"store": None, "troubles": {"store": Trouble("Consul doesn't answer")}},
        "consul fault state store: Consul doesn't answer: nothing can be deployed and nothing "
        "fails over until it is back",
    ),
    "an unhealthy replica": (
        {"replicas": (Replica("ada", "shop", "web.1", "h1", "running", "unhealthy"),)},
        "apps fault ada/shop: web.1 on h1 is unhealthy",
    ),
    "a replica that ended": (
        {"replicas": (Replica("ada", "shop", "web.1", "h1", "exited", exit_code=3),)},
        "apps fault ada/shop: web.1 on h1 has ended with code 3",
    ),
    "a replica that nobody sees": (
        {"replicas": (Replica("ada", "shop", "web.1", "h4", "unknown"),)},
        "apps fault ada/shop: web.1 was on h4, which doesn't answer: nobody knows whether it runs",
    ),
    "an endangered chunk": (
        {"storage": Pooled(endangered=7, total=100, free=70)},
        "storage fault storage: 7 chunks are endangered: one copy left",
    ),
    "a chunkserver": (
        {"storage": Pooled(away=("10.0.0.2",), total=100, free=70)},
        "storage fault storage: the chunkserver 10.0.0.2 is away",
    ),
    "full storage": (
        {"storage": Pooled(total=100, free=5)},
        "storage fault storage: 95% full, 5B free",
    ),
    "a certificate": (
        {"certificates": (Certificate("h1", "its certificate", NOW - timedelta(days=1)),)},
        "certificates fault h1: its certificate ended on 2026-02-28",
    ),
    "a disk": (
        {"disks": {"/var/lib/nap here": Disk(100, 5)}},
        "disks fault /var/lib/nap here: the disk is 95% full",
    ),
    "a host's disk": (
        {"watched": {"h1": HostRecord("h1", server=True, full=0.95)}},
        "disks fault h1: the disk is 95% full",
    ),
    "the watcher": (
        {"heartbeats": (Heartbeat("desk-1", ago(7200), every=10, leads=True),)},
        "watcher fault watcher: nobody keeps watch; somebody last looked 2h ago: nothing fails "
        "over",
    ),
    "a collector": (
        {"collected": (CollectedHost("h1", "desk", NOW.timestamp() - 600),)},
        "logs fault h1: its collector has said nothing for 10m",
    ),
    "lag": (
        {"collected": (CollectedHost("h1", "desk", NOW.timestamp() - 2, behind=300.0),)},
        "logs fault h1: its lines are kept 5m late",
    ),
    "the database": (
        {"records": None, "troubles": {"records": Trouble("MySQL doesn't answer")}},
        "records fault records: MySQL doesn't answer: nothing can be deployed until it is back",
    ),
    "the directory": (
        {"directory": None, "troubles": {"directory": Trouble("no server answers")}},
        "directory fault directory: no server answers: nobody new can log in until it is back",
    ),
    "an old backup": ({"backup": ago(3 * 86400)}, "backup fault backup: made 3d ago"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_needs_a_person_says_what_to_type(what: str) -> None:
    changed, line = BAD[what]
    facts = replace(WELL, **changed)
    assert told(facts) == [line]
    assert only(facts).remedy


def test_how_many_managers_may_still_be_lost() -> None:
    seen = WELL.view.hosts if WELL.view else {}
    view = views.view(seen["h1"], seen["h2"], unseen=["h3"])
    assert "networks warning networks: 2 of 3 managers of the swarm are seen, 0 may be lost" in (
        told(replace(WELL, view=view))
    )


def test_what_was_stopped_or_has_done_its_work_is_well() -> None:
    stopped = Replica("ada", "shop", "web.1", "h1", "exited", exit_code=137, stopped=True)
    done = Replica("ada", "shop", "job.1", "h1", "exited", exit_code=0)
    assert told(replace(WELL, replicas=(stopped, done))) == []


def test_a_row_of_an_app_says_whose_it_is_and_no_other_does() -> None:
    for row in of_facts(WELL):
        assert bool(row.owner) is (row.part == "apps"), row


def test_a_cordoned_host_and_no_backup_can_wait() -> None:
    assert WELL.view is not None
    hosts = {**WELL.view.hosts, "h1": replace(WELL.view.hosts["h1"], state=HostState.CORDONED)}
    facts = replace(WELL, view=replace(WELL.view, hosts=hosts), backup="")
    assert told(facts) == [
        "hosts warning h1: it is cordoned: nothing new is placed there",
        "backup warning backup: no backup was ever made",
    ]


def test_since_when_a_host_is_lost() -> None:
    assert WELL.view is not None
    lost = HostRecord("h4", HostHealth.LOST, since=ago(600))
    view = views.view(*WELL.view.hosts.values(), unseen=["h4"])
    row = only(replace(WELL, view=view, watched={**(WELL.watched or {}), "h4": lost}))
    assert row.text == "lost since 10m: no route to host"


def test_one_engine_alone_needs_neither_watcher_nor_collector_nor_backup() -> None:
    engine = Cluster("", {"local": Host("local", "unix:///x")}, Path("/s"), Logs(Path("/l")))
    facts = Facts(
        now=NOW,
        cluster=engine,
        view=views.view(views.host("local", engine="27.5.1")),
        replicas=(),
        heartbeats=(),
        store=True,
        records=True,
        disks={"/s here": Disk(100, 50)},
        collected=(CollectedHost("local", problem="nobody collects its lines"),),
        backup="",
    )
    assert told(facts) == []


def test_what_could_not_be_told_is_told() -> None:
    facts = replace(WELL, certificates=None, troubles={"certificates": Trouble("no answer")})
    assert told(facts) == [" unknown certificates: no answer"]


def test_the_limits_are_above_what_is_usual() -> None:
    assert lines.BACKUP_DUE > 86400
    assert lines.LAG >= 60
