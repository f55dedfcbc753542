"""Hooks: what is run in a container after its start, and before nap stops it."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.compose.model import App
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.engine.fake_engine.session_routes import Process
from tests.support.road import Road, picture
from tests.support.views import app

HELLO = {"command": ["hello", "there"], "user": "root", "environment": {"A": "1", "B": None}}
BYE = {"command": ["bye"], "working_dir": "/tmp", "privileged": True}


@pytest.fixture(params=["swarm", None])
def fake(request: pytest.FixtureRequest, fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2 if request.param else 1, request.param)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


@pytest.fixture
def ran(fake: FakeCluster) -> list[Any]:
    """The bodies of the hooks that were run, in their order."""
    bodies: list[Any] = []

    def program(process: Process) -> int:
        bodies.append(process.body)
        return int(process.words[-1]) if process.words[-1].isdecimal() else 0

    for engine in fake:
        for name in ("hello", "bye"):
            engine.programs[name] = program
    return bodies


def shop(**web: Any) -> App:
    return app({"web": {"post_start": [HELLO], "pre_stop": [BYE], **web}})


def words(ran: list[Any]) -> list[str]:
    return [" ".join(body["Cmd"]) for body in ran]


def test_they_are_run_as_the_file_says(road: Road, ran: list[Any]) -> None:
    assert road.up(shop()).state == "done"
    assert ran == [{"Cmd": ["hello", "there"], "User": "root", "Env": ["A=1", "B"]}]
    assert road.up(shop()).state == "unchanged"
    # Nobody needs the file to take the app down.
    assert road.down().state == "done"
    assert ran[1:] == [{"Cmd": ["bye"], "WorkingDir": "/tmp", "Privileged": True}]


def test_one_that_makes_way_has_its_own_run(road: Road, ran: list[Any]) -> None:
    road.up(shop())
    road.up(shop(environment={"A": "1"}))
    # On a cluster the successor is up before the other one stops.
    assert sorted(words(ran)) == ["bye", "hello there", "hello there"]


def test_one_that_fails_after_the_start_fails_the_service(
    fake: FakeCluster, road: Road, ran: list[Any]
) -> None:
    road.up(app({"web": {}}))
    before = picture(fake)
    outcome = road.up(app({"web": {"post_start": [HELLO, {"command": ["hello", "3"]}]}}))
    assert outcome.state == "rolled back"
    assert outcome.failures[0].reason == "its post_start hook `hello 3` ended with code 3"
    assert picture(fake) == before


def test_one_that_fails_before_the_stop_leaves_the_container(
    fake: FakeCluster, road: Road, ran: list[Any]
) -> None:
    road.up(app({"web": {"pre_stop": [{"command": ["bye", "4"]}]}}))
    outcome = road.down()
    assert outcome.state == "failed"
    assert "its pre_stop hook `bye 4` ended with code 4" in outcome.error
    assert [state for host in picture(fake).values() for _, state, _ in host] == ["running"]


def test_an_app_whose_revision_is_lost_goes_all_the_same(road: Road, ran: list[Any]) -> None:
    from nap_compose.cluster import revisions
    from nap_compose.control.parts import Parts

    road.up(shop())
    parts = Parts(road.cluster)
    revisions.forget(parts.store, "ada", "shop")
    parts.close()
    outcome = road.down()
    assert outcome.state == "done"
    assert any("pre_stop hooks of shop aren't run" in note for note in outcome.notes)
    assert words(ran) == ["hello there"]
