"""On a cluster what Compose runs is foreign; one of the app's own name makes `up` refuse."""

from __future__ import annotations

import pytest

from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.errors import NapError
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeEngine
from tests.support.road import Road
from tests.support.views import app


def run_as_compose_does(engine: FakeEngine, project: str, *binds: str) -> None:
    client = DockerEngine(engine.host())
    labels = {
        "com.docker.compose.project": project,
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.config-hash": "f" * 64,
    }
    body = {"Image": "web:1", "Labels": labels, "HostConfig": {"Binds": list(binds)}}
    client.create_container(f"{project}-web-1", body)
    client.close()


@pytest.mark.parametrize("project", ["shop", "ada_shop"])
def test_up_refuses_beside_a_project_of_that_name_with_volumes(
    fake_cluster: MakeCluster, project: str
) -> None:
    cluster = fake_cluster()
    for engine in cluster:
        engine.add_image("web:1")
    run_as_compose_does(cluster["h2"], project, "shop_data:/data")
    road = Road.on(cluster)
    with pytest.raises(NapError, match="which nap didn't start") as refused:
        road.up(app({"web": {}}))
    hint = str(refused.value.hint)
    assert "nap adopt --host h2" in hint and "--fresh" in hint
    assert (refused.value.host, road.rows()) == ("h2", {})
    assert road.up(app({"web": {}}), fresh=True).state == "done"
    assert road.up(app({"web": {"environment": {"A": "1"}}})).state == "done", "it has begun by now"


def test_without_volumes_or_of_another_name_it_is_somebody_elses(
    fake_cluster: MakeCluster,
) -> None:
    cluster = fake_cluster()
    for engine in cluster:
        engine.add_image("web:1")
    run_as_compose_does(cluster["h1"], "shop")
    run_as_compose_does(cluster["h2"], "bookshop", "shop_data:/data")
    road = Road.on(cluster)
    assert road.up(app({"web": {}})).state == "done"
    assert set(road.rows()) == {"web.1"}
    road.down()
    names = {each.name for engine in cluster for each in engine.world.containers.values()}
    assert names == {"shop-web-1", "bookshop-web-1"}
