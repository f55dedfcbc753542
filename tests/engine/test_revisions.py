"""History, differences and the way back, on fake engines."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.border import DiffRequest, RollbackRequest, Target
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app

SHOP = Target("shop")


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db", "cache"):
        cluster.add_image(f"{name}:1")
    return cluster


def shop(colour: str, **more: dict[str, Any]) -> Any:
    return app({"web": {"environment": {"COLOUR": colour}}, "db": {}, **more})


def back(road: Road, revision: int = 0, **request: Any) -> Any:
    control = road.control()
    try:
        wanted = RollbackRequest(SHOP, revision, **request)
        return control.rollback(wanted, lambda event: None, road.hand)
    finally:
        control.close()


def colour_of(road: Road) -> str:
    (web,) = (c for c in road.view().containers() if "-web-1" in c.name)
    inspected = road.behind()._parts.engines.on(web.host).inspect_container(web.id)
    (setting,) = (e for e in inspected["Config"]["Env"] if e.startswith("COLOUR"))
    return str(setting.partition("=")[2])


def test_history_tells_what_each_revision_changed_and_which_runs(road: Road) -> None:
    road.up(shop("red"))
    road.up(shop("green", cache={}))
    control = road.control()
    rows = control.history(SHOP).rows
    assert [(row.revision, row.current, row.state, row.verb) for row in rows] == [
        (2, True, "done", "up"),
        (1, False, "done", "up"),
    ]
    assert rows[0].changed == ("web", "cache")
    assert rows[1].changed == ("web", "db", "network default")
    assert control.history(SHOP, limit=1).rows == rows[:1]
    control.close()


def test_what_changes_no_container_is_a_revision_too(road: Road, fake: FakeCluster) -> None:
    """The watcher and the backup go by the revision: they must not go by what was said before."""

    def waiting(seconds: int) -> Any:
        web = {"x-nap": {"on_host_lost": {"after": f"{seconds}s"}}}
        return app({"web": web, "db": {}})

    road.up(waiting(30))
    before = picture(fake)
    assert road.up(waiting(60)).state == "done"
    assert picture(fake) == before
    control = road.control()
    rows = control.history(SHOP).rows
    control.close()
    assert (rows[0].revision, rows[0].current, rows[0].changed) == (2, True, ("web",))
    assert road.up(waiting(60)).state == "unchanged"


def test_of_an_app_that_was_taken_down_no_revision_runs(road: Road) -> None:
    def seen() -> list[tuple[int, bool, str]]:
        control = road.control()
        rows = control.history(SHOP).rows
        control.close()
        return [(row.revision, row.current, row.state) for row in rows]

    road.up(shop("red"))
    road.up(shop("green"))
    road.down("shop", services=("db",))
    assert seen() == [(2, True, "done"), (1, False, "done")]
    road.down("shop")
    assert seen() == [(2, False, "down"), (1, False, "done")]
    road.up(shop("green"))
    assert seen()[0][1:] == (True, "done")


def test_a_failed_revision_is_shown_and_is_not_the_one_that_runs(
    fake: FakeCluster, road: Road
) -> None:
    road.up(shop("red"))
    fake.behave("*-web-1.*", Behaviour(refuses="no such file"))
    assert road.up(shop("broken")).state == "rolled back"
    control = road.control()
    rows = control.history(SHOP).rows
    assert [(row.revision, row.current, row.state) for row in rows] == [
        (2, False, "rolled back"),
        (1, True, "done"),
    ]
    assert rows[0].error


def test_diff_compares_the_one_before_with_the_one_that_runs(road: Road) -> None:
    for colour in ("red", "green", "blue"):
        road.up(shop(colour))
    control = road.control()
    found = control.diff(DiffRequest(SHOP))
    assert (found.before, found.after) == (2, 3)
    assert [(d.subject, d.field, d.before) for d in found.differences] == [
        ("web", "environment.COLOUR", "***")
    ]
    shown = control.diff(DiffRequest(SHOP, 1, 3, show_values=True))
    assert [(d.before, d.after) for d in shown.differences] == [("red", "blue")]
    only = control.diff(DiffRequest(SHOP, after=1))
    assert (only.before, only.after) == (3, 1)


def test_rollback_brings_the_one_before_back_and_leaves_the_rest_alone(road: Road) -> None:
    road.up(shop("red"))
    road.up(shop("green", cache={}))
    before = road.rows("shop")
    outcome = back(road)
    after = road.rows("shop", stopped=True)
    assert (outcome.state, outcome.exit_code) == ("done", Exit.DONE)
    assert colour_of(road) == "red"
    assert set(after) == {"web.1", "db.1"}, "what came after the revision goes"
    assert after["db.1"].id == before["db.1"].id
    assert back(road).state == "done"
    assert colour_of(road) == "green", "the way back of the way back"


def test_after_down_rollback_brings_back_what_ran_until_then(road: Road) -> None:
    road.up(shop("red"))
    road.down("shop")
    assert back(road).state == "done", "the only revision there is"
    road.up(shop("green"))
    road.down("shop")
    assert back(road).state == "done"
    assert colour_of(road) == "green"
    assert back(road).state == "done"
    assert colour_of(road) == "red"


def test_rollback_goes_past_what_failed(fake: FakeCluster, road: Road) -> None:
    road.up(shop("red"))
    road.up(shop("green"))
    fake.behave("*-web-1.*", Behaviour(refuses="no such file"))
    road.up(shop("broken"))
    fake.behave("*-web-1.*", Behaviour())
    assert back(road).state == "done"
    assert colour_of(road) == "red"


def test_rollback_to_a_number_and_as_a_dry_run(fake: FakeCluster, road: Road) -> None:
    for colour in ("red", "green", "blue"):
        road.up(shop(colour))
    there = picture(fake)
    assert back(road, 1, dry_run=True).state == "planned"
    assert picture(fake) == there
    back(road, 1)
    assert colour_of(road) == "red"
    control = road.control()
    assert control.history(SHOP).rows[0].verb == "rollback"


def test_a_revision_that_the_store_forgot_is_taken_from_the_records(road: Road) -> None:
    for number in range(23):
        road.up(shop(f"c{number}"))
    assert back(road, 1).state == "done"
    assert colour_of(road) == "c0"


@pytest.mark.parametrize(
    ("revision", "words"), [(0, "was deployed once"), (7, "there is no revision 7")]
)
def test_no_such_revision(road: Road, revision: int, words: str) -> None:
    road.up(shop("red"))
    with pytest.raises(NapError, match=words):
        back(road, revision)


def test_no_such_app(road: Road) -> None:
    with pytest.raises(NapError, match="nothing is on record of an app shop"):
        road.control().history(SHOP)
