"""What is done in a host's file system through its engine, and what is left of it: nothing."""

from __future__ import annotations

import time

import pytest

from nap_compose.cluster import hostfs
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.hostfs import HostFiles
from nap_compose.cluster.own_images import entry, packed
from nap_compose.errors import NapError
from tests.engine.fake_engine import FakeEngine

MOUNTS = {"files": "/var/lib/nap/files", "secrets": "/run/nap/secrets", "data": "some-volume"}


def opened(door: DockerEngine):  # type: ignore[no-untyped-def]
    return hostfs.opened(door, MOUNTS, cluster="lab", owner="ada", seal=None)


def tar(*paths: str) -> list[bytes]:
    return [
        packed(
            (
                entry(path.rstrip("/"), 0o644, folder=path.endswith("/")),
                b"" if path[-1] == "/" else b"x",
            )
            for path in paths
        )
    ]


def test_what_was_put_stays_and_the_container_goes(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    with opened(door) as host:
        assert host.stat("files/app/one") is None
        host.put(tar("files/app/", "files/app/one", "data/row"))
        assert len(door.containers()) == 1
    assert door.containers() == []
    assert fake_engine.calls("POST", ".*/start") == []
    with opened(door) as host:
        assert host.stat("files/app/one") is not None
        assert host.stat("data/row") is not None
    assert fake_engine.world.disk["/var/lib/nap/files/app/one"] == b"x"
    assert len(fake_engine.calls("POST", "/images/load")) == 1, "the image is there by now"


def test_it_is_removed_when_what_goes_on_inside_fails(door: DockerEngine) -> None:
    with pytest.raises(ZeroDivisionError), opened(door):
        raise ZeroDivisionError
    assert door.containers() == []


def test_a_folder_is_cleared_by_an_empty_file(fake_engine: FakeEngine, door: DockerEngine) -> None:
    with opened(door) as host:
        host.put(tar("files/app/", "files/app/one"))
        host.clear("files/app")
        host.clear("files/other")
        assert host.stat("files/app/one") is None
    assert fake_engine.world.disk == {"/var/lib/nap/files/app": b""}


def test_where_a_folder_lies_is_told(door: DockerEngine) -> None:
    with opened(door) as host:
        host.put(tar("files/app/", "files/app/one", "secrets/app/", "secrets/app/one"))
        assert host.in_memory("secrets/app", 1)
        assert not host.in_memory("files/app", 1)


def test_what_a_killed_nap_left_goes_at_the_next_use(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    gone, busy = opened(door), opened(door)
    gone.__enter__()
    old = fake_engine.container(door.containers()[0]["Names"][0].lstrip("/"))
    old.created = time.time() - hostfs.FORGOTTEN - 60
    busy.__enter__()  # somebody else is at work there
    with opened(door):
        names = [container["Id"] for container in door.containers()]
    assert old.id not in names
    assert len(door.containers()) == 1
    busy.__exit__(None, None, None)


def test_a_container_that_only_claims_to_be_a_helper_stays(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    fake_engine.add_image("evil:1", Labels={"io.nap.role": "helper"})
    door.create_container("precious", {"Image": "evil:1"})
    fake_engine.container("precious").created = time.time() - 2 * hostfs.FORGOTTEN
    with opened(door):
        pass
    assert [container["Names"] for container in door.containers()] == [["/precious"]]


def test_a_full_disk_is_said(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.fault(
        "PUT", ".*/archive", status=500, message="write /nap/files/a: no space left on device"
    )
    with opened(door) as host, pytest.raises(NapError, match="the disk is full") as full:
        host.put(tar("files/a"))
    assert "docker system df" in str(full.value.hint)
    assert isinstance(host, HostFiles)


def test_what_was_left_behind_in_a_volume_lets_go_of_it_at_once(door: DockerEngine) -> None:
    left = [
        hostfs.opened(door, {"data": volume}, cluster="lab", owner="ada", seal=None)
        for volume in ("some-volume", "other-volume")
    ]
    for each in left:
        each.__enter__()  # and never left: nap was killed
    assert len(door.containers()) == 2
    hostfs.let_go(door, "some-volume")
    assert len(door.containers()) == 1
    hostfs.let_go(door, "no-such-volume")
    assert len(door.containers()) == 1
