"""An app that was given is its new owner's with all that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from nap_compose.auth.rights import needed
from nap_compose.border import (
    ActRequest,
    AuditRequest,
    Control,
    DownRequest,
    LogRequest,
    RollbackRequest,
    RunRequest,
    SearchRequest,
    ShareRequest,
    Target,
    UpRequest,
    Who,
)
from nap_compose.control.given import FILE_NAME
from nap_compose.control.guard import Given, Guard
from nap_compose.control.handed import Handed
from nap_compose.db.records import RecordsAway
from nap_compose.db.store import SqlRecords
from nap_compose.errors import NapError, NotAllowed, WrongUse
from nap_compose.orchestration.plan import Verb
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.engine.test_quotas import enrol
from tests.support.road import Road, picture
from tests.support.views import app

MOUNTS = [{"type": "volume", "source": "data", "target": "/data"}]


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


def shop(colour: str = "red", name: str = "shop") -> Any:
    web = {"environment": {"COLOUR": colour}, "volumes": MOUNTS}
    return app({"web": web}, name=name, volumes={"data": {}})


class Person:
    """Somebody at the border, with the guard before it."""

    def __init__(self, road: Road, name: str, role: str = "user") -> None:
        self.road = road
        self.who = Who(name, name, role=role)

    def __enter__(self) -> Any:
        self.control = Road(self.road.cluster, self.who.name).behind()
        self.control.acts_for(self.who, "")
        handed = Handed(self.control, lambda call: needed(call).changes)
        return cast("Control", Guard(handed, None, Given(self.control.parts)))

    def __exit__(self, *exc: object) -> None:
        self.control.close()


def up(control: Any, road: Road, model: Any, **more: Any) -> Any:
    return control.up(UpRequest(model, **more), road._hear, road.hand)


def given(road: Road) -> None:
    """Ada's shop, two revisions old, is Bob's."""
    for colour in ("red", "green"):
        road.up(shop(colour))
    with Person(road, "root", "admin") as admin:
        admin.give_app(Target("shop", "ada"), "bob")


def test_it_is_the_new_owners_with_all_that_belongs_to_it(fake: FakeCluster, road: Road) -> None:
    given_before = road.up(shop("red")), road.up(shop("green"))
    del given_before
    stands = picture(fake)
    with Person(road, "root", "admin") as admin:
        admin.give_app(Target("shop", "ada"), "bob")
        assert [(row.owner, row.app) for row in admin.apps().rows] == [("bob", "shop")]
    assert picture(fake) == stands
    with Person(road, "bob") as bob:
        assert [(row.owner, row.app) for row in bob.apps().rows] == [("bob", "shop")]
        assert [row.owner for row in bob.ps(Target("shop")).rows] == ["bob"]
        assert [row.revision for row in bob.history(Target("shop")).rows] == [2, 1]
        detail = bob.app(Target("shop"))
        assert (detail.owner, detail.maker, detail.project) == ("bob", "ada", "ada_shop")
        assert detail.volumes == ("ada_shop_data",) and len(detail.deployments) == 2
        assert [each.owner for each in detail.containers] == ["bob"]
        assert up(bob, road, shop("green")).state == "unchanged"
        assert up(bob, road, shop("blue")).plan.revision == 3
        assert bob.whoami().owner == "bob"
        request = RollbackRequest(Target("shop"))
        assert bob.rollback(request, road._hear, road.hand).state == "done"
        stop = ActRequest(Verb.STOP, "shop", targets=(Target("shop", "", "web"),))
        assert bob.act(stop, road._hear, road.hand).state == "done"
        rows = bob.ps(Target("shop", "bob"), stopped=True).rows
        assert [row.name for row in rows] == ["ada_shop-web-1"]
        assert bob.down(DownRequest("shop", volumes=True), road._hear, road.hand).state == "done"
    assert not any(picture(fake).values())


def test_who_had_it_has_it_no_longer(fake: FakeCluster, road: Road) -> None:
    given(road)
    stands = picture(fake)
    with Person(road, "ada") as ada:
        assert ada.apps().rows == () and ada.ps(Target()).rows == ()
        calls: tuple[Callable[[], Any], ...] = (
            lambda: ada.history(Target("shop")),
            lambda: up(ada, road, shop("blue")),
            lambda: ada.down(DownRequest("shop"), road._hear, road.hand),
        )
        for call in calls:
            with pytest.raises(WrongUse, match="was given to bob") as caught:
                call()
            assert caught.value.hint
        with pytest.raises(NotAllowed):
            ada.down(DownRequest("shop", owner="bob"), road._hear, road.hand)
        assert up(ada, road, shop(name="shop2")).state == "done"
    for host, there in stands.items():
        assert set(there) <= set(picture(fake)[host])


def test_shares_and_the_way_back(road: Road) -> None:
    given(road)
    with Person(road, "bob") as bob:
        bob.share(ShareRequest(Target("shop"), "@staff", "view"))
        assert not bob.give_app(Target("shop"), "ada")
    with Person(road, "ada") as ada:
        ada.take_app(Target("shop", "bob"))
    with Person(road, "bob") as bob:
        assert bob.apps().rows == ()
    with Person(road, "ada") as ada:
        assert [(row.owner, row.app) for row in ada.apps().rows] == [("ada", "shop")]
        (share,) = ada.shares(Target("shop")).rows
        assert (share.owner, share.grantee) == ("ada", "@staff")
        assert up(ada, road, shop("blue")).state == "done"


def test_only_admins_give_without_being_asked(road: Road) -> None:
    """From its owner it is an offer: nobody finds an app of theirs that they didn't want."""
    road.up(shop())
    with Person(road, "bob") as bob:
        for call in (lambda: bob.give_app(Target("shop", "ada"), "bob"),
                     lambda: bob.take_app(Target("shop", "ada"))):  # fmt: skip
            with pytest.raises(NotAllowed):
                call()
        assert bob.apps().rows == ()
    enrol(road, "bob", group="staff")
    with Person(road, "ada") as ada:
        ada.share(ShareRequest(Target("shop"), "bob", "operate"))
    with Person(road, "bob") as bob, pytest.raises(NotAllowed, match="isn't yours to take"):
        bob.take_app(Target("shop", "ada"))
    with Person(road, "ada") as ada:
        assert not ada.give_app(Target("shop"), "bob")
        assert [(row.owner, row.app) for row in ada.apps().rows] == [("ada", "shop")]
    with Person(road, "eve") as eve, pytest.raises(NotAllowed):
        eve.take_app(Target("shop", "ada"))
    with Person(road, "bob", "viewer") as viewer, pytest.raises(NotAllowed):
        viewer.take_app(Target("shop", "ada"))
    with Person(road, "bob") as bob:
        stop = ActRequest(Verb.STOP, "shop", "ada", targets=(Target("shop", "ada", "web"),))
        # What he was let do he still may.
        assert bob.act(stop, road._hear, road.hand).state == "done"
        bob.take_app(Target("shop", "ada"))
        assert [(row.owner, row.app) for row in bob.apps().rows] == [("bob", "shop")]
        assert bob.shares(Target("shop")).rows == ()
    with Person(road, "root", "admin") as admin:
        told = [(row.person, row.verb, row.detail) for row in admin.audit(AuditRequest()).rows]
        assert ("ada", "app give", "offered to bob") in told
        assert ("bob", "app take", "by bob") in told


