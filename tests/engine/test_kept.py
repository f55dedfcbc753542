"""A container that failed is kept for a look, and goes with the next success."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.compose.model import App
from nap_compose.orchestration.events import Event
from nap_compose.orchestration.plan import Kind
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app

DIES = Behaviour(exits_after=0.0, exit_code=3)


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    for name in ("web", "bad"):
        cluster.add_image(f"{name}:1")
    return cluster


def web(image: str = "web:1", **more: Any) -> App:
    return app({"web": {"image": image, "ports": [port()], "restart": "always", **more}})


def port() -> dict[str, Any]:
    return {"target": 80, "published": "8080", "protocol": "tcp"}


def fails(fake: FakeCluster) -> None:
    fake.behave("bad:1", DIES)


def kept(road: Road) -> list[tuple[str, str]]:
    return [(each.name, each.state) for each in road.view().kept()]


def test_it_holds_nothing_and_is_named(fake: FakeCluster, road: Road) -> None:
    road.up(web())
    before = picture(fake)
    fails(fake)
    outcome = road.up(web("bad:1"))
    assert (outcome.state, outcome.left) == ("rolled back", ())
    assert picture(fake) == before
    (failure,) = outcome.failures
    assert failure.kept == f"ada_shop-web-1.failed.{outcome.plan.deployment[:8]}"
    (container,) = road.view().kept()
    assert (container.name, container.state) == (failure.kept, "exited")
    assert (container.networks, container.ports, container.identity) == ((), (), None)
    found = fake[container.host].world.container(container.id)
    assert found.body["HostConfig"]["RestartPolicy"] == {"Name": "no"}
    assert list(road.rows(stopped=True)) == ["web.1"], "it is no replica"
    detail = road.control().host(container.host)
    assert (detail.failed, detail.foreign) == ((failure.kept,), 0)
    assert road.up(web()).state == "unchanged", "nor in anybody's way"


def test_one_a_replica_is_kept_and_a_success_removes_it(fake: FakeCluster, road: Road) -> None:
    road.up(web(scale=2))
    fails(fake)
    first = road.up(web("bad:1", scale=2)).failures[0].kept
    second = road.up(web("bad:1", scale=2)).failures[0].kept
    assert first != second
    assert kept(road) == [(second, "exited")]
    outcome = road.up(web(environment={"A": "b"}, scale=2))
    assert outcome.state == "done"
    assert kept(road) == []


def test_a_first_deployment_that_fails_leaves_it_alone(fake: FakeCluster, road: Road) -> None:
    fails(fake)
    outcome = road.up(web("bad:1"))
    assert (outcome.state, outcome.left) == ("rolled back", ())
    assert len(kept(road)) == 1
    assert not fake["h1"].world.overlay.networks  # type: ignore[union-attr]
    road.act("rm")
    assert kept(road) == []
    road.up(web("bad:1"))
    road.down()
    assert kept(road) == []
    assert picture(fake) == {"h1": [], "h2": []}


def test_rm_removes_it(fake: FakeCluster, road: Road) -> None:
    road.up(web())
    fails(fake)
    road.up(web("bad:1"))
    shown = road.act("rm", dry_run=True)
    assert [line.subject for line in shown.plan.summary if line.change.value == "remove"] == [
        "web.1 (failed)"
    ]
    road.act("rm")
    assert kept(road) == []
    assert list(road.rows()) == ["web.1"]


def test_where_it_cannot_be_kept_it_goes(fake: FakeCluster, road: Road) -> None:
    road.up(web())
    before = picture(fake)
    fails(fake)
    for engine in fake:
        engine.fault("POST", "/containers/.*/update", status=500)
    outcome = road.up(web("bad:1"))
    assert (outcome.state, outcome.left, outcome.failures[0].kept) == ("rolled back", (), "")
    assert (picture(fake), kept(road)) == (before, [])


def test_cut_off_before_it_is_kept_the_next_up_ends_clean(fake: FakeCluster, road: Road) -> None:
    """Whatever is left of the failed one then is a leftover of its slot, as ever."""
    road.up(web())
    fails(fake)

    def press(event: Event) -> None:
        if event.step.startswith(Kind.WAIT.value) and event.phase.value == "failed":
            road.hand.level = 2

    road.on_event = press
    road.up(web("bad:1"))
    road.hand.level, road.on_event = 0, lambda event: None
    assert road.up(web()).state == "done"
    assert list(road.rows(stopped=True)) == ["web.1"]
    assert kept(road) == []
