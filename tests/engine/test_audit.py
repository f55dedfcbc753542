"""The audit trail of what a person does: each act with its beginning and its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from nap_compose.border import (
    ActRequest,
    AuditRequest,
    AuditRow,
    DownRequest,
    DrainRequest,
    HostChange,
    LoggedIn,
    RollbackRequest,
    RunRequest,
    Target,
    Who,
)
from nap_compose.control.guard import Given, Guard
from nap_compose.control.ledger import Ledger
from nap_compose.control.local import LocalControl
from nap_compose.db.open import FILE_NAME
from nap_compose.db.records import RecordsAway
from nap_compose.db.store import SqlRecords
from nap_compose.db.trail import AuditRecord
from nap_compose.errors import NapError, NotAllowed
from nap_compose.orchestration.plan import Verb
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.road import Road
from tests.support.views import app

if TYPE_CHECKING:
    from nap_compose.auth.gate import Gate


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


def shop(colour: str = "red") -> Any:
    return app({"web": {"environment": {"COLOUR": colour}}, "db": {}})


def asked(road: Road, call: Callable[[LocalControl], Any]) -> Any:
    control = road.control()
    try:
        return call(control)
    finally:
        control.close()


def trail(road: Road, **wanted: Any) -> list[AuditRow]:
    return list(asked(road, lambda control: control.audit(AuditRequest(**wanted))).rows)


def test_each_act_with_its_hosts_and_its_end(road: Road) -> None:
    deployed = road.up(shop())
    road.act("stop", "web")
    asked(road, lambda control: control.change_host(HostChange("h1", "cordoned")))
    asked(road, lambda c: c.rollback(RollbackRequest(Target("shop"), 1), road._hear, road.hand))
    road.down()
    rows = trail(road)
    assert [(row.verb, row.app, row.outcome) for row in rows] == [
        ("up", "ada/shop", "done"),
        ("stop", "ada/shop", "done"),
        ("host cordoned", "", "done"),
        ("rollback", "ada/shop", "done"),
        ("down", "ada/shop", "done"),
    ]
    assert {row.person for row in rows} == {"ada"}
    assert rows[0].hosts == tuple(sorted({step.host for step in deployed.plan.steps} - {""}))
    assert rows[0].deployment == deployed.plan.deployment
    assert rows[2].hosts == ("h1",)
    assert all(row.at <= row.ended and " pid " in row.origin for row in rows)
    check = asked(road, lambda control: control.verify_audit())
    assert (check.rows, check.fault) == (10, "")


def test_what_only_looks_leaves_no_row(road: Road) -> None:
    road.up(shop(), dry_run=True)
    road.rows("shop")
    asked(road, lambda c: c.drain(DrainRequest("h1", dry_run=True), road._hear, road.hand))
    assert trail(road) == []


def test_what_fails_and_what_is_refused(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-web-*", Behaviour(refuses="no such command"))
    outcome = road.up(shop())
    assert outcome.state == "rolled back"
    with pytest.raises(NapError):
        road.act("restart", "nothing")
    control = road.behind()
    control._parts.trail.refused(control.whoami(), "host drain", "this is for admins")
    with pytest.raises(NotAllowed), control._act("exec", app="shop"):
        raise NotAllowed("the image isn't yours")
    control.close()
    rows = trail(road)
    assert [(row.verb, row.outcome) for row in rows] == [
        ("up", "rolled back"),
        ("restart", "failed"),
        ("host drain", "refused"),
        ("exec", "refused"),
    ]
    assert "web" in rows[0].detail and "no app shop" in rows[1].detail
    assert rows[2].detail == "this is for admins"


def test_killed_it_shows_as_begun(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as dead:
        dead.setattr(Ledger, "event", die)
        dead.setattr("nap_compose.control.trail.Trail._end", lambda *_: None)
        with pytest.raises(Killed):
            road.up(shop())
    (row,) = trail(road)
    assert (row.verb, row.outcome, row.ended) == ("up", "begun", "")


def test_a_one_off_is_entered_as_it_is_and_not_as_somebody_says(
    fake: FakeCluster, road: Road
) -> None:
    fake.behave("*", Behaviour())
    control = road.control()
    made = control.make_oneoff(RunRequest(shop(), shop(), "web"), road._hear, road.hand)
    control.run_oneoff(replace(made, host="h9", container="bob_shop-web-1"), None)
    control.close()
    (row,) = (row for row in trail(road) if row.verb == "run start")
    assert (row.hosts, row.detail, row.outcome) == ((made.host,), made.container, "done")


def test_found_by_person_app_and_time(fake: FakeCluster, road: Road) -> None:
    bob = Road(road.cluster, "bob")
    road.up(shop())
    bob.up(shop())
    bob.act("stop")
    assert [row.verb for row in trail(road, person="bob")] == ["up", "stop"]
    assert [row.person for row in trail(road, app="shop", owner="bob")] == ["bob", "bob"]
    assert [row.app for row in trail(road, app="shop")] == ["ada/shop"]
    first = trail(road, person="bob")[0]
    assert [row.verb for row in trail(road, since=first.ended, limit=1)] == ["stop"]
    assert trail(road, since="2999-01-01") == []


def test_others_are_shown_what_concerns_them(road: Road) -> None:
    """Bob stops Ada's app: she sees it, and Eve doesn't."""
    road.up(shop())
    Road(road.cluster, "bob").act("stop", owner="ada")
    Road(road.cluster, "bob").up(shop())

    def seen_by(name: str) -> list[tuple[str, str, str]]:
        control = LocalControl(road.cluster, Who(name, name, role="user"))
        rows = control.audit(AuditRequest()).rows
        control.close()
        return [(row.person, row.verb, row.app) for row in rows]

    assert seen_by("ada") == [("ada", "up", "ada/shop"), ("bob", "stop", "ada/shop")]
    assert seen_by("bob") == [("bob", "stop", "ada/shop"), ("bob", "up", "bob/shop")]
    assert seen_by("eve") == []


def test_without_the_database_nothing_is_done_on_a_cluster(road: Road) -> None:
    road.up(shop())
    for each in road.cluster.state_dir.glob(f"{FILE_NAME}*"):
        each.unlink()
    (road.cluster.state_dir / FILE_NAME).write_text("no database\n" * 200)
    with pytest.raises(RecordsAway):
        asked(road, lambda control: control.change_host(HostChange("h1", "cordoned")))
    assert all(row.state == "active" for row in asked(road, lambda c: c.hosts()).rows)


def test_rows_wait_for_the_database(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """An end and a refusal are entered later, as of when they came."""

    def away(*_: Any) -> None:
        raise RecordsAway("it went")

    control = road.behind()
    with control._act("exec", app="shop") as act:
        monkeypatch.setattr(SqlRecords, "add_audit", away)
        act.on("h1")
    control._parts.trail.refused(control.whoami(), "login", "wrong password")
    monkeypatch.undo()
    assert [row.outcome for row in trail(road)] == ["begun"]
    with control._act("down", app="shop"):
        pass
    control.close()
    rows = {row.verb: row for row in trail(road)}
    assert (rows["exec"].outcome, rows["exec"].hosts) == ("done", ("h1",))
    assert rows["login"].outcome == "refused"
    assert rows["exec"].ended <= rows["login"].at <= rows["down"].at
    check = asked(road, lambda control: control.verify_audit())
    assert (check.rows, check.fault) == (5, "")


class Door:
    """Stands for the gate: one name and one password."""

    def who(self, *, changing: bool) -> Who:
        del changing
        return Who("bob", "bob", role="user")

    def login(self, name: str, password: str) -> LoggedIn:
        if password != "right":
            raise NotAllowed("the name or the password is wrong")
        return LoggedIn(Who("Bob", "bob", role="user"), "token")

    def logout(self) -> None: ...


def test_refusals_and_logins_at_the_border(road: Road) -> None:
    road.up(shop())
    control = road.behind()
    guard: Any = Guard(control, cast("Gate", Door()), Given(control.parts))
    with pytest.raises(NotAllowed):
        guard.login("x" * 300, "wrong horse")
    guard.login("bob", "right")
    calls: tuple[Callable[[], Any], ...] = (
        lambda: guard.down(DownRequest("shop", owner="ada"), road._hear, road.hand),
        lambda: guard.act(ActRequest(Verb.STOP, "shop", owner="ada"), road._hear, road.hand),
        lambda: guard.change_host(HostChange("h1", "cordoned")),
        lambda: guard.history(Target("shop", "ada")),
    )
    for call in calls:
        with pytest.raises(NotAllowed):
            call()
    guard.logout()
    mine = [row.verb for row in guard.audit(AuditRequest()).rows]
    assert mine == ["down", "stop", "host", "history"]
    control.close()
    rows = trail(road)[1:]
    assert [(row.person, row.verb, row.app, row.outcome) for row in rows] == [
        ("x" * 255, "login", "", "refused"),
        ("Bob", "login", "", "done"),
        ("bob", "down", "ada/shop", "refused"),
        ("bob", "stop", "ada/shop", "refused"),
        ("bob", "host", "", "refused"),
        ("bob", "history", "ada/shop", "refused"),
        ("ada", "logout", "", "done"),
    ]
    assert "isn't yours" in rows[2].detail
    assert "horse" not in str(rows)


def test_a_name_that_no_row_holds_holds_nobody_up(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL refuses what is longer than its column; a row that waits would be refused for ever, and
    every change by anybody with it."""
    add = SqlRecords.add_audit

    def as_mysql_does(self: SqlRecords, entry: AuditRecord, mark: Any) -> None:
        if len(entry.app) > 511:
            raise NapError("Data too long for column 'app' at row 1")
        add(self, entry, mark)

    monkeypatch.setattr(SqlRecords, "add_audit", as_mysql_does)
    control = road.behind()
    guard: Any = Guard(control, cast("Gate", Door()), Given(control.parts))
    guard.login("bob", "right")
    for target in (Target("s" * 600, "ada"), Target("shop", "a" * 600)):
        with pytest.raises(NotAllowed, match="isn't yours"):
            guard.history(target)
    control.close()
    assert road.up(shop()).state == "done"
    assert [row.app for row in trail(road)][1:3] == ["ada/" + "s" * 507, "a" * 511]
