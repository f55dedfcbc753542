"""Quotas are checked before anything is done, and ten deployments at once don't pass them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from nap_compose.auth.quotas import OverQuota
from nap_compose.border import QuotaChange, QuotaRow
from nap_compose.clock import utc_now
from nap_compose.control.parts import Parts
from nap_compose.db.people import QuotaRecord, UserRecord
from nap_compose.errors import BadFile
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Road, picture
from tests.support.views import app

MIB = 1 << 20


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    cluster.add_image("web:1")
    return cluster


def with_quotas(road: Road, **subjects: dict[str, int]) -> Road:
    """The road under quotas of the cluster file; `_` stands for `@` in a subject."""
    said = {subject.replace("_", "@"): limits for subject, limits in subjects.items()}
    return replace(road, cluster=replace(road.cluster, quotas=said))


def web(name: str = "shop", replicas: int = 1, **keys: Any) -> Any:
    return app({"web": {"deploy": {"replicas": replicas}, **keys}}, name=name)


def enrol(road: Road, *owners: str, group: str) -> None:
    parts = Parts(road.cluster)
    for owner in owners:
        parts.records.see_user(UserRecord(f"id-{owner}", owner, owner, "user", (group,), "", ""))
    parts.close()


def shown(road: Road, subject: str = "") -> dict[tuple[str, str], tuple[int, int | None]]:
    control = road.control()
    rows: tuple[QuotaRow, ...] = control.quotas(subject).rows
    control.close()
    return {(row.subject, row.resource): (row.used, row.most) for row in rows}


def test_over_the_quota_nothing_is_done(fake: FakeCluster, road: Road) -> None:
    road = with_quotas(road, ada={"containers": 3})
    road.up(web(replicas=2))
    before = picture(fake)
    with pytest.raises(OverQuota, match=r"3 is the most, others use 2 \(ada/shop 2\)"):
        road.up(web("wiki", 2))
    with pytest.raises(OverQuota, match="asks for 4, it has 2 now"):
        road.up(web(replicas=4))
    with pytest.raises(OverQuota):
        road.up(web("wiki", 2), dry_run=True)
    assert picture(fake) == before
    assert road.up(web("wiki")).state == "done"
    assert Road(road.cluster, "bob").up(web(replicas=3)).state == "done"
    road.down("shop")
    assert road.up(web("wiki", 3)).state == "done"
    assert shown(road, "ada") == {
        ("ada", "containers"): (3, 3),
    }


def test_what_stands_stopped_counts_and_what_is_gone_does_not(road: Road) -> None:
    road = with_quotas(road, ada={"containers": 2})
    road.up(web(replicas=2))
    road.act("stop")
    with pytest.raises(OverQuota):
        road.up(web("wiki"))
    road.act("rm", "web.2")
    assert road.up(web("wiki")).state == "done"


def test_cpus_memory_and_ports_by_their_limits(road: Road) -> None:
    road = with_quotas(road, ada={"cpus": 2_000_000_000, "memory": 512 * MIB, "ports": 2})
    road.up(web(cpus=1.5, mem_limit="300m", ports=[{"target": 80, "published": "8080"}]))
    for name, keys, told in (
        (
            "cpus",
            {"cpus": 0.6, "mem_limit": "10m"},
            r"2 is the most, others use 1.5 .*asks for 0.6",
        ),
        ("memory", {"cpus": 0.1, "mem_limit": "300m"}, r"512MiB is the most, others use 300MiB"),
        (
            "ports",
            {
                "cpus": 0.1,
                "mem_limit": "10m",
                "ports": [{"target": 80, "published": str(p)} for p in (8081, 8082)],
            },
            "for ports: 2 is the most",
        ),
    ):
        with pytest.raises(OverQuota, match=told):
            road.up(web(name, **keys))
    assert road.up(web("fits", cpus=0.5, mem_limit="212m")).state == "done"
    assert shown(road, "ada")["ada", "memory"] == (512 * MIB, 512 * MIB)


def test_what_is_kept_free_counts_where_it_is_more_than_the_limit(road: Road) -> None:
    road = with_quotas(road, ada={"cpus": 1_000_000_000, "memory": 512 * MIB})
    resources = {"reservations": {"cpus": "1.5"}, "limits": {"cpus": "0.1", "memory": "100m"}}
    with pytest.raises(OverQuota, match=r"asks for 1\.5"):
        road.up(app({"web": {"deploy": {"resources": resources}}}))


def test_what_has_no_limit_is_refused_where_the_quota_has_one(road: Road) -> None:
    road = with_quotas(road, ada={"memory": 512 * MIB})
    with pytest.raises(BadFile, match="web has no limit of memory") as caught:
        road.up(web())
    assert caught.value.path == ("services", "web") and "mem_limit" in str(caught.value.hint)
    limited = {"deploy": {"resources": {"limits": {"memory": "100m"}}}}
    assert road.up(app({"web": limited})).state == "done"


def test_volumes_count_also_of_what_is_down(road: Road) -> None:
    road = with_quotas(road, ada={"volumes": 1})
    mounts = [{"type": "volume", "source": "data", "target": "/data"}]
    one = app({"web": {"volumes": mounts}}, volumes={"data": {}})
    road.up(one)
    road.down()
    with pytest.raises(OverQuota, match=r"others use 1 \(ada/shop 1\)"):
        road.up(app({"web": {"volumes": mounts}}, name="wiki", volumes={"data": {}}))
    assert road.up(one).state == "done"


def test_a_group_all_together(road: Road) -> None:
    ada = with_quotas(road, _staff={"containers": 3})
    bob, eve = Road(ada.cluster, "bob"), Road(ada.cluster, "eve")
    enrol(ada, "ada", "bob", group="staff")
    ada.up(web(replicas=2))
    with pytest.raises(OverQuota, match=r"of @staff .* others use 2 \(ada/shop 2\)"):
        bob.up(web(replicas=2))
    assert bob.up(web()).state == "done"
    assert eve.up(web(replicas=9)).state == "done"
    assert shown(ada, "@staff") == {("@staff", "containers"): (3, 3)}


def test_set_by_command(road: Road) -> None:
    road = with_quotas(road, **{"*": {"containers": 1}})
    control = road.control()
    with pytest.raises(OverQuota):
        road.up(web(replicas=2))
    control.set_quota(QuotaChange("ada", {"containers": 2}))
    assert road.up(web(replicas=2)).state == "done"
    with pytest.raises(OverQuota):
        Road(road.cluster, "bob").up(web(replicas=2))
    control.set_quota(QuotaChange("ada", {"containers": None}))
    assert shown(road)["ada", "containers"] == (2, 1)
    # Nobody is stopped by a limit that came later from putting right what they have.
    assert road.up(web(replicas=2), force_recreate=True).state == "done"
    rows = road.behind()._parts.records.audit()
    assert [row.detail for row in rows if row.verb == "quota set" and row.outcome == "done"] == [
        "ada containers=2",
        "ada containers=unset",
    ]
    control.close()


def test_what_stands_on_a_host_that_is_away_counts(fake: FakeCluster, road: Road) -> None:
    road = with_quotas(road, ada={"memory": 400 * MIB})
    road.up(web(replicas=3, mem_limit="100m"))
    away = next(engine for engine, there in picture(fake).items() if there)
    fake[away].stop()
    with pytest.raises(OverQuota, match="others use 300MiB"):
        road.up(web("wiki", mem_limit="150m"))


@pytest.mark.parametrize("grouped", [False, True])
def test_ten_at_once_and_none_gets_over(fake: FakeCluster, road: Road, grouped: bool) -> None:
    """Of ten apps with two containers each five fit: five are up, five are refused whole."""
    road = with_quotas(road, **{"_staff" if grouped else "ada": {"containers": 10}})
    owners = [f"u{number}" if grouped else "ada" for number in range(10)]
    enrol(road, *set(owners), group="staff")
    ended: list[str] = []

    def deploy(number: int) -> None:
        mine = Road(road.cluster, owners[number])
        try:
            ended.append(mine.up(web(f"app{number}", 2)).state)
        except OverQuota:
            ended.append("refused")
        except Exception as error:
            ended.append(repr(error))

    threads = [threading.Thread(target=deploy, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["done"] * 5 + ["refused"] * 5
    assert sum(len(there) for there in picture(fake).values()) == 10


def test_a_quota_of_the_records_needs_no_cluster_file(road: Road) -> None:
    parts = Parts(road.cluster)
    parts.records.set_quota(QuotaRecord("*", "ports", 0, "root", utc_now()))
    parts.close()
    with pytest.raises(OverQuota, match="0 is the most"):
        road.up(web(ports=[{"target": 80, "published": "8080"}]))
