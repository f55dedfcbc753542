"""Corners of the road: jobs, restarts, paused containers, what others made, anonymous data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.compose.model import App
from nap_compose.errors import NapError
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app

HEALTHCHECK = {"healthcheck": {"test": ["CMD", "true"], "interval": "1s"}}


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db", "cache"):
        cluster.add_image(f"{name}:1")
    return cluster


def order(road: Road) -> list[str]:
    return [event.step for event in road.events if event.phase.value == "done"]


def test_a_job_that_still_runs_is_waited_for(fake: FakeCluster, road: Road) -> None:
    """A first `up` was interrupted while the job ran; the next one finds it running."""
    fake.behave("*-db-1*", Behaviour(exits_after=0.6))
    need = {"db": {"condition": "service_completed_successfully"}}
    shop = app({"web": {"depends_on": need}, "db": {}})

    def press(event: Any) -> None:
        if event.step == "start:db.1" and event.phase.value == "done":
            road.hand.press()

    road.on_event = press
    assert road.up(shop).state == "interrupted"
    assert road.rows("shop")["db.1"].state == "running"
    road.hand.level, road.on_event = 0, lambda event: None
    road.events.clear()
    assert road.up(shop).state == "done"
    assert order(road).index("wait:db.1") < order(road).index("start:web.1")
    assert road.rows("shop", stopped=True)["db.1"].state == "exited"


def restarting(colour: str) -> App:
    need = {"db": {"condition": "service_started", "restart": True}}
    return app({"web": {"depends_on": need}, "db": {"environment": {"COLOUR": colour}}})


def test_a_dependent_restarts_with_what_it_needs(fake: FakeCluster, road: Road) -> None:
    """`depends_on.restart`: once `db` is another one, `web` is started anew, but not made anew."""
    road.up(restarting("red"))
    before = road.rows("shop")["web.1"]
    host = fake[before.host]
    started = host.container(before.id).started
    road.events.clear()
    assert road.up(restarting("blue")).state == "done"
    after = road.rows("shop")["web.1"]
    assert after.id == before.id
    assert host.container(before.id).started > started
    steps = order(road)
    stop = next(step for step in steps if step.startswith("stop:"))
    assert steps.index(stop) < steps.index("aside:db.1")
    assert steps.index("start:db.1") < steps.index("start:web.1")
    assert road.up(restarting("blue")).state == "unchanged"


def test_a_dependent_runs_again_when_the_restart_fails(fake: FakeCluster, road: Road) -> None:
    road.up(restarting("red"))
    before = picture(fake)
    fake.behave("*-db-1*", Behaviour(refuses="no such file"))
    assert road.up(restarting("blue")).state == "rolled back"
    assert picture(fake) == before


def test_a_paused_container_goes_on(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {}}))
    row = road.rows("shop")["web.1"]
    client = DockerEngine(fake[row.host].host())
    client.pause_container(row.id)
    client.close()
    assert road.rows("shop")["web.1"].state == "paused"
    assert road.up(app({"web": {}})).state == "done"
    after = road.rows("shop")["web.1"]
    assert (after.id, after.state) == (row.id, "running")


def test_down_with_volumes_takes_nameless_data_along(fake: FakeCluster, road: Road) -> None:
    shop = app({"web": {"volumes": [{"type": "volume", "target": "/data"}]}})
    road.up(shop)
    assert sum(len(engine.world.volumes) for engine in fake) == 1
    road.down()
    assert sum(len(engine.world.volumes) for engine in fake) == 1
    road.up(shop)
    road.down(volumes=True)
    assert sum(len(engine.world.volumes) for engine in fake) == 1, "only the first one's is left"


@pytest.mark.parametrize("kind", ["network", "volume"])
def test_what_appears_under_our_name_meanwhile_is_not_ours(
    kind: str, fake: FakeCluster, road: Road
) -> None:
    """Between looking and making, somebody else makes something of that name, with data in it."""
    mount = {"type": "volume", "source": "data", "target": "/data"}
    shop = app({"db": {"volumes": [mount]}}, volumes={"data": {"name": "shop_data"}})
    plan = road.up(shop, dry_run=True).plan
    step = next(step for step in plan.steps if step.id.startswith(f"{kind}:"))
    theirs = {"Name": step.target, "Labels": {"com.docker.compose.project": "somebody"}}

    def appear() -> None:
        client = DockerEngine(fake[step.host].host())
        client.create_volume(theirs) if kind == "volume" else client.create_network(theirs)
        client.close()

    from nap_compose.control.road import road as deployment

    real = deployment.plan_up

    def plan_up(wish: Any) -> Any:
        found = real(wish)
        appear()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deployment, "plan_up", plan_up)
        outcome = road.up(shop)
    assert outcome.state == "rolled back"
    assert "belongs to" in outcome.failures[0].reason
    engine = fake[step.host].world
    names = engine.volumes if kind == "volume" else {n.name for n in engine.networks()}
    assert step.target in names


def test_embedded_down_takes_what_compose_made_and_no_lookalike(
    fake_cluster: MakeCluster,
) -> None:
    """Images that Compose builds carry its project and service as labels."""
    fake = fake_cluster(1, None)
    fake.add_image("web:1")
    road = Road.on(fake)
    road.cluster = replace(road.cluster, name="")
    client = DockerEngine(fake["h1"].host())
    built = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    made = {
        **built,
        "com.docker.compose.container-number": "1",
        "com.docker.compose.config-hash": "f" * 64,
    }
    client.create_container("lookalike", {"Image": "web:1", "Labels": built})
    client.create_container("shop-web-1", {"Image": "web:1", "Labels": made})
    client.close()
    assert road.down().state == "done"
    assert [name for name, *_ in picture(fake)["h1"]] == ["lookalike"]


def test_one_that_shares_a_missing_service_s_network_is_told(fake: FakeCluster, road: Road) -> None:
    pair = {"web": {}, "cache": {"network_mode": "service:web", "networks": {}}}
    outcome = road.up(app(pair), services=("cache",), no_deps=True)
    assert outcome.state == "rolled back"
    assert "web, which has no container" in outcome.failures[0].reason


def test_alone_it_goes_where_the_service_is_whose_network_it_shares(
    fake: FakeCluster, road: Road
) -> None:
    pair = {"web": {}, "cache": {"network_mode": "service:web", "networks": {}}}
    road.up(app({"db": {"deploy": {"replicas": 2}}}, name="load"))
    road.up(app(pair), services=("web",))
    assert road.up(app(pair), services=("cache",), no_deps=True).state == "done"
    rows = road.rows("shop")
    assert rows["cache.1"].host == rows["web.1"].host


def test_a_newcomer_moves_nobody_from_its_port(fake: FakeCluster, road: Road) -> None:
    def port(number: str) -> dict[str, Any]:
        return {"target": 80, "published": number, "protocol": "tcp"}

    road.up(app({"web": {"ports": [port("8080")]}}))
    before = road.rows("shop")["web.1"]
    both = app({"cache": {"ports": [port("8080"), port("8081")]}, "web": {"ports": [port("8080")]}})
    assert road.up(both).state == "done"
    after = road.rows("shop")
    assert (after["web.1"].host, after["web.1"].id) == (before.host, before.id)
    assert after["cache.1"].host != before.host


def test_an_image_by_digest_is_pulled_where_it_lacks(fake: FakeCluster, road: Road) -> None:
    """A stream from another host would arrive without its digest."""
    plan = plan_with_digest(fake, road)
    assert [step.args["from"] for step in plan.steps if step.kind.value == "bring-image"] == [[]]


def plan_with_digest(fake: FakeCluster, road: Road) -> Any:
    digest = "redis@sha256:" + "a" * 64
    image = fake["h2"].add_image("redis:7")
    image.digests.append(digest)
    only = {"placement": {"constraints": ["node.hostname == h1"]}}
    shop = app({"web": {"image": "redis:7@sha256:" + "a" * 64, "deploy": only}})
    return road.up(shop, dry_run=True).plan


def test_an_image_by_tag_and_digest_is_known_where_it_is(fake: FakeCluster, road: Road) -> None:
    image = fake["h1"].add_image("redis:7")
    image.digests.append("redis@sha256:" + "a" * 64)
    only = {"placement": {"constraints": ["node.hostname == h1"]}}
    shop = app({"web": {"image": "redis:7@sha256:" + "a" * 64, "deploy": only}})
    plan = road.up(shop, dry_run=True).plan
    assert not [step for step in plan.steps if step.kind.value == "bring-image"]


def test_a_blink_of_a_host_does_not_end_a_wait(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-db-1*", Behaviour(healthy_after=0.6))

    def blink(event: Any) -> None:
        if event.step == "start:db.1" and event.phase.value == "done":
            for engine in fake:
                engine.fault("GET", "/containers/json", drop=True, times=2)

    road.on_event = blink
    assert road.up(app({"db": HEALTHCHECK})).state == "done"


def test_no_value_of_the_environment_stands_in_an_error(fake: FakeCluster, road: Road) -> None:
    """Some engines repeat in their errors what they were sent."""
    for engine in fake:
        engine.fault(
            "POST", "/containers/create", status=400, message="bad value: TOKEN=s3cr3t-value"
        )
    outcome = road.up(app({"web": {"environment": {"TOKEN": "s3cr3t-value"}}}))
    told = f"{outcome.error} {outcome.failures} {[event.to_json() for event in road.events]}"
    assert "bad value: TOKEN=" in told
    assert "s3cr3t-value" not in told
    kept = [path.read_bytes() for path in road.cluster.state_dir.rglob("*") if path.is_file()]
    assert kept and not [text for text in kept if b"s3cr3t-value" in text]


def test_a_network_that_is_not_there_is_named(fake: FakeCluster, road: Road) -> None:
    shop = app({"web": {}})
    shop.networks["default"].update(external=True)  # type: ignore[attr-defined]
    with pytest.raises(NapError, match="is external, but it isn't there"):
        road.up(shop)
