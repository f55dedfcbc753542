"""`prune`: what no app needs any more goes, and nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import AuditRequest, PruneRequest, RollbackRequest, Target
from nap_compose.cluster import app_lock
from nap_compose.cluster.cluster import Failover, Prune
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.control.parts import Parts
from nap_compose.control.pruning import daily
from nap_compose.db.records import RecordsAway
from nap_compose.errors import WrongUse
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster, Image
from tests.engine.test_shipping import Desk, disks
from tests.engine.test_watch import watching
from tests.support.nap import eventually
from tests.support.road import Road
from tests.support.small_disk import small_disk
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    return fake_cluster(2)


def release(fake: FakeCluster, road: Road, number: int) -> None:
    """Bring the app up with an image that has just come under the same name."""
    fake.registry.add(Image("web:1", {"Env": [f"N={number}"]}))
    assert road.up(app({"web": {}}), pull="always").state == "done"


def prune(road: Road, **asked: Any) -> list[tuple[str, str, str, str]]:
    control = road.control()
    try:
        listing = control.prune(PruneRequest(**{"older_than": 0.0, **asked}))
        return [(row.kind, row.subject, row.host, row.problem) for row in listing.rows]
    finally:
        control.close()


def there(fake: FakeCluster) -> set[str]:
    """Which releases are on any host."""
    found = {image.config["Env"][0] for engine in fake for image in engine.world.images.values()
             if "Env" in image.config}  # fmt: skip
    return {each for each in found if each.startswith("N=")}


def test_images_of_the_last_three_revisions_stay(fake: FakeCluster, road: Road) -> None:
    for number in range(1, 6):
        release(fake, road, number)
    fake["h1"].add_image("foreign:1")
    before = there(fake)
    assert before == {"N=1", "N=2", "N=3", "N=4", "N=5"}
    told = prune(road, dry_run=True)
    assert there(fake) == before
    assert {kind for kind, *_ in told} == {"image"}
    assert prune(road) == told
    assert there(fake) == {"N=3", "N=4", "N=5"}
    assert any("foreign:1" in image.tags for image in fake["h1"].world.images.values())
    assert prune(road) == []
    control = road.control()
    assert control.rollback(RollbackRequest(Target("shop", "ada"), 3), road._hear, road.hand)
    control.close()


def test_young_ones_stay_and_so_does_what_is_used(fake: FakeCluster, road: Road) -> None:
    for number in range(1, 6):
        release(fake, road, number)
    assert prune(road, older_than=10e9) == []
    old = next(
        (engine, image)
        for engine in fake
        for image in engine.world.images.values()
        if image.config.get("Env") == ["N=1"]
    )
    client = DockerEngine(old[0].host())
    client.create_container("somebodys", {"Image": old[1].id})
    client.close()
    prune(road)
    assert there(fake) == {"N=1", "N=3", "N=4", "N=5"}


def test_fewer_than_three_are_not_asked_for(road: Road) -> None:
    with pytest.raises(WrongUse, match="last 3 revisions keep their images"):
        prune(road, keep=2)


def test_one_that_came_into_use_meanwhile_stays_and_is_told(fake: FakeCluster, road: Road) -> None:
    for number in range(1, 6):
        release(fake, road, number)
    for engine in fake:
        engine.fault("DELETE", "/images/.*", status=409, message="it is in use", times=1)
    problems = {problem for *_, problem in prune(road)}
    assert "it is in use" in problems


def test_old_history_goes_but_not_the_last_of_it(fake: FakeCluster, road: Road) -> None:
    from nap_compose.control.pruning import history

    for number in range(1, 6):
        release(fake, road, number)
    whole, history.HISTORY = history.HISTORY, 2
    try:
        told = prune(road, history=-60.0, older_than=10e9, dry_run=True)
        assert told == [
            ("deployments", "3 of ada/shop", "", ""),
            ("revisions", "3 of ada/shop", "", ""),
        ]
        assert prune(road, history=-60.0, older_than=10e9) == told
        control = road.control()
        rows = control.history(Target("shop", "ada"), limit=10).rows
        control.close()
        assert [row.revision for row in rows] == [5, 4]
        assert prune(road, history=-60.0, older_than=10e9) == []
    finally:
        history.HISTORY = whole


def test_a_failed_container_that_is_kept_goes_once_it_is_old(fake: FakeCluster, road: Road) -> None:
    for name in ("web", "bad"):
        fake.add_image(f"{name}:1")
    road.up(app({"web": {}}))
    fake.behave("bad:1", Behaviour(exits_after=0.0, exit_code=3))
    (failure,) = road.up(app({"web": {"image": "bad:1"}})).failures
    assert prune(road, older_than=3600.0) == []
    assert ("container", failure.kept, failure.host, "") in prune(road)
    assert list(road.view().kept()) == []
    assert list(road.rows()) == ["web.1"]


@pytest.fixture
def desk(fake: FakeCluster, tmp_path: Path) -> Desk:
    for name in ("web", "db"):
        fake.add_image(f"{name}:1")
    return Desk(tmp_path / "project", Road.on(fake))


def settings(fake: FakeCluster) -> set[str]:
    """What the shipped `app.conf` of each revision says, as far as it lies on any host."""
    found = (content.decode() for content in disks(fake).values())
    return {content for content in found if content.startswith("a=")}


def test_shipped_files_of_former_revisions_go(fake: FakeCluster, desk: Desk) -> None:
    for number in range(1, 6):
        (desk.folder / "app.conf").write_text(f"a={number}")
        assert desk.up().state == "done"
    every = {f"a={number}" for number in range(1, 6)}
    assert settings(fake) == every
    assert prune(desk.road, older_than=3600.0) == []
    told = prune(desk.road, dry_run=True)
    assert [row[:2] for row in told] == [("files", "2 of ada/shop")]
    assert settings(fake) == every
    assert prune(desk.road) == told
    assert settings(fake) == {"a=3", "a=4", "a=5"}
    assert prune(desk.road) == []
    control = desk.road.control()
    control.rollback(RollbackRequest(Target("shop", "ada"), 1), desk.road._hear, desk.road.hand)
    control.close()
    assert settings(fake) == {"a=1", "a=3", "a=4", "a=5"}
    # The way back is a revision too, so that the third is none of the last three any more.
    assert [row[:2] for row in prune(desk.road)] == [("files", "1 of ada/shop")]
    assert settings(fake) == {"a=1", "a=4", "a=5"}
    assert desk.up().state == "done"


def test_an_app_that_is_being_deployed_keeps_its_images(fake: FakeCluster, road: Road) -> None:
    for number in range(1, 6):
        release(fake, road, number)
    before = there(fake)
    parts = Parts(road.cluster)
    with app_lock.take(parts.store, "ada", "shop", who="bob", deployment="d1"):
        assert {problem for *_, problem in prune(road)} == {"ada/shop is being deployed"}
    parts.close()
    assert there(fake) == before


def test_an_app_that_is_being_deployed_keeps_its_files(fake: FakeCluster, desk: Desk) -> None:
    for number in range(1, 5):
        (desk.folder / "app.conf").write_text(f"a={number}")
        assert desk.up().state == "done"
    parts = Parts(desk.road.cluster)
    with app_lock.take(parts.store, "ada", "shop", who="bob", deployment="d1"):
        ((kind, *_, problem),) = prune(desk.road)
    parts.close()
    assert kind == "files"
    assert problem.startswith("ada/shop is locked by bob")
    assert settings(fake) == {"a=1", "a=2", "a=3", "a=4"}


def test_the_watcher_prunes_daily_but_not_on_the_first_day(fake: FakeCluster, road: Road) -> None:
    road.cluster = replace(road.cluster, failover=Failover(sweep=1.0), prune=Prune(older_than=0.0))
    for number in range(1, 6):
        release(fake, road, number)
    before = there(fake)
    parts = Parts(road.cluster)
    with watching(road):
        known = eventually(lambda: daily.read(parts.store)[0], "the cluster is known")
    assert known.at == 0
    assert there(fake) == before
    _, version = daily.read(parts.store)
    daily.write(parts.store, replace(known, since=known.since - 2 * daily.DAY), version)
    with watching(road) as watcher:
        assert watcher.until("prune: ").startswith("prune: removed ")
    assert there(fake) == {"N=3", "N=4", "N=5"}
    parts.close()


@pytest.mark.parametrize(
    ("since", "at", "hour", "due"),
    [
        (0.0, 0.0, 3, True),
        (9.7, 0.0, 3, False),  # known for less than a day
        (0.0, 10.1, 3, True),  # last done before three this night
        (0.0, 10.2, 3, False),  # last done after three
        (0.0, 9.7, 20, True),  # before eight in the evening
        (0.0, 9.9, 20, False),  # eight in the evening hasn't come since
        (0.0, 9.9, 13, False),
    ],
)
def test_when_it_is_time(since: float, at: float, hour: int, due: bool) -> None:
    """All in days; it is noon of the tenth."""
    ten_days_and_a_half = 10.5 * daily.DAY
    known = daily.Pruned(since * daily.DAY, at * daily.DAY)
    assert daily.is_due(known, ten_days_and_a_half, hour) is due


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_control_machine_prunes_and_changes_nothing_else(
    fake: FakeCluster, road: Road, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", size="2m") as disk:
        road.cluster = replace(road.cluster, state_dir=disk.folder / "state")
        for number in range(1, 5):
            release(fake, road, number)
        disk.fill()
        with pytest.raises(RecordsAway, match="its disk is full"):
            road.act("stop")
        assert set(road.rows()) == {"web.1"}
        assert [kind for kind, *_ in prune(road)] == ["image"]
        assert there(fake) == {"N=2", "N=3", "N=4"}
        disk.make_room()
        prune(road)
        control = road.control()
        told = [row.outcome for row in control.audit(AuditRequest()).rows if row.verb == "prune"]
        control.close()
        assert told == ["done"], "the second, which there was room to enter"
