"""What users come upon at the engines' door: labels of images, and mounts that only admins make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from nap_compose.border import Control, PullRequest, Target, UpRequest, Who
from nap_compose.cluster.own_images import entry, packed
from nap_compose.control.local import LocalControl
from nap_compose.control.parts import Parts
from nap_compose.db.people import UserRecord
from nap_compose.errors import NapError, NotAllowed
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    cluster.add_image("web:1")
    return cluster


@contextmanager
def user(road: Road, owner: str = "ada") -> Iterator[Control]:
    """Somebody who is no admin, at work on `owner`'s apps."""
    who = Who(road.who, road.who, role="user")
    control = LocalControl(road.cluster, who)
    control.acts_for(who, owner)
    yield control
    control.close()


@pytest.mark.parametrize(
    ("label", "good"),
    [
        ("traefik.http.routers.x.rule", False),
        ("Caddy", False),
        ("SERVICE_NAME", False),
        ("maintainer", True),
        ("com.docker.compose.project", True),
        ("com.docker.image.source", True),
    ],
)
def test_an_image_brings_no_label_that_routes(
    fake: FakeCluster, road: Road, label: str, good: bool
) -> None:
    fake.add_image("own:1", Labels={label: "x"})
    with user(road) as ada:
        request = UpRequest(app({"web": {"image": "own:1"}}))
        outcome = ada.up(request, road._hear, road.hand)
    assert (outcome.state == "done") is good, outcome.error
    assert (f"the label {label} is one that routers act on" in outcome.error) is not good
    assert bool(road.rows("shop", stopped=True)) is good


def test_nobody_reads_or_writes_what_only_an_admin_could_mount(
    fake: FakeCluster, road: Road
) -> None:
    mount: dict[str, Any] = {"type": "bind", "source": "/etc", "target": "/host"}
    road.up(app({"web": {"volumes": [mount]}}, name="tool"))
    road.up(app({"web": {}}))
    text = packed([(entry("note", 0o644), b"hello")])
    with user(road) as ada:
        mine, tool = Target("shop", "ada", "web"), Target("tool", "ada", "web")
        ada.store(mine, "/", [text])
        assert ada.stat(mine, "/note").size == 5
        assert b"hello" in b"".join(ada.fetch(mine, "/note"))
        for call in (
            lambda: ada.store(tool, "/", [text]),
            lambda: ada.stat(tool, "/note"),
            lambda: list(ada.fetch(tool, "/note")),
        ):
            with pytest.raises(NotAllowed, match="the host's /etc is not allowed"):
                call()
    with pytest.raises(NapError, match="there is no /note"):
        road.control().stat(tool, "/note")


def test_nobody_pulls_what_would_be_run_for_another_user(fake: FakeCluster, road: Road) -> None:
    parts = Parts(road.cluster)
    for name in ("carol", "ada"):
        parts.records.see_user(UserRecord(name, name, name, "user", (), "then", "now"))
    parts.close()
    for image, refused in (
        ("carol/app:1", True),
        ("docker.io/carol/app", True),
        ("ada/app:1", False),
        ("nobody/app:1", False),
        ("registry.example/carol/app", False),
        ("carol", False),
    ):
        service = {"image": image, "pull_policy": "always"}
        with user(road) as ada, pytest.raises(NapError) as told:
            ada.pull(PullRequest(app({"web": service})), road._hear, road.hand)
        assert ("goes by the name of carol" in str(told.value)) is refused, told.value
    pulled = {each.query.get("fromImage", "") for each in fake.calls("POST", "/images/create")}
    assert "ada/app" in {name.removeprefix("docker.io/") for name in pulled}
    assert "carol/app" not in {name.removeprefix("docker.io/") for name in pulled}
