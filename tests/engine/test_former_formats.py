"""Another nap's containers under this one: nothing is made anew because nap is another, and what a
newer one has taken over is only read."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from nap_compose.border import AuditRequest, Grade, Target, WatchRequest
from nap_compose.cluster import labels, state_format, state_keys
from nap_compose.cluster.cluster import Failover
from nap_compose.cluster.state_format import FORMAT, NewerState
from nap_compose.compose import hashing
from nap_compose.control.parts import Parts
from nap_compose.db.open import FILE_NAME
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.nap import eventually
from tests.support.road import Hand, Road
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    cluster.add_image("web:1")
    return cluster


def ids(road: Road) -> dict[str, str]:
    return {slot: row.id for slot, row in road.rows("shop").items()}


def shop(colour: str, **more: Any) -> Any:
    volumes = {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}
    return app(
        {"web": {"environment": {"COLOUR": colour}, "deploy": {"replicas": 2}, **volumes, **more}},
        volumes={"data": {}},
    )


@contextmanager
def another_format(mark: str) -> Iterator[None]:
    """A nap whose hashes are made in another way."""

    def digest(value: Mapping[str, Any]) -> str:
        text = json.dumps(value, sort_keys=True) + "made otherwise"
        return mark + hashlib.sha256(text.encode()).hexdigest()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hashing, "_digest", digest)
        yield


@pytest.mark.parametrize("mark", ["0:", "2:"], ids=["the previous one", "the next one"])
def test_another_naps_containers_stay(fake: FakeCluster, road: Road, mark: str) -> None:
    with another_format(mark):
        road.up(shop("red"))
    before = ids(road)
    assert len(before) == 2
    hashes = {c.labels[labels.CONFIG_HASH][:2] for c in road.view().containers()}
    assert hashes == {mark}
    fake.forget()
    assert road.up(shop("red")).state == "unchanged"
    assert ids(road) == before
    assert not fake.calls("POST", "/containers/.*")


def test_what_changed_is_made_anew_as_ever(fake: FakeCluster, road: Road) -> None:
    with another_format("0:"):
        road.up(shop("red"))
    before = ids(road)
    assert road.up(shop("blue")).state == "done"
    now = ids(road)
    assert now.keys() == before.keys() and not set(now.values()) & set(before.values())
    assert road.up(shop("blue")).state == "unchanged"
    hashes = {c.labels[labels.CONFIG_HASH] for c in road.view().containers()}
    assert all(hashing.is_of_this_format(each) for each in hashes)


def test_one_service_of_two(fake: FakeCluster, road: Road) -> None:
    def two(colour: str) -> Any:
        return app({"web": {"environment": {"COLOUR": colour}}, "other": {"image": "web:1"}})

    with another_format("0:"):
        road.up(two("red"))
    before = ids(road)
    road.up(two("blue"))
    now = ids(road)
    assert now["other.1"] == before["other.1"] and now["web.1"] != before["web.1"]
    assert road.up(two("blue")).state == "unchanged", "held against the revision that made it"


def test_the_revision_from_the_records_where_the_state_store_lost_it(
    fake: FakeCluster, road: Road
) -> None:
    with another_format("0:"):
        road.up(shop("red"))
    before = ids(road)
    parts = Parts(road.cluster)
    for prefix in (state_keys.REVISIONS, state_keys.REVISION_PIECES):
        for entry in parts.store.list(prefix):
            parts.store.delete(entry.key)
    parts.close()
    road.up(shop("red"))
    assert ids(road) == before


def test_a_newer_naps_state_is_only_read(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red"))
    before = ids(road)
    parts = Parts(road.cluster)
    parts.store.put(state_keys.FORMAT, {"keys": FORMAT + 1})
    parts.close()
    fake.forget()
    for change in (
        lambda: road.up(shop("blue")),
        lambda: road.down("shop"),
        lambda: road.act("stop"),
    ):
        with pytest.raises(NewerState, match="only reads"):
            change()
    assert not fake.calls("POST", "/containers/.*") and not fake.calls("DELETE", ".*")
    assert ids(road) == before


def newer_schema(road: Road) -> None:
    """A newer nap has migrated the records, by something that doesn't matter to who reads."""
    with closing(sqlite3.connect(road.cluster.state_dir / FILE_NAME)) as file, file:
        file.execute("ALTER TABLE deployments ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")
        file.execute("INSERT INTO schema_version VALUES (99, 'later', '')")


def test_a_newer_naps_records_are_only_read(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red"))
    before = ids(road)
    newer_schema(road)
    fake.forget()
    for change in (
        lambda: road.up(shop("blue")),
        lambda: road.down("shop"),
        lambda: road.act("stop"),
    ):
        with pytest.raises(NapError, match=r"newer nap .* only reads") as refused:
            change()
        assert refused.value.exit_code == Exit.FAILED and refused.value.hint
    assert not fake.calls("POST", "/containers/.*") and not fake.calls("DELETE", ".*")
    assert ids(road) == before
    with closing(road.control()) as control:
        assert [row.revision for row in control.history(Target("shop")).rows] == [1]
        assert [row.verb for row in control.audit(AuditRequest()).rows] == ["up"]
        listed = control.apps(recorded=True)
        assert [row.app for row in listed.rows] == ["shop"] and not listed.warnings
        records = {row.subject: row for row in control.standing().rows}["records"]
        assert records.grade is not Grade.OK and "newer nap" in records.text


def test_a_watcher_that_is_older_now_ends_and_none_begins(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_format, "LOOK_AGAIN", 0.1)
    road.cluster = replace(road.cluster, failover=Failover(sweep=0.1))
    road.up(shop("red"))
    said: list[str] = []
    ended: list[Exception] = []

    def run() -> None:
        control = road.control()
        try:
            control.watch_health(WatchRequest(), said.append, Hand())
        except NewerState as refused:
            ended.append(refused)
        finally:
            control.close()

    watcher = threading.Thread(target=run, daemon=True)
    watcher.start()
    eventually(lambda: any(" leads" in line for line in said), f"it to lead: {said}")
    parts = Parts(road.cluster)
    parts.store.put(state_keys.FORMAT, {"keys": FORMAT + 1})
    parts.close()
    watcher.join(timeout=60)
    assert not watcher.is_alive() and len(ended) == 1, said
    run()
    assert len(ended) == 2


def test_a_newer_naps_containers_are_left_alone(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    road.up(shop("red"))
    before = ids(road)
    monkeypatch.setattr(labels, "SCHEMA", labels.SCHEMA - 1)
    with pytest.raises(NapError, match="newer nap"):
        road.up(shop("blue"))
    assert ids(road) == before
