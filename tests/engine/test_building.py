"""Images that are built: on one host, by its engine's classic builder, and from there to others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.auth.policy.keys import Forbidden
from nap_compose.border import (
    BuildRequest,
    Built,
    DiffRequest,
    PushRequest,
    RollbackRequest,
    Target,
    Who,
)
from nap_compose.cli.building import contexts_of
from nap_compose.compose.bake import Wishes
from nap_compose.compose.model import App
from nap_compose.control.local import LocalControl
from nap_compose.errors import (
    BadFile,
    BadFiles,
    Interrupted,
    NapError,
    NotAllowed,
    WrongUse,
)
from nap_compose.orchestration.events import Phase
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster, Image
from tests.engine.fake_engine.build_routes import context_of
from tests.support.road import Road
from tests.support.views import app

DOCKERFILE = "FROM base:1\nCOPY . /srv\n"


@pytest.fixture(autouse=True)
def _no_buildx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has: here the classic builder is meant."""
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    return fake_cluster(3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "app.txt").write_text("one")
    return folder


@pytest.fixture
def shop(folder: Path) -> Callable[..., App]:
    """An app whose `web` is built; `more` are further keys of it."""

    def make(**more: Any) -> App:
        build = {"context": str(folder), "dockerfile": "Dockerfile", **more.pop("build", {})}
        return app({"web": {"image": None, "build": build, **more}})

    return make


def up(road: Road, wanted: App, **request: Any) -> Any:
    return road.up(wanted, contexts=contexts_of(wanted), **request)


def build(road: Road, wanted: App, *services: str, **request: Any) -> Built:
    control = road.control()
    try:
        asked = BuildRequest(wanted, services, contexts=contexts_of(wanted), **request)
        return control.build(asked, road._hear, road.hand)
    finally:
        control.close()


def builds(fake: FakeCluster) -> list[Any]:
    return fake.calls("POST", "/build")


def ids(road: Road) -> dict[str, str]:
    return {slot: row.id for slot, row in road.rows("shop").items()}


def test_what_is_nowhere_is_built_once_and_brought_to_all(
    fake: FakeCluster, road: Road, shop: Callable[..., App]
) -> None:
    outcome = up(road, shop(deploy={"replicas": 3}))
    assert outcome.state == "done"
    (call,) = builds(fake)
    assert call.query["t"] == "ada_shop-web"
    assert [each["path"] for each in context_of(call.body)] == ["Dockerfile", "app.txt"]
    assert {row.host for row in road.rows("shop").values()} == {"h1", "h2", "h3"}
    images = {image.id for engine in fake for image in engine.world.images.values()}
    assert images == {outcome.plan.steps[0].args["id"]}
    assert len(fake.calls("GET", ".*/get")) == 1
    fake.forget()
    assert up(road, shop(deploy={"replicas": 3})).state == "unchanged"
    assert builds(fake) == []


def test_a_rebuild_replaces_only_what_became_another_image(
    fake: FakeCluster, road: Road, shop: Callable[..., App], folder: Path
) -> None:
    up(road, shop())
    before = ids(road)
    assert up(road, shop(), build="always").state == "unchanged"
    assert ids(road) == before
    (folder / "app.txt").write_text("two")
    assert up(road, shop()).state == "unchanged"
    outcome = up(road, shop(), build="always")
    assert outcome.state == "done"
    assert [line.reason for line in outcome.plan.summary if line.subject == "web.1"] == [
        "its image changed"
    ]
    assert ids(road) != before
    (folder / "app.txt").write_text("three")
    assert up(road, shop(pull_policy="build")).state == "done"
    assert len(builds(fake)) == 4


def test_the_last_build_counts_also_where_it_came_from_a_cache(
    fake: FakeCluster, road: Road, shop: Callable[..., App], folder: Path
) -> None:
    """Back at the files of before, the builder gives an image that is older than the last one."""
    up(road, shop(deploy={"replicas": 3}))
    first = builds(fake)[0]
    (folder / "app.txt").write_text("two")
    up(road, shop(deploy={"replicas": 3}), build="always")
    (folder / "app.txt").write_text("one")
    up(road, shop(deploy={"replicas": 1}), build="always")
    assert context_of(first.body) == context_of(builds(fake)[2].body)
    (row,) = road.rows("shop").values()
    named = {
        engine.name: image.id
        for engine in fake
        for image in engine.world.images.values()
        if "ada_shop-web:latest" in image.tags
    }
    made_from = next(
        each.image.id
        for engine in fake
        for each in engine.world.containers.values()
        if each.id == row.id
    )
    assert set(named.values()) == {made_from}


