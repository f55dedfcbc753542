"""The main job, the verbs and a failover on engines that share a Consul as their cluster store."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bed import busybox, consul_acl, consul_api, docker_api, gossip, hosts
from bed.fixture import bring_up
from bed.layout import Bed
from tests.support.apps import Apps, on_zone, sleeper
from tests.support.figures import Figure
from tests.support.main_job import PARTS, MainJob
from tests.support.nap import Nap, eventually
from tests.support.settling import whole
from tests.support.verbs_job import VerbsJob
from tests.support.watching import AGAIN, FAILOVER, count, known, serving, watching, with_failover

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("job-consul", network="consul", only=PARTS) as bed:
        yield bed


class TestConsul(MainJob, VerbsJob):
    """Overlay networks over the engines' cluster store."""

    @pytest.fixture(autouse=True)
    def _fresh_engines(self, bed: Bed) -> None:
        """An engine of that age is no longer to be relied on once it has let a network go."""
        gossip.freshen(bed)


def test_what_a_lost_host_ran_serves_elsewhere_under_its_old_name(
    nap: Nap, bed: Bed, apps: Apps, figure: Figure
) -> None:
    """A store of that kind knows the dead container's name and address for ever."""
    gossip.freshen(bed)
    for host in bed.hosts:
        busybox.load(host, "busybox:1")
    nap = nap.on(with_failover(bed, "watched", **FAILOVER))
    serve = sleeper(command="httpd -f -p 8000 -h /etc", **AGAIN, deploy={"replicas": 3})
    nap("up", "-f", apps("shop", {"web": serve, "ask": sleeper(**AGAIN, **on_zone("a"))}))
    lost = bed.host("h3")
    rows = nap.rows("shop")
    (was,) = (slot for slot, row in rows.items() if row["Host"] == lost.name)

    def answers() -> bool:
        """Whether the replica serves under its own name, and nobody else under the service's."""
        own = f"timeout 3 wget -q -O /dev/null http://{rows[was]['Name']}:8000/hostname"
        # Before the empty line it says whom it asks.
        found = "nslookup -type=a web | sed '1,/^$/d' | grep -c ^Address"
        with nap.start("exec", "-T", "shop/ask", "sh", "-c", f"{own} && {found}") as asked:
            ended = asked.ended()
        print(f"{ended.code}: {ended.out.strip()} {ended.err.strip()}")
        return (ended.code, ended.out.strip()) == (0, "3")

    with watching(nap) as watcher:
        known(nap, "shop", 4)
        hosts.kill(bed, lost)
        began = time.monotonic()
        watcher.until(f"{was} was made on", f"since {lost.name} is lost", within=120)
        figure(f"from a host's end to all healthy again: {time.monotonic() - began:.1f} s")
        # Where the host led the store, an engine hears of names again once it has noticed.
        eventually(answers, "it is found by its name, and the dead one no more", within=60)
        # Else the network could never be removed again.
        assert endpoints_counted(bed, nap.project("shop")) == 4
        hosts.restart(bed, lost)
        watcher.until(f"{was} of {lost.name} was removed", within=150)
    whole(bed)
    assert count(serving(bed, nap, "shop", "web")) == 3
    eventually(answers, "it is the one that is found", within=30)


def endpoints_counted(bed: Bed, project: str) -> int:
    """How many endpoints the app's network has, as the store counts them."""
    networks = docker_api.call(bed.hosts[0], "GET", "/networks")
    (network,) = (each["Id"] for each in networks if each["Name"] == f"{project}_default")
    path = f"/v1/kv/docker/network/v1.0/endpoint_count/{network}/?raw"
    token = consul_acl.token(bed, consul_acl.MANAGEMENT)
    return int(consul_api.call(bed, bed.hosts[0], "GET", path, token=token)["Count"])
