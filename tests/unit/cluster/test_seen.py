"""Engines' answers as they really look, read into the view's words."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from nap_compose.cluster import seen
from nap_compose.cluster.view import PublishedPort


def container(**fields: Any) -> Any:
    raw = {"Id": "c1", "Names": ["/web-1"], "State": "running", "Status": "Up 2 minutes"}
    return seen.container_view({**raw, **fields}, "h1", cluster="", seal=None)


@pytest.mark.parametrize(
    ("status", "health", "code"),
    [
        ("Created", "none", None),
        ("Up Less than a second", "none", None),
        ("Up 2 minutes (health: starting)", "starting", None),
        ("Up 2 minutes (healthy)", "healthy", None),
        ("Up About an hour (unhealthy)", "unhealthy", None),
        ("Up 3 seconds (Paused)", "none", None),
        ("Exited (0) 4 seconds ago", "none", 0),
        ("Exited (137) 2 weeks ago", "none", 137),
        ("Exited (-1) 2 weeks ago", "none", -1),
        ("Restarting (2) 1 second ago", "none", 2),
        ("Dead", "none", None),
        ("Removal In Progress", "none", None),
        ("", "none", None),
    ],
)
def test_what_the_status_tells(status: str, health: str, code: int | None) -> None:
    found = container(Status=status)
    assert (found.health, found.exit_code, found.status) == (health, code, status)


def test_the_name_is_its_own_and_not_a_link() -> None:
    assert container(Names=["/app/db", "/db-1", "/web/alias"]).name == "db-1"
    assert container(Names=None).name == ""


def test_ports() -> None:
    ports = [
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 443, "Type": "tcp"},
        {"IP": "127.0.0.1", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
    ]
    assert container(Ports=ports).ports == (
        PublishedPort(53, 53, "udp", "127.0.0.1"),
        PublishedPort(8080, 80, "tcp", "0.0.0.0"),
        PublishedPort(8080, 80, "tcp", "::"),
    )
    assert container(Ports=None).ports == ()


def test_volumes_and_networks() -> None:
    found = container(
        Mounts=[
            {"Type": "bind", "Source": "/etc", "Destination": "/etc"},
            {"Type": "volume", "Name": "data", "Source": "", "Destination": "/data"},
        ],
        NetworkSettings={"Networks": {"b": {}, "a": {}}},
    )
    assert found.volumes == ("data",)
    assert found.networks == ("a", "b")
    assert container(NetworkSettings=None, Mounts=None).networks == ()


@pytest.mark.parametrize("replica", ["", "x", "-1", "9" * 30])
def test_labels_that_make_no_sense_are_nobody_s(replica: str) -> None:
    labels = {"io.nap.cluster": "", "io.nap.app": "shop", "io.nap.replica": replica}
    assert container(Labels={**labels, "io.nap.fence": "y"}).identity is None
    assert container(Labels={"io.nap.app": "shop", "io.nap.replica": replica}).identity is None


def test_an_image_without_a_name() -> None:
    raw = {"Id": "sha256:1", "RepoTags": ["<none>:<none>"], "RepoDigests": None, "Size": 5}
    assert seen.image_view(raw).tags == ()
    assert seen.image_view({**raw, "RepoTags": None}).digests == ()


@pytest.mark.parametrize(
    ("told", "skew"),
    [
        ("2024-05-01T10:00:02.5Z", 2.5),
        ("2024-05-01T10:00:02.500123456Z", 2.500123),
        ("2024-05-01T12:00:00+02:00", 0),
        ("2024-05-01T11:59:58.123456789+02:00", -1.876544),
        ("", 0),
        ("yesterday", 0),
    ],
)
def test_the_engine_s_clock(told: str, skew: float) -> None:
    now = datetime(2024, 5, 1, 10, tzinfo=timezone.utc)
    assert seen.clock_skew({"SystemTime": told}, now) == pytest.approx(skew)


@pytest.mark.parametrize(
    ("machine", "arch"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64")]
)
def test_architectures_go_by_the_names_that_images_use(machine: str, arch: str) -> None:
    assert seen.architecture({"Architecture": machine}) == arch


def manager(node: str, peers: str, cluster: str = "S", error: str = "") -> dict[str, Any]:
    swarm = {
        "NodeID": node,
        "LocalNodeState": "active",
        "ControlAvailable": True,
        "Error": error,
        "RemoteManagers": [{"NodeID": each, "Addr": "x"} for each in peers],
        "Cluster": {"ID": cluster} if cluster else None,
        "Managers": len(peers) if cluster else 0,
    }
    return {"Swarm": swarm}


def worker(node: str, peers: str) -> dict[str, Any]:
    info = manager(node, peers, cluster="")
    info["Swarm"]["ControlAvailable"] = False
    return info


ALONE: dict[str, Any] = {"Swarm": {"NodeID": "", "LocalNodeState": "inactive", "Cluster": None}}


def test_a_worker_is_known_by_its_managers() -> None:
    found = seen.swarms({"h1": worker("w", "ab"), "h2": manager("a", "ab"), "h3": ALONE})
    assert found["h1"].cluster == found["h2"].cluster == "S"
    assert (found["h1"].control, found["h2"].control) == (False, True)
    assert found["h1"].managers == 2
    assert found["h3"].cluster == ""


def test_two_swarms_stay_two() -> None:
    found = seen.swarms(
        {"h1": manager("a", "a"), "h2": manager("b", "b", "T"), "h3": worker("w", "b")}
    )
    assert [found[host].cluster for host in ("h1", "h2", "h3")] == ["S", "T", "T"]


def test_without_a_quorum_hosts_of_one_swarm_still_know_one_another() -> None:
    error = "The swarm does not have a leader"
    found = seen.swarms(
        {"h1": manager("a", "abc", "", error), "h2": worker("w", "bc"), "h3": worker("v", "d")}
    )
    assert found["h1"].cluster == found["h2"].cluster != ""
    assert found["h3"].cluster not in ("", found["h1"].cluster)
    assert not found["h1"].control
    assert found["h1"].error == error
    assert found["h1"].managers == 3


def test_a_locked_manager_controls_nothing() -> None:
    info = manager("a", "ab")
    info["Swarm"]["LocalNodeState"] = "locked"
    found = seen.swarms({"h1": info})["h1"]
    assert not found.control
    assert found.error == "the node is locked"
