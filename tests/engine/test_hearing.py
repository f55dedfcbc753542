"""Whoever waits for containers is told by their engine, and gets there all the same where it
doesn't tell."""

from __future__ import annotations

import pytest

from nap_compose.orchestration.steps import snapshots
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road
from tests.support.views import app

PROBE = {"test": ["CMD", "true"], "interval": "1s"}
SHOP = app(
    {
        "db": {"image": "web:1", "healthcheck": PROBE},
        "web": {
            "image": "web:1",
            "healthcheck": PROBE,
            "depends_on": {"db": {"condition": "service_healthy"}},
        },
    }
)


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    """One engine, whose containers take a moment to become healthy."""
    fake = fake_cluster(1, None)
    fake.add_image("web:1")
    fake.behave("*", Behaviour(healthy_after=1.0))
    return fake


def test_what_an_engine_tells_is_enough(fake: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both become healthy after the last list that anybody takes of his own accord."""
    monkeypatch.setattr(snapshots, "SLOW", 3600.0)
    assert Road.on(fake).up(SHOP).state == "done"
    (call,) = fake["h1"].calls("GET", "/events")
    assert "since" not in call.query, "no clocks are compared"


@pytest.mark.parametrize("what", [{"status": 500}, {"hang": True}, {"cut": 0}, {"garbage": b"?"}])
def test_an_engine_that_tells_nothing_is_looked_at(
    fake: FakeCluster, what: dict[str, object]
) -> None:
    fault = fake["h1"].fault("GET", "/events", **what)
    assert Road.on(fake).up(SHOP).state == "done"
    assert fault.hit


def test_an_engine_that_falls_silent_is_looked_at(fake: FakeCluster) -> None:
    fake["h1"].world.tell = lambda *_: None  # type: ignore[method-assign]
    assert Road.on(fake).up(SHOP).state == "done"
    assert fake["h1"].calls("GET", "/events")


def test_a_failure_is_told_too(fake: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "SLOW", 3600.0)
    fake.behave("*-web-1*", Behaviour(healthy_after=None, exits_after=1.0, exit_code=3))
    outcome = Road.on(fake).up(SHOP)
    assert outcome.state == "rolled back"
    assert "exited with code 3" in outcome.error