def test_an_offer_is_withdrawn_as_what_is_shared(road: Road) -> None:
    road.up(shop())
    with Person(road, "ada") as ada:
        ada.give_app(Target("shop"), "bob")
        assert [(row.grantee, row.access) for row in ada.shares(Target("shop")).rows] == [
            ("bob", "take")
        ]
        ada.share(ShareRequest(Target("shop"), "bob"))
        with pytest.raises(WrongUse):  # an offer is made by giving
            ada.share(ShareRequest(Target("shop"), "@staff", "take"))
    with Person(road, "bob") as bob, pytest.raises(NotAllowed):
        bob.take_app(Target("shop", "ada"))


def test_what_can_not_be_given(road: Road) -> None:
    road.up(shop())
    Road(road.cluster, "bob").up(shop())
    with Person(road, "root", "admin") as admin:
        for target, to, told in (
            (Target("none", "ada"), "bob", "no app ada/none"),
            (Target("shop", "ada"), "ada", "ada's already"),
            (Target("shop", "ada"), "bob", "bob has an app shop already"),
        ):
            with pytest.raises(WrongUse, match=told):
                admin.give_app(target, to)
        admin.down(DownRequest("shop", "bob"), road._hear, road.hand)
        with pytest.raises(WrongUse, match="already"):
            admin.give_app(Target("shop", "ada"), "bob")
        # What is down with its volumes leaves the name free.
        admin.down(DownRequest("shop", "bob", volumes=True), road._hear, road.hand)
        admin.give_app(Target("shop", "ada"), "bob")


def test_the_trail_says_whose_it_was_at_the_time(road: Road) -> None:
    given(road)
    with Person(road, "bob") as bob:
        up(bob, road, shop("blue"))
        rows = bob.audit(AuditRequest()).rows
        assert [(row.verb, row.app) for row in rows] == [("up", "bob/shop")]
    with Person(road, "root", "admin") as admin:
        rows = admin.audit(AuditRequest()).rows
        assert [(row.verb, row.app, row.detail) for row in rows[2:]] == [
            ("app give", "ada/shop", "to bob"),
            ("up", "bob/shop", ""),
        ]


def test_looks_go_on_without_the_records(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    given(road)
    with Person(road, "root", "admin") as admin:

        def away(*_: Any) -> None:
            raise RecordsAway("it went")

        monkeypatch.setattr(SqlRecords, "given", away)
        assert [row.owner for row in admin.apps().rows] == ["bob"]
        with pytest.raises(NapError):
            admin.down(DownRequest("shop", "bob"), road._hear, road.hand)
        # Without what was kept an app shows under its maker.
        (road.cluster.state_dir / FILE_NAME).unlink()
        assert [row.owner for row in admin.apps().rows] == ["ada"]


def test_by_it_nobody_gets_at_the_makers_other_apps(fake: FakeCluster, road: Road) -> None:
    """A request made by hand: to run something in the shop, "which needs" another app of Ada's."""
    given(road)
    road.up(shop(name="books"))
    before = picture(fake)
    needy = app({"web": {"depends_on": {"db": {"condition": "service_started"}}}, "db": {}})
    evil = shop("evil", name="books")
    for request in (
        RunRequest(needy, evil, "web"),
        RunRequest(needy, app({"db": {}}, name="books"), "web"),
    ):
        with Person(road, "bob") as bob, pytest.raises(WrongUse, match="one app"):
            bob.make_oneoff(request, road._hear, road.hand)
    assert picture(fake) == before


def test_what_is_kept_of_its_lines_is_searched(fake: FakeCluster, road: Road) -> None:
    given(road)
    request = SearchRequest(LogRequest(Target("shop", "bob")), "text")
    for name in ("bob", "ada"):
        with Person(road, name, "admin") as person:
            for call in (person.search, person.count_lines):
                with pytest.raises(NapError, match="nothing is kept of what shop printed"):
                    list(call(request, road.on_event))
