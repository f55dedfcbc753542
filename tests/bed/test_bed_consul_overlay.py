"""Engines that share a Consul: overlay networks as the original nap describes them."""

import pytest

from bed import containers, docker_api, hosts, proc
from bed.fixture import bring_up

pytestmark = pytest.mark.bed
pytest.importorskip("bed.consul")


@pytest.fixture(scope="module")
def bed():
    with bring_up("overlay", network="consul", only=("hosts", "consul")) as bed:
        yield bed


@pytest.fixture(scope="module")
def network(bed):
    containers.create_overlay(bed, bed.hosts, "net")
    for host in bed.hosts:
        containers.run(host, f"on-{host.name}", network="net", restart="always")
    return "net"


def reach_each_other(bed):
    return all(
        containers.pings(one, f"on-{one.name}", f"on-{other.name}")
        for one in bed.hosts
        for other in bed.hosts
        if one != other
    )


def test_engines_share_the_cluster_store(bed):
    for host in bed.hosts:
        info = docker_api.call(host, "GET", "/info")
        assert info["ServerVersion"].startswith("20.10.5")
        assert info["ClusterStore"].startswith("consul://")
        assert info["ClusterAdvertise"] == f"{host.ip}:2376"


def test_a_network_is_global(bed, network):
    for host in bed.hosts:
        assert docker_api.call(host, "GET", f"/networks/{network}")["Scope"] == "global"


def test_names_resolve_between_all_hosts(bed, network):
    proc.wait_for(lambda: reach_each_other(bed), 30, "all containers to reach each other")


def test_the_check_leaves_nothing_on_the_engines(bed):
    for host in bed.hosts:
        names = [each["Name"] for each in docker_api.call(host, "GET", "/networks")]
        assert not [name for name in names if name.startswith("nap-bed")]
        tags = [each["RepoTags"] for each in docker_api.call(host, "GET", "/images/json")]
        assert not any("nap-bed" in str(tag) for tag in tags)


@pytest.mark.parametrize("name", ["h3", "h1"])
def test_a_killed_host_joins_again(bed, network, name):
    host = bed.host(name)
    hosts.kill(bed, host)
    assert hosts.state(bed, host) == "down"
    hosts.restart(bed, host)
    proc.wait_for(lambda: reach_each_other(bed), 60, f"{name}'s containers to be reached again")
