"""Claims: what two deployments at once may both believe, and what not."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from nap_compose.clock import utc_now
from nap_compose.cluster import app_lock, claims
from nap_compose.cluster.claims import Claims
from nap_compose.cluster.demand import Demand, PortClaim
from nap_compose.cluster.state import Lease, Lost, StateStore
from nap_compose.cluster.use import Use

WEB = PortClaim("tcp", "", 8080)
DNS = PortClaim("udp", "10.0.0.1", 53)
ONE = Use(containers=1)


class Deployment:
    """A deployment of an app, as it locks, reads, claims and ends."""

    def __init__(self, store: StateStore, owner: str, app: str) -> None:
        self.store, self.owner, self.app = store, owner, app
        self.id = f"{owner}-{app}"
        self.lock: Lease = app_lock.take(store, owner, app, who=owner, deployment=self.id)

    def take(
        self, seen: Claims, *, use: Use = ONE, others: tuple[str, ...] = (), **demands: Demand
    ) -> None:
        claims.take(
            self.store,
            seen,
            deployment=self.id,
            owner=self.owner,
            app=self.app,
            demands=demands,
            since=utc_now(),
            use=use,
            others=others,
        )


@pytest.fixture
def shop(store: StateStore) -> Iterator[Deployment]:
    deployment = Deployment(store, "ada", "shop")
    yield deployment
    deployment.lock.release()


@pytest.fixture
def blog(store: StateStore) -> Iterator[Deployment]:
    deployment = Deployment(store, "bob", "blog")
    yield deployment
    deployment.lock.release()


def test_a_claim_comes_back_as_it_was_made(store: StateStore, shop: Deployment) -> None:
    most = Demand((WEB, DNS), 1.5, 1 << 30, {"gpu": 2})
    used = Use(3, 2_000_000_000, 1 << 30, 2, 1, 1 << 40)
    shop.take(claims.read(store), h1=most, h2=Demand((), 0.5), use=used)
    seen = claims.read(store)
    (claim,) = seen.on("h1")
    assert (claim.deployment, claim.name) == ("ada-shop", "ada/shop")
    assert claim.demand == most
    (total,) = seen.of("ada")
    assert total.use == used and total.demand == Demand()
    assert [(host, claim.demand.ports) for host, (claim,) in seen.by_host().items()] == [
        ("h1", (WEB, DNS)),
        ("h2", ()),
    ]
    assert set(seen.by_host(but="ada-shop").values()) == {()}
    assert seen.on("h1", but="ada-shop") == () and seen.of("bob") == ()


def test_two_that_saw_the_same_can_not_both_claim(
    store: StateStore, shop: Deployment, blog: Deployment
) -> None:
    seen = claims.read(store)
    shop.take(seen, h1=Demand((WEB,)))
    with pytest.raises(Lost):
        blog.take(seen, h1=Demand((WEB,)))
    again = claims.read(store)
    assert again.on("h1")[0].demand.ports == (WEB,)
    blog.take(again, h2=Demand((WEB,)))
    assert {claim.name for host in ("h1", "h2") for claim in claims.read(store).on(host)} == {
        "ada/shop",
        "bob/blog",
    }


def test_a_lost_claim_claims_nothing_anywhere(
    store: StateStore, shop: Deployment, blog: Deployment
) -> None:
    seen = claims.read(store)
    shop.take(seen, h2=Demand((WEB,)))
    with pytest.raises(Lost):
        blog.take(seen, h1=Demand((WEB,)), h2=Demand((DNS,)))
    found = claims.read(store)
    assert found.on("h1") == () and found.of("bob") == ()


def test_different_hosts_and_owners_do_not_meet(
    store: StateStore, shop: Deployment, blog: Deployment
) -> None:
    seen = claims.read(store)
    shop.take(seen, h1=Demand((WEB,)))
    blog.take(seen, h2=Demand((WEB,)))


def test_one_owners_deployments_meet_at_the_owner(store: StateStore, shop: Deployment) -> None:
    """So that a quota can't be passed by two deployments at once on different hosts."""
    seen = claims.read(store)
    shop.take(seen, h1=Demand((), 4.0))
    second = Deployment(store, "ada", "blog")
    with pytest.raises(Lost):
        second.take(seen, h2=Demand((), 4.0))
    second.lock.release()


