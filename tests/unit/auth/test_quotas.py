"""Quotas: which limits count, and what is over them."""

from __future__ import annotations

import pytest

from nap_compose.auth.quotas import EVERYBODY, OverQuota, Quota, check, limits_of
from nap_compose.cluster.use import UNLIMITED, Use, read_amount, show
from nap_compose.exits import Exit

GIB = 1 << 30
CPU = 1_000_000_000


def test_a_users_own_limit_wins_resource_by_resource() -> None:
    said = {
        EVERYBODY: {"containers": 10, "memory": GIB},
        "ada": {"containers": 20},
        "eve": {"memory": UNLIMITED},
        "@staff": {"cpus": CPU},
    }
    assert limits_of("ada", said) == {"containers": 20, "memory": GIB}
    assert limits_of("bob", said) == {"containers": 10, "memory": GIB}
    assert limits_of("eve", said) == {"containers": 10}
    assert limits_of("@staff", said) == {"cpus": CPU}
    assert limits_of("@none", said) == {} and limits_of("ada", {}) == {}


def quota(others: dict[str, Use] | None = None, **limits: int) -> Quota:
    return Quota("ada", limits, others or {})


def test_up_to_the_limit_and_no_further() -> None:
    others = {"ada/wiki": Use(containers=2)}
    check("ada/shop", Use(), Use(containers=3), [quota(others, containers=5)])
    with pytest.raises(OverQuota) as caught:
        check("ada/shop", Use(), Use(containers=4), [quota(others, containers=5)])
    assert caught.value.exit_code == Exit.NO_ROOM and caught.value.hint
    assert caught.value.message == (
        "over the quota of ada for containers: 5 is the most, others use 2 (ada/wiki 2), "
        "and ada/shop asks for 4"
    )


@pytest.mark.parametrize(
    "resource", ["containers", "cpus", "memory", "ports", "volumes", "storage"]
)
def test_every_resource_counts(resource: str) -> None:
    one, two = Use(**{resource: 1}), Use(**{resource: 2})
    check("shop", Use(), one, [quota({"wiki": one}, **{resource: 2})])
    with pytest.raises(OverQuota, match=resource):
        check("shop", Use(), two, [quota({"wiki": one}, **{resource: 2})])
    with pytest.raises(OverQuota, match="others use none"):
        check("shop", Use(), two, [quota(**{resource: 1})])


def test_what_asks_for_no_more_than_it_has_is_never_refused() -> None:
    """A quota that was lowered stops nobody's repair, or way down."""
    tight = quota({"wiki": Use(containers=9)}, containers=5)
    check("shop", Use(containers=4), Use(containers=4), [tight])
    check("shop", Use(containers=4), Use(containers=1), [tight])
    with pytest.raises(OverQuota, match=r"asks for 5, it has 4 now"):
        check("shop", Use(containers=4), Use(containers=5), [tight])


def test_each_quota_that_is_passed_is_told_with_its_numbers() -> None:
    mine = quota({"wiki": Use(memory=3 * GIB)}, memory=4 * GIB, cpus=2 * CPU)
    group = Quota("@staff", {"memory": 8 * GIB}, {f"a{n}": Use(memory=GIB) for n in range(7)})
    with pytest.raises(OverQuota) as caught:
        check("shop", Use(), Use(memory=3 * GIB // 2, cpus=5 * CPU // 2), [mine, group])
    lines = caught.value.message.splitlines()
    assert "of ada for cpus: 2 is the most, others use none, and shop asks for 2.5" in lines[0]
    assert "of ada for memory: 4GiB is the most, others use 3GiB (wiki 3GiB)" in lines[1]
    assert "of @staff for memory: 8GiB is the most, others use 7GiB" in lines[2]
    assert "and 2 more" in lines[2] and len(lines) == 3


@pytest.mark.parametrize(
    ("resource", "text", "amount", "shown"),
    [
        ("containers", "20", 20, "20"),
        ("cpus", "1.5", 1_500_000_000, "1.5"),
        ("memory", "512m", GIB // 2, "512MiB"),
        ("storage", "1t", 1 << 40, "1TiB"),
        ("ports", "0", 0, "0"),
        ("volumes", "unlimited", UNLIMITED, "unlimited"),
    ],
)
def test_amounts_as_people_write_them(resource: str, text: str, amount: int, shown: str) -> None:
    assert read_amount(resource, text) == amount
    assert show(resource, amount) == shown


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        *(("disks", "1"), ("containers", "many"), ("containers", "1.5"), ("cpus", "-1")),
        *(("cpus", "nan"), ("cpus", "inf"), ("memory", "lots"), ("ports", "-2"), ("ports", "")),
    ],
)
def test_amounts_that_are_none(resource: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"none of|no number|no size"):
        read_amount(resource, text)
