"""Which kind of network the hosts of a view offer, and what is said where they offer none."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from nap_compose.cluster.cluster import Cluster, Host, Logs, Network
from nap_compose.cluster.networks import NetworkKind, NetworkOffer, network_kind, network_offer
from nap_compose.cluster.view import Absence, HostState, HostView, SwarmView, Unseen, View
from nap_compose.errors import Away, NapError

ALONE = SwarmView()
MANAGER = SwarmView("swarm-1", "n", control=True, managers=3)
WORKER = SwarmView("swarm-1", "n", managers=3)
LEADERLESS = SwarmView("swarm-1", "n", managers=3, error="The swarm does not have a leader")


def cluster(size: int, driver: str = "auto") -> Cluster:
    hosts = {f"h{n}": Host(f"h{n}", "tcp://x:1") for n in range(1, size + 1)}
    return Cluster("lab", hosts, Path(), Logs(Path()), network=Network(driver=driver))


def view(*hosts: HostView, away: tuple[str, ...] = ()) -> View:
    unseen = tuple(Unseen(name, Absence.TIMEOUT, "no answer") for name in away)
    return View(datetime.now(timezone.utc), {host.name: host for host in hosts}, unseen)


def host(name: str, swarm: SwarmView = ALONE, store: str = "", state: str = "active") -> HostView:
    return HostView(name, name, HostState(state), swarm=swarm, cluster_store=store)


@pytest.mark.parametrize("swarm", [SwarmView(), MANAGER])
def test_one_host_needs_no_overlay(swarm: SwarmView) -> None:
    offer = network_offer(view(host("h1", swarm)), cluster(1))
    assert offer == NetworkOffer(NetworkKind.BRIDGE)


def test_one_host_that_answers_is_not_one_host() -> None:
    with pytest.raises(NapError, match="no network reaches from host to host"):
        network_offer(view(host("h1"), away=("h2",)), cluster(2))


def test_bridge_where_the_file_says_so() -> None:
    assert network_kind(view(host("h1", MANAGER), host("h2")), cluster(2, "bridge")) == "bridge"


@pytest.mark.parametrize("driver", ["auto", "swarm"])
def test_a_swarm_names_a_manager(driver: str) -> None:
    seen = view(host("h1", WORKER), host("h2", MANAGER), host("h3", MANAGER))
    assert network_offer(seen, cluster(3, driver)) == NetworkOffer(NetworkKind.SWARM, "h2")


def test_a_manager_that_is_active_comes_before_one_that_isn_t() -> None:
    seen = view(host("h1", MANAGER, state="drained"), host("h2", MANAGER), host("h3", WORKER))
    assert network_offer(seen, cluster(3)).host == "h2"
    seen = view(host("h1", MANAGER, state="cordoned"), host("h2", WORKER))
    assert network_offer(seen, cluster(2)).host == "h1"


def test_an_active_host_outside_the_swarm_is_named() -> None:
    seen = view(host("h1", MANAGER), host("h2"), host("h3"))
    with pytest.raises(NapError, match=r"^h2, h3 are in no swarm$") as error:
        network_offer(seen, cluster(3))
    assert error.value.hint
    assert "nap cluster init" in error.value.hint


def test_a_drained_host_outside_the_swarm_doesn_t_matter() -> None:
    seen = view(host("h1", MANAGER), host("h2", state="drained"))
    assert network_offer(seen, cluster(2)).host == "h1"


def test_two_swarms() -> None:
    other = SwarmView("swarm-2", "n", control=True, managers=1)
    with pytest.raises(NapError, match=r"2 different swarms: h1 \| h2, h3"):
        network_offer(view(host("h1", MANAGER), host("h2", other), host("h3", other)), cluster(3))


def test_without_a_quorum_nothing_can_be_made() -> None:
    seen = view(host("h1", LEADERLESS), host("h2", WORKER), away=("h3", "h4"))
    with pytest.raises(Away, match="does not have a leader") as error:
        network_offer(seen, cluster(4))
    assert "not seen: h3, h4" in error.value.message


def test_a_cluster_store() -> None:
    seen = view(
        host("h1", store="consul://10.0.0.1:8500"), host("h2", store="consul://10.0.0.2:8500")
    )
    assert network_offer(seen, cluster(2)) == NetworkOffer(NetworkKind.CONSUL, "h1")
    assert network_offer(seen, cluster(2, "consul")) == NetworkOffer(NetworkKind.CONSUL, "h1")


def test_a_cluster_store_that_isn_t_everybody_s() -> None:
    one, none = host("h1", store="consul://x:8500"), host("h2")
    with pytest.raises(NapError, match="h2 has no cluster store"):
        network_offer(view(one, none), cluster(2))
    for other in ("etcd://x:8500", "consul://x:8500/other"):
        with pytest.raises(NapError, match="don't share a cluster store"):
            network_offer(view(one, host("h2", store=other)), cluster(2))


def test_what_the_file_asks_for_must_be_there() -> None:
    with pytest.raises(NapError, match="h1, h2 are in no swarm"):
        network_offer(view(host("h1", store="consul://x"), host("h2")), cluster(2, "swarm"))
    with pytest.raises(NapError, match="h1, h2 have no cluster store"):
        network_offer(view(host("h1", MANAGER), host("h2", MANAGER)), cluster(2, "consul"))


@pytest.mark.parametrize("driver", ["auto", "swarm", "consul"])
def test_nobody_there(driver: str) -> None:
    with pytest.raises(Away, match="no active host answered"):
        network_offer(view(away=("h1", "h2")), cluster(2, driver))
