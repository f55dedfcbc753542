"""What a check-up makes of its facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nap_compose.border import Finding, Grade
from nap_compose.cluster.cluster import Cluster, Host, Logs, Network
from nap_compose.cluster.view import Absence, HostState, HostView, SwarmView, Unseen, View
from nap_compose.health.doctor.certificates import Certificate, of_certificates
from nap_compose.health.doctor.hosts import Disk, of_disks, of_hosts
from nap_compose.health.doctor.overlay import of_overlay
from nap_compose.health.doctor.roads import Door, Road, of_doors, of_roads
from tests.support import views

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
SWARM = SwarmView("s1", "n1", control=True, managers=3)


def told(findings: Iterable[Finding]) -> list[str]:
    """The findings, a line each."""
    return [f"{each.grade.value} {each.subject}: {each.text}" for each in findings]


def swarm(*, managers: int, hosts: int) -> View:
    each = SwarmView("s1", "n1", control=True, managers=managers)
    return views.view(*(views.host(f"h{n}", swarm=each) for n in range(1, hosts + 1)))


def cluster(names: Iterable[str] = ("h1", "h2", "h3"), driver: str = "auto") -> Cluster:
    hosts = {name: Host(name, f"tcp://10.0.0.{name[1:]}:2376") for name in names}
    return Cluster("lab", hosts, Path("/s"), Logs(Path("/l")), Network(driver))


def test_hosts_that_are_well_are_one_line() -> None:
    view = views.view(*(views.host(name, engine="27.5.1") for name in ("h1", "h2")))
    assert told(of_hosts(view)) == [
        "ok hosts: 2 of 2 answer",
        "ok engines: all are Docker 27.5.1",
    ]


def test_a_silent_host_is_a_fault_with_its_reason() -> None:
    unseen = (Unseen("h2", Absence.REFUSED, "its certificate has expired"),)
    view = View(NOW, {"h1": views.host("h1", engine="27.5.1")}, unseen)
    fault = next(iter(of_hosts(view)))
    assert told([fault]) == ["fault h2: its certificate has expired"]
    assert "nap cluster certs ls" in fault.remedy


@pytest.mark.parametrize("why", list(Absence))
def test_every_kind_of_silence_has_a_remedy(why: Absence) -> None:
    (fault,) = of_hosts(View(NOW, {}, (Unseen("h1", why, "silent"),)))
    assert fault.grade is Grade.FAULT
    assert fault.remedy


def test_engines_of_two_releases_are_told_apart() -> None:
    hosts = [views.host("h1", engine="20.10.24"), views.host("h2", engine="27.5.1")]
    found = told(of_hosts(views.view(*hosts)))
    assert "warning engines: they are of 2 releases: 20.10.24 on h1; 27.5.1 on h2" in found


@pytest.mark.parametrize(
    ("skew", "found"),
    [
        (0.9, []),
        (-1.5, ["warning h1: its clock is 1.5 s behind this machine's"]),
        (31.0, ["fault h1: its clock is 31.0 s ahead of this machine's"]),
    ],
)
def test_clocks(skew: float, found: list[str]) -> None:
    view = views.view(views.host("h1", engine="27", skew=skew))
    assert [line for line in told(of_hosts(view)) if "clock" in line] == found


def test_a_drained_host_is_not_forgotten() -> None:
    view = views.view(views.host("h1", engine="27", state=HostState.DRAINED))
    assert "warning h1: it is drained: nothing new is placed there" in told(of_hosts(view))


def test_disks() -> None:
    disks = {"h1": Disk(100 << 30, 50 << 30), "h2": Disk(100, 15), "h3": Disk(100, 5)}
    assert told(of_disks(disks)) == [
        "ok h1: its engine's disk is 50% full, 50GiB of it free",
        "warning h2: its engine's disk is 85% full, 15B of it free",
        "fault h3: its engine's disk is 95% full, 5B of it free",
    ]


@pytest.mark.parametrize(
    ("managers", "hosts", "found"),
    [
        (3, 3, "ok networks: a swarm of 3 managers, 1 of which may be lost"),
        (5, 7, "ok networks: a swarm of 5 managers, 2 of which may be lost"),
        (1, 1, "ok networks: a swarm of 1 manager, 0 of which may be lost"),
        (
            1,
            3,
            "warning networks: a swarm of 1 manager: when it goes, nothing can be attached to a "
            "network",
        ),
        (
            2,
            3,
            "warning networks: a swarm of 2 managers: when either goes, nothing can be attached "
            "to a network",
        ),
        (
            4,
            4,
            "warning networks: a swarm of 4 managers, which stands the loss of 1, as 3 would",
        ),
    ],
)
def test_managers(managers: int, hosts: int, found: str) -> None:
    names = [f"h{n}" for n in range(1, hosts + 1)]
    view = swarm(managers=managers, hosts=hosts)
    assert told(of_overlay(view, cluster(names, "swarm"))) == [found]


def test_without_a_network_across_hosts_it_says_what_makes_one() -> None:
    view = views.view(views.host("h1"), views.host("h2"))
    (fault,) = of_overlay(view, cluster(("h1", "h2")))
    assert fault.grade is Grade.FAULT
    assert "nap cluster init" in fault.remedy


def test_a_manager_without_a_quorum() -> None:
    lonely = HostView("h1", "10.0.0.1", swarm=SwarmView("s1", "n1", control=False, managers=3))
    (fault,) = of_overlay(views.view(lonely, unseen=("h2", "h3")), cluster())
    assert fault.grade is Grade.FAULT
    assert "quorum" in fault.text


def ending(days: float, subject: str = "h1") -> Certificate:
    return Certificate(subject, "its engine's certificate", NOW + timedelta(days=days))


def test_certificates_that_last_are_one_line() -> None:
    assert told(of_certificates([ending(400), ending(90.5, "h2")], NOW)) == [
        "ok certificates: 2 of them; the first to end is h2: its engine's certificate, in 90 days"
    ]


def test_certificates_that_end_soon_or_have_ended() -> None:
    assert told(of_certificates([ending(400), ending(29.5, "h2"), ending(-2, "h3")], NOW)) == [
        "fault h3: its engine's certificate ended on 2026-02-27",
        "warning h2: its engine's certificate ends in 29 days, on 2026-03-30",
    ]
    assert told(of_certificates([], NOW)) == []


def road(*, named: bool = True, reached: bool = True, whole: bool = True) -> Road:
    return Road("h1", "h2", named, reached, whole, 1450)


def test_roads_that_are_free_are_one_line() -> None:
    roads = [road(), Road("h2", "h1", True, True, True, 1450)]
    assert told(of_roads(roads, overlay="swarm")) == [
        "ok roads: 2 between hosts: names, ping, packets of 1450 bytes"
    ]
    assert told(of_roads([], overlay="swarm")) == []


@pytest.mark.parametrize(
    ("blocked", "text", "remedy"),
    [
        (
            road(reached=False, whole=False),
            "no packet comes through the overlay network",
            "UDP 4789",
        ),
        (
            road(named=False, reached=False, whole=False),
            "no packet comes through the overlay network, and names don't resolve",
            "7946",
        ),
        (road(named=False), "names don't resolve, though packets come through", "7946"),
        (
            replace(road(reached=False, whole=False), plainly=True),
            "packets come through as they are, but not encrypted (`network.encrypted`)",
            "ESP",
        ),
        (
            road(whole=False),
            "a full packet of 1450 bytes doesn't come through, a small one does",
            "mtu",
        ),
    ],
)
def test_blocked_roads(blocked: Road, text: str, remedy: str) -> None:
    (fault,) = of_roads([blocked, Road("h2", "h1", True, True, True, 1450)], overlay="swarm")
    assert told([fault]) == [f"fault h1 → h2: {text}"]
    assert remedy in fault.remedy
    assert "restart" not in fault.remedy or not blocked.named


def test_an_engine_that_lost_its_cluster_store_is_started_again() -> None:
    (fault,) = of_roads([road(reached=False, whole=False)], overlay="consul")
    assert "restart the engine on h2" in fault.remedy


def test_doors() -> None:
    open_one = Door("engines", "10.0.0.1", 2376, ("h2", "h1"))
    open_two = Door("engines", "10.0.0.2", 2376, ("h1",))
    shut = Door("Consul", "10.0.0.1", 8501)
    assert told(of_doors([open_one, open_two, shut])) == [
        "warning engines: port 2376 of 10.0.0.1, 10.0.0.2 answers to containers on h1, h2"
    ]
    assert told(of_doors([shut])) == ["ok isolation: none of 1 inner ports answers to a container"]
