"""The main job, the verbs and a failover on engines that share a Consul as their cluster store."""

from __future__ import annotations

import json
import signal
import tarfile
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

    def test_what_looks_and_what_goes_in_reaches_every_host(
        self, nap: Nap, bed: Bed, apps: Apps
    ) -> None:
        """The other commands, which modules of their own try in a swarm."""
        image = f"{bed.registry}/all/web:1"
        (apps.folder / "built").mkdir()
        (apps.folder / "built" / "Dockerfile").write_text("FROM busybox:1\nRUN echo yes > /built\n")
        ticks = "sh -c 'while :; do echo tick; sleep 1; done'"
        web = sleeper(
            image=image, build="built", command=ticks, deploy={"replicas": 3}, ports=["80"]
        )
        file = apps("all", {"web": web, "db": sleeper(volumes=["data:/data"])},
                    volumes={"data": {}})  # fmt: skip
        assert nap("config", "-f", file, "-q").out == ""
        nap("build", "-f", file, "--push", env={"DOCKER_BUILDKIT": "0"})
        assert nap("pull", "-f", file, "web").out == "3 images pulled\n"
        assert nap("push", "-f", file).out == "1 image pushed\n"
        nap("up", "-f", file, "--no-build")
        rows = nap.rows("all")
        webs = [f"web.{number}" for number in (1, 2, 3)]
        assert {rows[slot]["Host"] for slot in webs} == {"h1", "h2", "h3"}

        for words in (("images",), ("stats", "--no-stream"), ("top",), ("ps",)):
            told_of = nap(*words, "all", "--format", "json").out.splitlines()
            found = [json.loads(line) for line in told_of]
            listed = found[0] if isinstance(found[0], list) else found
            seen = {f"{each['Service']}.{each['Replica']}": each["Host"] for each in listed}
            assert seen == {slot: row["Host"] for slot, row in rows.items()}, words
        assert "all" in nap("ls", "-q").out.split()
        assert nap("volumes", "all", "-q").out == f"{nap.project('all')}_data\n"
        for slot in webs:
            (url,) = rows[slot]["URLs"]
            assert nap("port", f"all/{slot}", "80").out == url.removeprefix("http://") + "\n"

        with nap.start("events", "--json", "all") as events:
            for slot in webs:
                assert nap("exec", f"all/{slot}", "cat", "/built").out == "yes\n"
                nap("cp", file, f"all/{slot}:/tmp/file")
                nap("cp", f"all/{slot}:/tmp/file", f"back-{slot}")
                assert (nap.home / f"back-{slot}").read_text() == file.read_text()
            told: set[str] = set()
            while told != {"h1", "h2", "h3"}:
                assert events.process.stdout is not None
                told.add(json.loads(events.process.stdout.readline())["host"])
            events.signal(signal.SIGINT)
            assert events.ended().code == 130
        ran = nap("run", "-f", file, "--rm", "-q", "-T", "web", "ping", "-c", "1", "-w", "10", "db")
        assert "1 packets received" in ran.out
        nap("export", "all/web.2", "-o", "whole.tar")
        with tarfile.open(nap.home / "whole.tar") as whole:
            assert "built" in {name.removeprefix("./") for name in whole.getnames()}
        assert nap("commit", "all/web.3", f"{nap.owner}/kept:1").out.startswith("sha256:")
        with nap.start("attach", "--no-stdin", "all/web.1") as attached:
            assert attached.process.stdout is not None
            assert attached.process.stdout.readline() == "tick\n"
            attached.signal(signal.SIGTERM)
            assert attached.ended().code == 143


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
