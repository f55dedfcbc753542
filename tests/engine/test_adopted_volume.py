"""`nap volume backup` and `restore` of a volume that stayed in place when its app moved in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nap_compose.border import (
    AdoptRequest,
    ContentRequest,
    Control,
    SaveRequest,
    Target,
    Who,
)
from nap_compose.cluster import hostfs
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.hostfs import entry, packed
from nap_compose.control.local import LocalControl
from nap_compose.control.parts import Parts
from nap_compose.control.policing import door_for
from nap_compose.errors import NotAllowed, WrongUse
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster, FakeEngine
from tests.support.road import Hand, Road
from tests.support.views import app

VOLUME = "shop_data"


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(1)
    cluster.add_image("web:1")
    _run_as_compose_does(cluster["h1"])
    return cluster


def _run_as_compose_does(engine: FakeEngine) -> None:
    client = DockerEngine(engine.host())
    told = {"com.docker.compose.project": "shop"}
    client.create_volume({"Name": VOLUME, "Labels": {**told, "com.docker.compose.volume": "data"}})
    told |= {
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.config-hash": "f" * 64,
    }
    binds = {"Binds": [f"{VOLUME}:/data"]}
    id_ = client.create_container(
        "shop-web-1", {"Image": "web:1", "Labels": told, "HostConfig": binds}
    )
    client.start_container(id_)
    client.close()


@contextmanager
def control_of(road: Road, name: str, role: str) -> Iterator[Control]:
    control = LocalControl(road.cluster, Who(name, name, role=role))
    control.acts_for(Who(name, name, role=role), name)
    yield control
    control.close()


def moved_in(road: Road, owner: str) -> None:
    volumes = [{"type": "volume", "source": "data", "target": "/data"}]
    shop = app({"web": {"volumes": volumes}}, volumes={"data": {"name": VOLUME}})
    with control_of(road, "ada", "admin") as control:
        done = control.adopt(AdoptRequest(shop, "h1", owner), lambda event: None, Hand())
    assert (done.back, done.outcome.state) == (False, "done")


def put(road: Road, text: str) -> None:
    """Write a file into the volume."""
    parts = Parts(road.cluster)
    with hostfs.opened(
        parts.engines.on("h1"), {"volume": VOLUME}, cluster="lab", owner="ada", seal=parts.seal
    ) as files:
        files.put([packed([(entry("volume/note", 0o644), text.encode())])])
    parts.close()


@pytest.mark.parametrize(("owner", "role"), [("ada", "admin"), ("bob", "user")])
def test_it_is_saved_though_the_old_containers_are_kept(
    fake: FakeCluster, road: Road, owner: str, role: str
) -> None:
    moved_in(road, owner)
    put(road, "kept")
    with control_of(road, owner, role) as control:
        request = SaveRequest(Target("shop", owner), "data")
        saved = b"".join(control.save_volume(request, Hand()))
        assert b"kept" in saved
        given = ContentRequest(Target("shop", owner), "data", stop=True)
        with pytest.raises(WrongUse, match="stayed in place on h1 as shop_data"):
            control.restore_volume(
                given, iter([saved]), lambda come: None, lambda event: None, Hand()
            )
    with control_of(road, "ada", "admin") as control:
        assert control.settle_in(Target("shop", owner)) == ("shop-web-1",)
    with control_of(road, owner, role) as control:
        assert b"kept" in b"".join(control.save_volume(request, Hand()))


def test_a_user_saves_no_volume_that_stayed_in_place_for_somebody_else(
    fake: FakeCluster, road: Road
) -> None:
    moved_in(road, "ada")
    parts = Parts(road.cluster)
    door = door_for(parts, Who("bob", "bob", role="user"), "bob")
    assert door is not None
    with (
        pytest.raises(NotAllowed, match="shop_data isn't bob's"),
        hostfs.opened(
            door(parts.engines.on("h1")), {"volume": VOLUME}, cluster="lab", owner="bob",
            seal=parts.seal,
        ),
    ):  # fmt: skip
        pass
    parts.close()
