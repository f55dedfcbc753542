"""What stands in the records after deployments went well, were killed, or lost the database."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from nap_compose.border import Outcome, Target
from nap_compose.control import ledger
from nap_compose.control.late import FOLDER
from nap_compose.control.ledger import Ledger
from nap_compose.control.local import LocalControl
from nap_compose.control.parts import Parts
from nap_compose.db.open import FILE_NAME
from nap_compose.db.records import RecordsAway
from nap_compose.db.store import SqlRecords
from nap_compose.orchestration.events import Phase
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.nap import eventually
from tests.support.road import Road
from tests.support.views import app


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


@contextmanager
def parts_of(road: Road, **more: Any) -> Iterator[Parts]:
    parts = Parts(road.cluster, **more)
    yield parts
    parts.close()


@contextmanager
def control_of(road: Road) -> Iterator[LocalControl]:
    control = road.behind()
    yield control
    control.close()


def outcomes(road: Road) -> list[tuple[str, str]]:
    """Verb and outcome of each deployment, the newest first."""
    with parts_of(road) as parts:
        shop = parts.records.app("ada", "shop")
        assert shop is not None
        return [(each.verb, each.outcome) for each in parts.records.deployments(shop.id)]


def shop(colour: str = "red") -> Any:
    return app({"web": {"environment": {"COLOUR": colour}}, "db": {}})


def test_a_deployment_and_its_steps(road: Road) -> None:
    road.up(shop())
    with parts_of(road) as parts:
        record = parts.records.app("ada", "shop")
        assert record is not None
        (deployment,) = parts.records.deployments(record.id)
        steps = parts.records.steps(deployment.id)
        done = {event.step for event in road.events if event.phase is Phase.DONE}
        assert {step.step for step in steps} == done
        assert all(step.phase == "done" and step.started <= step.ended for step in steps)
        assert (deployment.outcome, deployment.author, deployment.revision) == ("done", "ada", 1)
        assert deployment.started < deployment.ended


def test_killed_in_mid_deployment(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done until then is on record, and the next one sets down how it ended."""

    class Killed(BaseException):
        pass

    def on_record() -> bool:
        with parts_of(road) as parts:
            record = parts.records.app("ada", "shop")
            assert record is not None
            (deployment,) = parts.records.deployments(record.id)
            steps = parts.records.steps(deployment.id)
            return any(step.step.startswith("start") for step in steps)

    def die(event: Any) -> None:
        """A while after a start, in which nothing else happened."""
        if event.phase is Phase.DONE and event.step.startswith("start"):
            eventually(on_record, "the start on record", within=10)
            raise Killed

    monkeypatch.setattr(ledger, "PACE", 0.05)
    road.on_event = die
    with monkeypatch.context() as dead:
        dead.setattr(Ledger, "close", lambda *_: None)
        with pytest.raises(Killed):
            road.up(shop())
    assert outcomes(road) == [("up", "running")]
    assert on_record()
    road.on_event = lambda event: None
    assert road.up(shop("blue")).state == "done"
    assert outcomes(road) == [("up", "done"), ("up", "abandoned")]


def test_killed_when_all_was_done(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one finds nothing to do, and the revision that stands is the current one."""
    road.up(shop())
    with monkeypatch.context() as dead:
        dead.setattr(Ledger, "close", lambda *_: None)
        road.up(shop("blue"))
    assert outcomes(road) == [("up", "running"), ("up", "done")]
    assert road.up(shop("blue")).state == "unchanged"
    assert outcomes(road) == [("up", "done"), ("up", "done")]
    with control_of(road) as control:
        assert [row.revision for row in control.history(Target("shop")).rows if row.current] == [2]


def test_without_the_database_nothing_is_changed(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    road.up(shop())
    before = {slot: row.id for slot, row in road.rows().items()}
    broken = road.cluster.state_dir / FILE_NAME
    broken.rename(broken.with_suffix(".aside"))
    for more in ("-wal", "-shm"):
        broken.with_name(broken.name + more).unlink(missing_ok=True)
    broken.write_text("no database\n" * 200)
    changes: list[Callable[[], Outcome]] = [
        lambda: road.up(shop("blue")),
        lambda: road.act("stop"),
        road.down,
    ]
    for change in changes:
        with pytest.raises(RecordsAway) as caught:
            change()
        assert caught.value.hint
    assert {slot: row.id for slot, row in road.rows().items()} == before
    assert all(row.state == "running" for row in road.rows().values())
    with control_of(road) as control:
        assert [row.app for row in control.apps().rows] == ["shop"]
    gc.collect()  # connections that errors still hold are closed before their file goes
    broken.unlink()
    broken.with_suffix(".aside").rename(broken)
    assert road.up(shop("blue")).state == "done"


def test_the_database_goes_in_mid_deployment(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployment goes on, says so, and what became of it is handed in by the next one."""

    def away(*_: Any) -> None:
        raise RecordsAway("the database went")

    with monkeypatch.context() as gone:
        gone.setattr(ledger, "PACE", 0.01)
        for method in ("add_steps", "finish"):
            gone.setattr(SqlRecords, method, away)
        outcome = road.up(shop())
    assert outcome.state == "done"
    assert [note for note in outcome.notes if "recorded later" in note]
    assert outcomes(road) == [("up", "running")]
    assert len(list((road.cluster.state_dir / FOLDER).iterdir())) == 1
    with control_of(road) as control:
        assert control.records_status().late == 1
    road.act("stop")
    assert outcomes(road) == [("stop", "done"), ("up", "done")]
    assert list((road.cluster.state_dir / FOLDER).iterdir()) == []
    with parts_of(road) as parts:
        record = parts.records.app("ada", "shop")
        assert record is not None
        first = parts.records.deployments(record.id)[-1]
        assert first.ended > first.started
        assert {step.phase for step in parts.records.steps(first.id)} == {"done"}


def test_rebuilt_from_the_hosts(road: Road) -> None:
    """From an emptied database `history`, `diff` and the way back come again."""
    for colour in ("red", "green"):
        road.up(shop(colour))
    file = road.cluster.state_dir / FILE_NAME
    for each in file.parent.glob(f"{FILE_NAME}*"):
        each.unlink()
    with control_of(road) as control:
        done = control.rebuild_records()
        assert (done.apps, done.revisions, done.bare) == (("ada/shop",), 2, ())
        rows = control.history(Target("shop")).rows
        assert [(row.revision, row.current) for row in rows] == [(2, True), (1, False)]
        assert rows[0].changed == ("web",)
        again = control.rebuild_records()
        assert (again.apps, again.revisions, again.deployments) == (("ada/shop",), 0, 0)
    assert road.up(shop("green")).state == "unchanged"
    assert road.up(shop("blue")).plan.revision == 3
    assert road.down().state == "done"


def test_rebuilt_where_the_state_store_is_lost_too(road: Road) -> None:
    """Labels alone tell which apps and revisions there are; numbers go on from there."""
    for colour in ("red", "green"):
        road.up(shop(colour))
    for each in road.cluster.state_dir.glob("*.sqlite*"):
        each.unlink()
    with control_of(road) as control:
        done = control.rebuild_records()
        assert done.apps == ("ada/shop",) and done.bare
        assert control.history(Target("shop"), limit=1).rows[0].current
    assert road.up(shop("blue")).plan.revision == 3
    assert road.down().state == "done"
