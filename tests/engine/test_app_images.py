"""`down --rmi`: images that go with their app."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nap_compose.errors import WrongUse
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road
from tests.support.views import app

SERVICES = {"web": {"image": "web:1"}, "own": {"image": "shop-own"}, "db": {"image": "db:1"}}
IMAGES = {"web:1", "shop-own:latest", "db:1"}


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    fake = fake_cluster(1, None)
    for image in IMAGES:
        fake.add_image(image)
    return fake


def left(fake: FakeCluster) -> set[str]:
    return {tag for image in fake["h1"].world.images.values() for tag in image.tags}


def embedded(fake: FakeCluster) -> Road:
    road = Road.on(fake)
    road.cluster = replace(road.cluster, name="")
    return road


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ({}, set()),
        ({"images": "local"}, {"shop-own:latest"}),
        ({"images": "all"}, IMAGES),
        ({"images": "all", "services": ("web",)}, {"web:1"}),
        ({"images": "all", "dry_run": True}, set()),
    ],
)
def test_which_go(fake: FakeCluster, asked: dict[str, object], goes: set[str]) -> None:
    road = embedded(fake)
    road.up(app(SERVICES))
    outcome = road.down(**asked)
    assert left(fake) == IMAGES - goes
    removed = [event for event in road.events if event.step.startswith("remove-image:")]
    assert len(removed) == len(goes)
    assert outcome.exit_code == 0


def test_one_that_others_use_stays_and_is_named(fake: FakeCluster) -> None:
    road = embedded(fake)
    road.up(app(SERVICES))
    road.up(app({"web": {"image": "web:1"}}, name="other"))
    (note,) = road.down(images="all").notes
    assert note.startswith("image web:1 stays: ")
    assert left(fake) == {"web:1"}


def test_on_a_cluster_they_stay(fake: FakeCluster) -> None:
    road = Road.on(fake)
    road.up(app(SERVICES))
    with pytest.raises(WrongUse, match="images stay"):
        road.down(images="all")
    assert set(road.rows()) == {"web.1", "own.1", "db.1"}
