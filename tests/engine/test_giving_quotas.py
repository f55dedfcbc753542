"""An app that is given counts for its new owner's quota, and isn't given where it is too much."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from nap_compose.auth.quotas import OverQuota
from nap_compose.border import OffboardRequest, QuotaChange, Target
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.engine.test_giving import Person
from tests.engine.test_quotas import MIB, enrol, shown, web, with_quotas
from tests.support.road import Road


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    cluster.add_image("web:1")
    return cluster


def owners(road: Road) -> list[str]:
    with Person(road, "root", "admin") as admin:
        return sorted(f"{row.owner}/{row.app}" for row in admin.apps().rows)


def gives(road: Road, app: str, to: str, of: str = "ada") -> None:
    with Person(road, "root", "admin") as admin:
        admin.give_app(Target(app, of), to)


def test_what_is_too_much_for_them_is_not_given(road: Road) -> None:
    road = with_quotas(road, bob={"containers": 3, "memory": 512 * MIB})
    road.up(web(replicas=2, mem_limit="200m"))
    Road(road.cluster, "bob").up(web("wiki", 2, mem_limit="100m"))
    said = (
        r"quota of bob for containers: 3 is the most, others use 2 \(bob/wiki 2\), "
        "and ada/shop would be theirs and uses 2\n"
        ".*for memory: 512MiB is the most, others use 200MiB .* uses 400MiB"
    )
    with pytest.raises(OverQuota, match=said) as caught:
        gives(road, "shop", "bob")
    assert "nap quota set" in str(caught.value.hint)
    assert owners(road) == ["ada/shop", "bob/wiki"]
    with Person(road, "ada") as ada:
        ada.give_app(Target("shop"), "bob")
    with Person(road, "bob") as bob, pytest.raises(OverQuota):
        bob.take_app(Target("shop", "ada"))
    assert owners(road) == ["ada/shop", "bob/wiki"]
    with Person(road, "root", "admin") as admin:
        admin.set_quota(QuotaChange("bob", {"containers": 4, "memory": 600 * MIB}))
    with Person(road, "bob") as bob:
        bob.take_app(Target("shop", "ada"))
    assert shown(road, "bob") == {
        ("bob", "containers"): (4, 4),
        ("bob", "memory"): (600 * MIB, 600 * MIB),
    }


def test_what_may_use_any_amount_is_not_given_to_who_may_not(road: Road) -> None:
    road = with_quotas(road, bob={"memory": 512 * MIB})
    road.up(web())
    with pytest.raises(OverQuota, match="its service web has no limit of memory") as caught:
        gives(road, "shop", "bob")
    assert "mem_limit" in str(caught.value.hint)
    gives(road, "shop", "eve")


def test_within_a_group_it_is_no_more_than_before(road: Road) -> None:
    road = with_quotas(road, _staff={"containers": 2}, _others={"containers": 1})
    enrol(road, "ada", "bob", group="staff")
    enrol(road, "eve", group="others")
    road.up(web(replicas=2))
    with pytest.raises(OverQuota, match="of @others"):
        gives(road, "shop", "eve")
    gives(road, "shop", "bob")


def test_all_of_somebodys_are_looked_at_together(road: Road) -> None:
    road = with_quotas(road, bob={"containers": 3})
    for name in ("shop", "wiki"):
        road.up(web(name, 2))
    with Person(road, "root", "admin") as admin:
        with pytest.raises(OverQuota, match="ada/shop, ada/wiki would be theirs and use 4"):
            admin.offboard(OffboardRequest("ada", to="bob"))
        assert owners(road) == ["ada/shop", "ada/wiki"]


def at_once(*acts: Callable[[], object]) -> list[str]:
    """How each ended: done, or refused over a quota; else with what."""
    ended: list[str] = []

    def run(act: Callable[[], object]) -> None:
        try:
            act()
            ended.append("done")
        except OverQuota:
            ended.append("refused")
        except Exception as error:
            ended.append(repr(error))

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ended)


def test_what_is_given_and_deployed_at_once_stays_within_the_quota(road: Road) -> None:
    """Of four that Bob is given and four that he brings up five fit, whichever these are."""
    road = with_quotas(road, bob={"containers": 5})
    for number in range(4):
        road.up(web(f"given{number}"))
    ended = at_once(
        *(lambda n=n: gives(road, f"given{n}", "bob") for n in range(4)),  # type: ignore[misc]
        *(lambda n=n: Road(road.cluster, "bob").up(web(f"own{n}")) for n in range(4)),  # type: ignore[misc]
    )
    assert ended == ["done"] * 5 + ["refused"] * 3
    assert sum(each.startswith("bob/") for each in owners(road)) == 5


def test_nor_does_what_comes_back_to_its_maker_pass_theirs(road: Road) -> None:
    for number in range(3):
        road.up(web(f"given{number}"))
        gives(road, f"given{number}", "bob")
    road = with_quotas(road, ada={"containers": 3})
    ended = at_once(
        *(lambda n=n: gives(road, f"given{n}", "ada", "bob") for n in range(3)),  # type: ignore[misc]
        *(lambda n=n: Road(road.cluster, "ada").up(web(f"own{n}")) for n in range(3)),  # type: ignore[misc]
    )
    assert ended == ["done"] * 3 + ["refused"] * 3
    assert sum(each.startswith("ada/") for each in owners(road)) == 3