def test_no_build_means_none(fake: FakeCluster, road: Road, shop: Callable[..., App]) -> None:
    with pytest.raises(NapError, match=r"web is to be built, and no host has its image"):
        up(road, shop(), build="never")
    assert builds(fake) == []
    outcome = up(road, shop(), dry_run=True)
    assert outcome.notes == ("the image of web would be built first",)
    assert builds(fake) == []


def test_a_name_of_its_own_is_asked_for_before_it_is_built(
    fake: FakeCluster, road: Road, shop: Callable[..., App]
) -> None:
    assert up(road, shop(image="shop/web:1")).state == "done"
    assert len(fake.calls("POST", "/images/create")) >= 1
    assert len(builds(fake)) == 1
    assert not [event for event in road.events if event.phase is Phase.FAILED]
    fake.registry.add(Image("shop/other:1"))
    fake.forget()
    assert up(road, shop(image="shop/other:1")).state == "done"
    assert builds(fake) == []


def test_a_build_that_fails_changes_nothing_and_says_why(
    fake: FakeCluster, road: Road, shop: Callable[..., App], folder: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM base:1\nRUN make\nRUN exit 1\n")
    with pytest.raises(NapError) as told:
        up(road, shop())
    assert "image ada_shop-web can't be built: The command 'RUN exit 1'" in told.value.message
    assert "Step 2 : RUN make" in told.value.message
    assert told.value.host == "h1"
    assert road.rows("shop", stopped=True) == {}


def test_what_the_classic_builder_cannot_is_refused_by_name(
    fake: FakeCluster, road: Road, shop: Callable[..., App]
) -> None:
    more = {"secrets": [{"source": "s"}], "cache_to": ["x"], "platforms": ["linux/a", "linux/b"]}
    with pytest.raises(BadFiles) as told:
        up(road, shop(build=more))
    assert [fault.path for fault in told.value.faults] == [
        ("services", "web", "build", key) for key in ("secrets", "cache_to", "platforms")
    ]
    assert "services.web.build.secrets: secrets while it is built needs BuildKit" in str(told.value)
    with pytest.raises(BadFile, match="--ssh"):
        build(road, shop(), wishes=Wishes(ssh=("default=",)))
    assert builds(fake) == []


def test_all_that_the_classic_builder_can_is_asked_of_it(
    fake: FakeCluster, road: Road, shop: Callable[..., App]
) -> None:
    keys = {
        "args": {"A": "1"},
        "target": "last",
        "labels": {"own": "x"},
        "network": "none",
        "extra_hosts": {"db": ["10.0.0.1", "10.0.0.2"]},
        "shm_size": "64",
        "cache_from": ["c:1", "type=registry,ref=c:2"],
        "pull": True,
        "no_cache": True,
        "tags": ["more:1"],
        "platforms": ["linux/amd64"],
        "ulimits": {"nofile": 10},
    }
    built = build(road, shop(build=keys), wishes=Wishes(args={"B": "2"}, memory=100))
    assert [(image.names, image.host) for image in built.images] == [
        (("ada_shop-web", "more:1"), "h1")
    ]
    (call,) = builds(fake)
    query = dict(call.query)
    assert '"own":"x"' in query.pop("labels")
    assert query == {
        "version": "1",
        "t": "more:1",  # the last of them
        "dockerfile": "Dockerfile",
        "buildargs": '{"A":"1","B":"2"}',
        "target": "last",
        "networkmode": "none",
        "extrahosts": "db:10.0.0.2",  # the last of them
        "shmsize": "64",
        "cachefrom": '["c:1","c:2"]',
        "ulimits": '[{"Hard":10,"Name":"nofile","Soft":10}]',
        "platform": "linux/amd64",
        "memory": "100",
        "nocache": "1",
        "pull": "1",
    }
    tags = {tag for image in fake["h1"].world.images.values() for tag in image.tags}
    assert {"ada_shop-web:latest", "more:1"} <= tags


def test_what_others_are_made_from_or_need_is_built_first(
    fake: FakeCluster, road: Road, folder: Path
) -> None:
    own = {"image": None, "build": {"context": str(folder), "dockerfile": "Dockerfile"}}
    needs = {"depends_on": {"base": {"condition": "service_started"}}}
    wanted = app({"web": {**own, **needs}, "base": own, "other": own, "plain": {}})
    names = [image.service for image in build(road, wanted, "web").images]
    assert names == ["web"]
    fake.forget()
    names = [image.service for image in build(road, wanted, "web", dependencies=True).images]
    assert names == ["base", "web"]
    assert [call.query["t"] for call in builds(fake)] == ["ada_shop-base", "ada_shop-web"]
    fake.forget()
    assert [image.service for image in build(road, wanted).images] == ["base", "web", "other"]
    order = [call.query["t"] for call in builds(fake)]
    assert order.index("ada_shop-base") < order.index("ada_shop-web")
    with pytest.raises(WrongUse, match="no such service: wrong"):
        build(road, wanted, "wrong")
    assert build(road, wanted, "plain").images == ()


def test_a_remote_context_is_fetched_by_the_engine(
    fake: FakeCluster, road: Road, shop: Callable[..., App]
) -> None:
    where = "https://example.com/shop.git#main:web"
    build(road, shop(build={"context": where}))
    (call,) = builds(fake)
    assert (call.query["remote"], call.body) == (where, None)


def test_ctrl_c_stops_a_build(fake: FakeCluster, road: Road, shop: Callable[..., App]) -> None:
    fake["h1"].fault("POST", "/build", hang=True)
    threading.Timer(0.3, road.hand.press).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        build(road, shop())
    assert time.monotonic() - began < 30


def test_a_users_build_has_an_end(fake: FakeCluster, road: Road, shop: Callable[..., App]) -> None:
    """Where a policy is kept: an admin's goes on for as long as it takes."""
    road.cluster = replace(road.cluster, policy=replace(road.cluster.policy, build_time=1.0))
    fault = fake["h1"].fault("POST", "/build", hang=True)
    bob = Who("bob", "bob", "user")
    control = LocalControl(road.cluster, bob)
    control.acts_for(bob, "bob")
    began = time.monotonic()
    with pytest.raises(NapError, match=r"stopped after 1.0s, which is the most") as caught:
        control.build(BuildRequest(shop(), contexts=contexts_of(shop())), road._hear, road.hand)
    control.close()
    assert fault.hit
    assert "policy.build_time" in caught.value.hint
    assert 1.0 <= time.monotonic() - began < 60
    threading.Timer(2.5, road.hand.press).start()
    with pytest.raises(Interrupted):
        build(road, shop())


def test_builds_go_where_they_were_before_but_to_no_host_that_is_drained(
    fake: FakeCluster, road: Road, shop: Callable[..., App]
) -> None:
    from nap_compose.border import HostChange

    def change(name: str, state: str) -> None:
        control = road.control()
        control.change_host(HostChange(name, state))
        control.close()

    change("h1", "drained")
    assert build(road, shop()).images[0].host == "h2"
    change("h1", "active")
    assert build(road, shop()).images[0].host == "h2"
    for name in ("h1", "h2", "h3"):
        change(name, "cordoned")
    with pytest.raises(NapError, match="no host may be built on"):
        build(road, shop())


def image_of(fake: FakeCluster, road: Road) -> str:
    """The id of the image that the app's one container is made from."""
    (row,) = road.rows("shop").values()
    containers = [each for engine in fake for each in engine.world.containers.values()]
    return next(each.image.id for each in containers if each.id == row.id)


def back(road: Road, number: int = 0) -> Any:
    control = road.control()
    try:
        target = Target("shop", "ada")
        return control.rollback(RollbackRequest(target, number), road._hear, road.hand)
    finally:
        control.close()


def test_a_rollback_runs_the_very_image_of_then(
    fake: FakeCluster, road: Road, shop: Callable[..., App], folder: Path
) -> None:
    """The file is the same and so is the image's name: what was built made the revision."""
    up(road, shop())
    first = image_of(fake, road)
    (folder / "app.txt").write_text("two")
    assert up(road, shop(), build="always").plan.revision == 2
    second = image_of(fake, road)
    assert first != second
    outcome = back(road)
    assert (outcome.state, outcome.plan.revision) == ("done", 3)
    assert image_of(fake, road) == first
    assert up(road, shop()).state == "unchanged"
    back(road)
    assert image_of(fake, road) == second
    control = road.control()
    rows = control.history(Target("shop", "ada"), limit=10).rows
    found = control.diff(DiffRequest(Target("shop", "ada"), 1, 2)).differences
    control.close()
    assert [row.changed for row in rows[:3]] == [("web",)] * 3
    assert [(each.subject, each.field) for each in found] == [("web", "image id")]


def test_a_rollback_whose_image_is_gone_says_so_and_changes_nothing(
    fake: FakeCluster, road: Road, shop: Callable[..., App], folder: Path
) -> None:
    up(road, shop())
    first = image_of(fake, road)
    (folder / "app.txt").write_text("two")
    up(road, shop(), build="always")
    before = ids(road)
    for engine in fake:
        engine.world.images.pop(first, None)
    with pytest.raises(NapError, match=f"the image that web ran is gone: .*{first[7:19]}"):
        back(road)
    assert ids(road) == before


def test_what_a_registry_still_has_by_its_digest_is_pulled_for_a_rollback(
    fake: FakeCluster, road: Road
) -> None:
    fake.registry.add(Image("web:1", {"Env": ["A=1"]}))
    road.up(app({"web": {}}))
    first = image_of(fake, road)
    fake.registry.images["web@" + first] = fake.registry.images["web:1"]
    fake.registry.add(Image("web:1", {"Env": ["A=2"]}))
    road.up(app({"web": {}}), pull="always")
    assert image_of(fake, road) != first
    for engine in fake:
        engine.world.images.pop(first, None)
    assert back(road).state == "done"
    assert image_of(fake, road) == first


def test_a_user_builds_and_pushes_under_names_of_their_own_alone(
    fake: FakeCluster, road: Road, shop: Callable[..., App]
) -> None:
    """Whoever is no admin: what they name another's could be taken for it."""
    control = LocalControl(road.cluster, Who("bob", "bob", "user"))
    control.acts_for(Who("bob", "bob", "user"), "bob")

    def bob(call: str, request: Any) -> Any:
        return getattr(control, call)(request, road._hear, road.hand)

    def asked(**more: Any) -> BuildRequest:
        wanted = shop(**more)
        return BuildRequest(wanted, contexts=contexts_of(wanted))

    assert bob("build", asked()).images[0].names == ("bob_shop-web",)
    assert bob("build", asked(image="reg.example/bob/web:1")).images
    for more in ({"image": "ada_shop-web"}, {"image": "nginx"}, {"build": {"tags": ["ada/web"]}}):
        with pytest.raises(NotAllowed, match="an image of yours can't be called"):
            bob("build", asked(**more))
    with pytest.raises(Forbidden, match="the network of a build"):
        bob("build", asked(build={"network": "host"}))
    with pytest.raises(NotAllowed, match="an image of yours can't be called"):
        bob("push", PushRequest(shop(image="reg.example/ada/web:1")))
    control.close()
    assert [call.query["t"] for call in builds(fake)] == ["bob_shop-web", "reg.example/bob/web:1"]


def test_a_former_image_reaches_a_host_that_has_lost_it_by_its_id(
    fake: FakeCluster, road: Road, shop: Callable[..., App], folder: Path
) -> None:
    def names_of(number: int) -> dict[str, list[str]]:
        return {
            engine.name: sorted(image.tags)
            for engine in fake
            for image in engine.world.images.values()
            if image.id == made[number]
        }

    made: list[str] = []
    for text in ("one", "two"):
        (folder / "app.txt").write_text(text)
        up(road, shop(deploy={"replicas": 3}), build="always")
        (image,) = {each.image.id for engine in fake for each in engine.world.containers.values()}
        made.append(image)
    former = f"ada_shop-web:former-{made[0][7:19]}"
    assert names_of(0) == {host: [former] for host in ("h1", "h2", "h3")}
    del fake["h2"].world.images[made[0]]
    assert back(road).state == "done"
    found = names_of(0)
    assert all("ada_shop-web:latest" in tags for tags in found.values())
    assert set(found) == {"h1", "h2", "h3"}
    assert len(fake.calls("GET", f"/images/{made[0]}/get")) == 1
    running = {
        each.image.id
        for engine in fake
        for each in engine.world.containers.values()
        if each.state == "running"
    }
    assert running == {made[0]}
