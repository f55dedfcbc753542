"""`pull` and `push` on a cluster: onto the hosts that need an image, and from one that has it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from nap_compose.border import Handled, PullRequest, PushRequest
from nap_compose.errors import NapError
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster, Image
from tests.support.road import Road
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web:1", "db:1", "base:1"):
        cluster.registry.add(Image(name))
    return cluster


def call(road: Road, name: str, request: Any) -> Handled:
    control = road.control()
    try:
        answer: Handled = getattr(control, name)(request, road._hear, road.hand)
        return answer
    finally:
        control.close()


def having(fake: FakeCluster, name: str) -> list[str]:
    return [
        engine.name
        for engine in fake
        if any(name in image.tags for image in engine.world.images.values())
    ]


def test_each_host_pulls_what_it_would_run(fake: FakeCluster, road: Road) -> None:
    pinned = {"deploy": {"placement": {"constraints": ["node.hostname == h3"]}}}
    wanted = app({"web": {"deploy": {"replicas": 2}}, "db": pinned})
    told = call(road, "pull", PullRequest(wanted, dry_run=True)).done
    assert having(fake, "web:1") == []
    handled = call(road, "pull", PullRequest(wanted))
    assert handled.done == told
    assert having(fake, "db:1") == ["h3"]
    assert len(having(fake, "web:1")) == 2
    fake.forget()
    assert road.up(wanted).state == "done"
    assert fake.calls("POST", "/images/create") == []
    assert fake.calls("GET", ".*/get") == []


def test_where_replicas_are_counts(fake: FakeCluster, road: Road) -> None:
    wanted = app({"web": {"deploy": {"replicas": 2}}})
    road.up(wanted)
    there = sorted({row.host for row in road.rows("shop").values()})
    fake.forget()
    handled = call(road, "pull", PullRequest(wanted, policy="always"))
    assert sorted(each.rpartition(" ")[2] for each in handled.done) == there
    assert len(fake.calls("POST", "/images/create")) == 2
    fake.forget()
    assert call(road, "pull", PullRequest(wanted, policy="missing")).done == ()
    assert fake.calls("POST", "/images/create") == []


def test_what_fails_is_told_with_its_host(fake: FakeCluster, road: Road) -> None:
    pinned = {"deploy": {"placement": {"constraints": ["node.hostname == h2"]}}}
    wanted = app({"gone": {"image": "gone:1", **pinned}})
    with pytest.raises(NapError, match="host h2: can't be pulled: pull access denied"):
        call(road, "pull", PullRequest(wanted))
    handled = call(road, "pull", PullRequest(wanted, ignore_failures=True))
    assert handled.done == ()
    assert "host h2: can't be pulled" in handled.notes[0]


REFUSED = "dial tcp 10.0.0.5:5000: connect: connection refused"
NO_NAME = "dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host"
TIMEOUT = "net/http: request canceled while waiting for connection (Client.Timeout exceeded)"


@pytest.mark.parametrize("said", [REFUSED, NO_NAME, TIMEOUT])
def test_where_a_registry_is_not_reached_what_to_look_at_is_the_same_for_all_services(
    fake: FakeCluster, road: Road, said: str
) -> None:
    meet = threading.Barrier(3, timeout=30)  # what begins after a failure isn't tried at all
    for engine in fake:
        message = f'Get "https://x/v2/": {said}'
        engine.fault("POST", "/images/create", status=500, message=message, meet=meet)
    wanted = app({"web": {}, "db": {}, "own": {"image": "reg.example:5000/own:1"}})
    outcome = road.up(wanted)
    assert outcome.state == "rolled back"
    hints = {each.subject: each.hint for each in outcome.failures}
    assert hints["image web:1"] == hints["image db:1"]
    assert hints["image web:1"].startswith("docker.io wasn't reached: ")
    assert hints["image reg.example:5000/own:1"].startswith("reg.example:5000 wasn't reached: ")
    with pytest.raises(NapError) as error:
        call(road, "pull", PullRequest(wanted))
    assert sorted((error.value.hint or "").splitlines()) == sorted(
        line for hint in set(hints.values()) for line in hint.splitlines()
    )


def test_what_a_registry_refuses_has_another_hint(fake: FakeCluster, road: Road) -> None:
    (failure,) = road.up(app({"gone": {"image": "gone:1"}})).failures
    assert failure.hint.startswith("check its name; a private one needs `nap registry login`")


def test_an_image_is_pushed_from_a_host_that_has_it(fake: FakeCluster, road: Road) -> None:
    build = {"build": {"context": ".", "tags": ["reg.example/web:more"]}}
    wanted = app({"web": {"image": "reg.example/web:1", **build}, "db": {}})
    with pytest.raises(NapError, match="no host has image"):
        call(road, "push", PushRequest(wanted))
    for name in ("web:1", "web:more"):
        fake["h2"].add_image(f"reg.example/{name}")
    handled = call(road, "push", PushRequest(wanted))
    assert handled.done == ("reg.example/web:1", "reg.example/web:more")
    assert len(fake["h2"].calls("POST", "/images/.*/push")) == 2
    assert len(fake.calls("POST", "/images/.*/push")) == 2
    fake.registry.login = ("ada", "secret")
    with pytest.raises(NapError, match="can't be pushed: denied"):
        call(road, "push", PushRequest(wanted))
    handled = call(road, "push", PushRequest(wanted, ignore_failures=True))
    assert (len(handled.done), len(handled.notes)) == (0, 2)