def test_members_of_a_group_meet_at_the_group(
    store: StateStore, shop: Deployment, blog: Deployment
) -> None:
    seen = claims.read(store)
    shop.take(seen, h1=Demand((WEB,)), others=("@staff",))
    with pytest.raises(Lost):
        blog.take(seen, h2=Demand((WEB,)), others=("@staff", "@other"))
    again = claims.read(store)
    assert [claim.name for claim in again.of("@staff")] == ["ada/shop"] and again.of("bob") == ()
    blog.take(again, h2=Demand((WEB,)), others=("@staff", "@other"))
    assert len(claims.read(store).of("@staff")) == 2
    claims.release(store, shop.id)
    assert [claim.name for claim in claims.read(store).of("@staff")] == ["bob/blog"]


def test_what_was_claimed_and_released_since_reading_is_noticed(
    store: StateStore, shop: Deployment, blog: Deployment
) -> None:
    """Its containers came after the others were observed: the sight is old."""
    seen = claims.read(store)
    blog.take(seen, h1=Demand((WEB,)))
    claims.release(store, blog.id)
    assert claims.read(store).on("h1") == ()
    with pytest.raises(Lost):
        shop.take(seen, h1=Demand((WEB,)))


def test_taking_again_replaces_what_was_taken(store: StateStore, shop: Deployment) -> None:
    shop.take(claims.read(store), h1=Demand((WEB,)), h2=Demand((DNS,)))
    shop.take(claims.read(store), h2=Demand((WEB,)))
    seen = claims.read(store)
    assert seen.on("h1") == ()
    assert [claim.demand for claim in seen.on("h2")] == [Demand((WEB,))]
    assert [claim.use for claim in seen.of("ada")] == [ONE]


def test_release_leaves_what_others_hold(
    store: StateStore, shop: Deployment, blog: Deployment
) -> None:
    shop.take(claims.read(store), h1=Demand((WEB,)))
    blog.take(claims.read(store), h1=Demand((DNS,)))
    claims.release(store, shop.id)
    claims.release(store, shop.id)
    seen = claims.read(store)
    assert [claim.name for claim in seen.on("h1")] == ["bob/blog"] and seen.of("ada") == ()


def test_without_its_lock_a_claim_does_not_count(
    store: StateStore, shop: Deployment, blog: Deployment
) -> None:
    blog.take(claims.read(store), h1=Demand((WEB,)))
    blog.lock.release()
    seen = claims.read(store)
    assert seen.on("h1") == ()
    shop.take(seen, h1=Demand((WEB,)))
    entry = store.get("claim/host/h1")
    assert entry is not None and list(entry.value) == [shop.id]


def test_a_later_deployment_of_the_app_does_not_inherit_claims(
    store: StateStore, shop: Deployment
) -> None:
    shop.take(claims.read(store), h1=Demand((WEB,)))
    shop.lock.release()
    with app_lock.take(store, "ada", "shop", who="ada", deployment="the next"):
        assert claims.read(store).on("h1") == ()


def test_many_at_once_never_share_a_port(store: StateStore) -> None:
    """Ten deployments want the one port of three hosts: three get it."""
    winners: list[str] = []

    def deploy(number: int) -> None:
        mine = Deployment(store, f"u{number}", "app")
        for _ in range(30):
            seen = claims.read(store)
            free = [host for host in ("h1", "h2", "h3") if not seen.on(host)]
            if not free:
                return
            try:
                mine.take(seen, **{free[number % len(free)]: Demand((WEB,))})
            except Lost:
                continue
            winners.append(mine.id)
            return

    threads = [threading.Thread(target=deploy, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = claims.read(store)
    holders = [[claim.deployment for claim in seen.on(host)] for host in ("h1", "h2", "h3")]
    assert [len(each) for each in holders] == [1, 1, 1]
    assert sorted(winners) == sorted(each[0] for each in holders)


def test_more_hosts_than_a_batch_holds(
    store: StateStore, shop: Deployment, blog: Deployment
) -> None:
    many = {f"h{number:03}": Demand((WEB,)) for number in range(150)}
    seen = claims.read(store)
    shop.take(seen, **many)
    assert all(claims.read(store).on(host) for host in many)
    with pytest.raises(Lost):
        blog.take(seen, **many)
    claims.release(store, shop.id)
    assert not any(claims.read(store).by_host().values())


def test_of_several_batches_none_stays_where_one_was_lost(
    store: StateStore, shop: Deployment, blog: Deployment
) -> None:
    seen = claims.read(store)
    blog.take(seen, h140=Demand((WEB,)))
    with pytest.raises(Lost):
        shop.take(seen, **{f"h{number:03}": Demand((WEB,)) for number in range(150)})
    assert [host for host, found in claims.read(store).by_host().items() if found] == ["h140"]
