"""Images on their way from host to host: read once, and only the layers that a host lacks."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.orchestration.events import Phase
from nap_compose.orchestration.steps import images
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster, FakeEngine
from tests.support.road import Road
from tests.support.views import app

BASE = 3_000_000
SIZE = 3_200_000


@pytest.fixture(autouse=True)
def _small_ones_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "WORTH", 1_000_000)


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(4)
    cluster["h1"].add_image("web:1", size=SIZE, base=BASE)
    return cluster


def everywhere(**more: Any) -> Any:
    return app({"web": {"deploy": {"mode": "global"}, **more}})


def sent_to(engine: FakeEngine) -> list[int]:
    """How many bytes each load of an image brought."""
    return [len(call.body) for call in engine.calls("POST", "/images/load")]


def test_it_is_read_once_for_all(fake: FakeCluster, road: Road) -> None:
    assert road.up(everywhere()).state == "done"
    assert len(fake.calls("GET", "/images/.*/get")) == 1
    assert [len(sent_to(engine)) for engine in fake] == [0, 1, 1, 1]
    assert {row.host for row in road.rows("shop").values()} == {"h1", "h2", "h3", "h4"}


def test_a_host_gets_only_the_layers_that_it_lacks(fake: FakeCluster, road: Road) -> None:
    fake["h2"].add_image("other:1", size=BASE + 10, base=BASE)
    outcome = road.up(everywhere())
    assert outcome.state == "done"
    assert len(fake.calls("GET", "/images/.*/get")) == 1
    (part,), (whole,) = sent_to(fake["h2"]), sent_to(fake["h3"])
    assert part < SIZE - BASE + 20_000
    assert whole > SIZE
    done = [each for each in road.events if each.host == "h2" and each.phase is Phase.DONE]
    told = next(each.text for each in done if " from h1" in each.text)
    assert told.endswith("KiB of 3.1MiB from h1")
    ids = {image.id for engine in fake for image in engine.world.images.values()
           if "web:1" in image.tags}  # fmt: skip
    assert len(ids) == 1


def test_a_store_that_wants_all_of_it_gets_all_of_it(fake: FakeCluster, road: Road) -> None:
    fake["h2"].add_image("other:1", size=BASE + 10, base=BASE)
    fake["h2"].world.whole_images = True
    assert road.up(everywhere()).state == "done"
    part, whole = sent_to(fake["h2"])
    assert part < SIZE - BASE + 20_000
    assert whole > SIZE


def test_one_that_fails_does_not_hold_the_others_up(fake: FakeCluster, road: Road) -> None:
    fake["h2"].fault("POST", "/images/load", status=500, message="write: no space left on device")
    outcome = road.up(everywhere())
    assert outcome.state == "rolled back"
    (failure,) = outcome.failures
    assert (failure.host, failure.hint) == ("h2", "nap prune removes what no revision needs")
    assert failure.reason.startswith("has no room for the image of 3.1MiB")
    assert [engine.name for engine in fake if "web:1" in str(engine.world.images)] == [
        "h1", "h3", "h4"
    ]  # fmt: skip


def test_a_source_that_breaks_off_fails_all_and_leaves_none_waiting(
    fake: FakeCluster, road: Road
) -> None:
    fake["h1"].fault("GET", "/images/.*/get", cut=1_000_000)
    outcome = road.up(everywhere())
    assert outcome.state == "rolled back"
    assert {failure.host for failure in outcome.failures} == {"h2", "h3", "h4"}
