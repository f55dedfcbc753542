"""Subnets out of the cluster's pool: large enough, and none twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.cluster import subnets
from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.cluster.subnets import addresses_needed, first_free, prefix_for, reserve, room_in
from nap_compose.cluster.view import NetworkView
from nap_compose.errors import NapError
from nap_compose.exits import Exit

POOL = "10.128.0.0/16"


@pytest.mark.parametrize(
    ("replicas", "hosts", "prefix"), [(1, 3, 26), (20, 3, 25), (100, 10, 23), (5000, 1000, 17)]
)
def test_a_network_is_as_large_as_its_app(replicas: int, hosts: int, prefix: int) -> None:
    assert prefix_for(replicas, hosts) == prefix
    assert 2 ** (32 - prefix) >= 2 * addresses_needed(replicas, hosts) or prefix == 26


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(18, 28)), max_size=30))
def test_what_is_chosen_meets_nothing_that_is_taken(taken: list[tuple[int, int]]) -> None:
    known = [
        IPv4Network((f"10.{127 + third % 3}.{third}.0", prefix), strict=False)
        for third, prefix in taken
    ]
    chosen = first_free(POOL, 26, known)
    assert chosen.subnet_of(IPv4Network(POOL))
    assert not any(chosen.overlaps(each) for each in known)
    lower = range(int(IPv4Network(POOL).network_address), int(chosen.network_address), 64)
    assert all(any(IPv4Network((each, 26)).overlaps(other) for other in known) for each in lower)


@pytest.mark.parametrize(
    ("prefix", "taken"), [(15, []), (17, ["10.128.0.0/17", "10.128.128.0/28"]), (24, [POOL])]
)
def test_a_pool_that_has_no_room_is_named(prefix: int, taken: list[str]) -> None:
    with pytest.raises(NapError, match=f"10.128.0.0/16, has no room for .* /{prefix}") as caught:
        first_free(POOL, prefix, map(IPv4Network, taken))
    assert caught.value.exit_code == Exit.NO_ROOM


def test_ten_at_once_get_ten_subnets(tmp_path: Path) -> None:
    def one(_: int) -> str:
        store = SqliteStore(tmp_path / "state.sqlite")
        try:
            return reserve(store, POOL, 26, [IPv4Network("10.128.0.0/25")])
        finally:
            store.close()

    with ThreadPoolExecutor(10) as pool:
        found = [IPv4Network(each) for each in pool.map(one, range(10))]
    assert len(set(found)) == 10
    assert not any(each.overlaps(IPv4Network("10.128.0.0/25")) for each in found)


def test_what_was_never_made_is_free_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path / "state.sqlite")
    first = reserve(store, POOL, 26, [])
    assert reserve(store, POOL, 26, []) != first
    monkeypatch.setattr(subnets, "HELD", -1.0)
    assert reserve(store, POOL, 26, []) == first
    store.close()


def test_room_in_a_network() -> None:
    def network(*subnets: str) -> NetworkView:
        ipam = {"Config": [{"Subnet": each} for each in subnets]}
        return NetworkView("n", "n", "h1", "overlay", ipam=ipam)

    assert room_in(network("10.0.0.0/26"), hosts=3) == 58
    assert room_in(network("fd00::/64", "10.0.0.0/24"), hosts=3) == 250
    assert room_in(network("10.0.0.0/29"), hosts=30) == 0
    assert room_in(network(), hosts=3) is None
    assert room_in(network("fd00::/64"), hosts=3) is None
