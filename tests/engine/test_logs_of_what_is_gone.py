"""`nap logs` of what isn't there: an app, a service, a replica; and of what was kept of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import CollectRequest, Control, LogRequest, ShareRequest, Target, each_line
from nap_compose.errors import NapError, WrongUse
from nap_compose.exits import Exit
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.engine.test_giving import Person
from tests.engine.test_quotas import enrol
from tests.support.road import Hand, Road
from tests.support.views import app
from tests.unit.cli.scripted import nap

SHOP = app({"web": {"deploy": {"replicas": 2}}, "db": {}})


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    for name in ("web:1", "db:1"):
        cluster.add_image(name)
    cluster.behave("*web*", Behaviour(output=("hello",)))
    return cluster


@pytest.fixture
def control(road: Road) -> Iterator[Control]:
    control = road.control()
    yield control
    control.close()


def read(control: Control, service: str = "", replica: int = 0, **more: Any) -> tuple[Any, Any]:
    """What containers printed, each line's replica, and the warnings."""
    warnings: list[str] = []
    target = Target(more.pop("app", "shop"), service=service, replica=replica)
    request = LogRequest(target, **{"deploy": False, **more})
    return [line.subject for line in each_line(control.logs(request, warnings.append))], warnings


def refused(control: Control, service: str = "", replica: int = 0, **more: Any) -> tuple[str, str]:
    with pytest.raises(WrongUse) as error:
        read(control, service, replica, **more)
    return str(error.value), error.value.hint or ""


def said(control: Control, app_named: str) -> str:
    """What `nap logs` of an app that isn't there says."""
    result = nap("logs", app_named, control=control)
    assert (result.code, result.out) == (Exit.WRONG_USE, "")
    return result.err[result.err.index("nap: there is no") :]


def test_of_an_app_that_is_not_there_what_was_meant_is_told(
    road: Road, control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    none = "nap: there is no app {}, nor are there logs of one\n     {}\n"
    assert said(control, "shop") == none.format("shop", "nap ls -a lists the apps")
    road.up(SHOP)
    assert said(control, "shp") == none.format("shp", "did you mean 'shop'?")
    web = "'web' is a service of shop: write shop/web"
    assert said(control, "web") == none.format("web", web)
    assert said(control, "blog") == none.format("blog", "there are: shop")


def test_the_files_app_may_be_yet_to_come(
    control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in Compose: nothing is shown, and nothing failed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text("name: shop\nservices: {web: {image: web:1}}\n")
    told = "shop has no containers, and no logs are kept"
    for words in (("logs",), ("logs", "web"), ("logs", "-p", "shop"), ("logs", "--tail", "5")):
        result = nap(*words, control=control)
        assert (result.code, result.out) == (Exit.DONE, "")
        assert told in result.err
    assert nap("logs", "-p", "blog", "--grep", "x", control=control).code == Exit.DONE


def test_of_an_app_that_is_gone_nobody_is_told_what_else_its_owner_has(
    road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    enrol(road, "bob", group="staff")
    road.up(SHOP)
    road.up(app({"shop": {"image": "web:1"}}, name="vault"))
    with Person(road, "ada") as ada:
        ada.share(ShareRequest(Target("shop"), "bob", "view"))
    road.down("shop")
    shutil.rmtree(road.cluster.logs.dir)
    with Person(road, "bob") as bob:
        for word in ("ada/shop", "ada/shop/"):
            assert said(bob, word).splitlines()[1:] == ["     nap ls -a lists the apps"]


def test_a_replica_that_is_not_there_is_told_with_those_that_are(
    road: Road, control: Control
) -> None:
    road.up(SHOP)
    assert read(control, "web", 2) == (["web.2"], [])
    assert refused(control, "web", 9) == (
        "there is no replica shop/web.9, and no line of one is kept",
        "web has 1, 2",
    )
    assert refused(control, "cache", 1)[1] == "cache has no replica"


def test_who_follows_waits_for_a_replica_and_is_told(road: Road, control: Control) -> None:
    road.up(SHOP)
    warnings: list[str] = []
    request = LogRequest(Target("shop", service="web", replica=3), follow=True, deploy=False)
    lines = control.logs(request, warnings.append)
    road.up(app({"web": {"deploy": {"replicas": 3}}, "db": {}}))
    assert next(iter(lines)).subject == "web.3"
    assert warnings == [
        "there is no replica shop/web.3, and no line of one is kept: its lines are shown once it "
        "is there"
    ]


def test_after_a_down_it_is_told_that_nothing_is_there(road: Road, control: Control) -> None:
    road.up(SHOP)
    road.down("shop")
    told = ["shop has no containers, and no line of one is kept"]
    assert read(control) == ([], told)
    lines, warnings = read(control, deploy=True)
    assert (set(lines), warnings) == ({"deploy"}, told)
    assert read(control, deploy=True, containers=False)[1] == []
    told = ["shop/web has no container, and no line of one is kept"]
    assert read(control, "web") == ([], told)
    assert refused(control, "web", 1)[1] == "web has no replica"


def test_what_is_kept_is_shown_as_before(road: Road, control: Control) -> None:
    road.up(SHOP)
    control.collect(CollectRequest(once=True), print, Hand())
    road.down("shop")
    lines, warnings = read(control)
    assert (sorted(lines), warnings) == (["web.1", "web.2"], [])
    assert read(control, "web", 2) == (["web.2"], [])
    assert refused(control, "web", 9)[1] == "web has 1, 2"


def test_what_was_not_seen_may_be_there(fake: FakeCluster, road: Road) -> None:
    road.up(SHOP)
    for engine in fake:
        engine.stop()
    control = road.control()
    lines, warnings = read(control, "web", 9)
    assert (lines, len(warnings)) == ([], 2)
    with pytest.raises(NapError, match="no container of blog is on a host that was seen") as error:
        read(control, app="blog")
    assert error.value.exit_code is Exit.PARTIAL
    control.close()
