"""What the watcher writes into Consul's catalog, found by the programs that people use: HAProxy
and Prometheus, both by DNS and with the examples' own configurations. A host that is lost for good
at the end."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from bed import busybox, consul, consul_acl, consul_api, docker_api, hosts, packages
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.exits import Exit
from tests.support.apps import EXAMPLES, Apps, write_app
from tests.support.control_machine import ControlMachine
from tests.support.edge import Edge
from tests.support.figures import Figure
from tests.support.nap import Nap, eventually
from tests.support.pages import texts
from tests.support.settling import settled
from tests.support.watching import Watcher, known, watching

pytestmark = pytest.mark.bed

FRONT, METRICS, PROMETHEUS = 18480, 18481, 18482
READS = 'node_prefix "" { policy = "read" }\nservice_prefix "nap-" { policy = "read" }\n'
SERVES = (
    "mkdir -p /www && echo nap_test_total 7 > /www/metrics && hostname > /www/index.html && "
    "exec httpd -f -p 8000 -h /www"
)


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    packages.ensure_installed("haproxy", "keepalived", "prometheus")
    with bring_up("catalog", hosts=4, only=("hosts", "consul")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        cluster = yaml.safe_load(bed.cluster_file.read_text())
        failover = {"after": "3s", "sweep": "1s"}
        bed.cluster_file.write_text(yaml.safe_dump({**cluster, "failover": failover}))
        yield bed


@pytest.fixture(scope="module")
def reader(bed: Bed) -> str:
    """A token that may look services up; the first two agents use it for who asks by DNS."""
    token, management = str(uuid4()), consul_acl.token(bed, consul_acl.MANAGEMENT)
    first = bed.hosts[0]

    def ask(host: Any, path: str, body: Any) -> None:
        consul_api.call(bed, host, "PUT", path, body, token=management)

    ask(first, "/v1/acl/policy", {"Name": "looks", "Rules": READS})
    ask(first, "/v1/acl/token", {"SecretID": token, "Policies": [{"Name": "looks"}]})
    for host in bed.hosts[:2]:
        ask(host, "/v1/agent/token/default", {"Token": token})
    return token


def services(**web: Any) -> dict[str, Any]:
    return {
        "web": {
            "image": "busybox:1",
            "init": True,
            "restart": "always",
            "command": ["sh", "-c", SERVES],
            "ports": ["8000"],
            "expose": ["9000"],
            "deploy": {"replicas": 3},
            "stop_grace_period": "1s",
            **web,
        }
    }


@contextmanager
def running(home: Path, name: str, *argv: str) -> Iterator[None]:
    log = home / f"{name}.log"
    with log.open("w") as file:
        process = subprocess.Popen(argv, cwd=home, stdout=file, stderr=file)
    try:
        yield
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        process.wait(timeout=20)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def answers(number: int = 12) -> set[str]:
    """Who answers through the proxy, asked so often; nobody where it has none to ask."""
    found = set()
    for _ in range(number):
        try:
            found.add(get(f"http://127.0.0.1:{FRONT}/").strip())
        except (urllib.error.URLError, OSError):
            return set()
    return found


def listed(bed: Bed, name: str) -> list[dict[str, Any]]:
    token = consul_acl.token(bed, consul_acl.NAP)
    path = f"/v1/health/service/{name}"
    return list(consul_api.call(bed, bed.hosts[0], "GET", path, token=token))


def test_haproxy_finds_the_replicas_and_follows_a_failover(
    nap: Nap, bed: Bed, apps: Apps, reader: str, figure: Figure
) -> None:
    name = f"nap-{nap.owner}-shop-web"
    text = (EXAMPLES / "haproxy" / "haproxy.cfg").read_text()
    for before, after in (
        ("10.0.0.11:8600", f"{bed.hosts[0].ip}:{consul.DNS_PORT}"),
        ("10.0.0.12:8600", f"{bed.hosts[1].ip}:{consul.DNS_PORT}"),
        ("nap-ada-shop-web", name),
        ("bind :8080", f"bind 127.0.0.1:{FRONT}"),
    ):
        assert before in text
        text = text.replace(before, after)
    (nap.home / "haproxy.cfg").write_text(text)
    nap("up", "-f", apps("shop", services()))
    with (
        watching(nap) as watcher,
        running(nap.home, "haproxy", "haproxy", "-db", "-f", "haproxy.cfg"),
    ):
        eventually(lambda: len(answers()) == 3, "all three answer", within=60)
        (first, *_) = listed(bed, name)
        assert first["Node"]["Node"].startswith("nap-h")
        assert first["Node"]["Meta"]["external-node"] == "true"
        assert first["Service"]["Meta"]["app"] == "shop"
        assert first["Service"]["Meta"]["unpublished"] == "9000/tcp"
        rows = nap.rows("shop")
        (was,) = (slot for slot, row in rows.items() if row["Host"] == "h3")
        before = answers()
        began = time.monotonic()
        hosts.kill(bed, bed.host("h3"))
        watcher.until(f"{was} was made on", within=120)
        eventually(lambda: len(answers()) == 3 and answers() != before, "three again", within=60)
        figure(f"from a host's end to all behind the proxy: {time.monotonic() - began:.1f} s")
        assert {each["Service"]["Meta"]["host"] for each in listed(bed, name)} <= {"h1", "h2", "h4"}
        hosts.restart(bed, bed.host("h3"))
        watcher.until(f"{was} of h3 was removed", within=120)
    settled(bed)


def test_one_address_lasts_when_the_host_that_has_it_dies(
    nap: Nap, bed: Bed, apps: Apps, reader: str, figure: Figure
) -> None:
    """And when that host is back, and when HAProxy alone is gone there."""
    nap("up", "-f", apps("shop", services()))
    name = f"nap-{nap.owner}-shop-web"
    edge = Edge(bed, name)
    with watching(nap) as watcher, edge.running():
        eventually(lambda: edge.holder() == "h2" and edge.get(), "it serves", within=60)
        known(nap, "shop", 3)
        missing = [slot for slot, row in nap.rows("shop").items() if row["Host"] == "h2"]
        began = time.monotonic()
        hosts.kill(bed, bed.host("h2"))
        try:
            eventually(edge.get, "it goes on", within=60)
            figure(f"from a host's end to the lasting address: {time.monotonic() - began:.1f} s")
            for slot in missing:
                watcher.until(f"{slot} was made on", within=120)
            eventually(lambda: all(edge.get() for _ in range(12)), "all answer", within=60)
        finally:
            hosts.restart(bed, bed.host("h2"))
        edge.start("h2")
        eventually(lambda: edge.holder() == "h2" and edge.get(), "it is back", within=60)
        edge.stop_proxy("h2")
        eventually(lambda: edge.holder() == "h1" and edge.get(), "the other has it", within=60)
    settled(bed)


def test_an_update_is_not_seen_by_who_asks(nap: Nap, bed: Bed, apps: Apps, reader: str) -> None:
    """An entry goes before its container stops."""
    nap("up", "-f", apps("blog", services()))
    name = f"nap-{nap.owner}-blog-web"
    with watching(nap):
        eventually(lambda: len(listed(bed, name)) == 3, "listed", within=30)
        ids = {each["Service"]["Meta"]["container"] for each in listed(bed, name)}
        nap("stop", "blog/web.1", "-t", "1")
        left = {each["Service"]["Meta"]["container"] for each in listed(bed, name)}
        assert len(left) == 2 and left < ids
        nap("down", "blog", "-t", "1")
        assert listed(bed, name) == []


def test_prometheus_scrapes_what_consul_lists(nap: Nap, bed: Bed, apps: Apps, reader: str) -> None:
    text = (EXAMPLES / "prometheus" / "prometheus.yml").read_text()
    for before, after in (
        ("nap-ada-shop-web", f"nap-{nap.owner}-shop-web"),
        ("127.0.0.1:9180", f"127.0.0.1:{METRICS}"),
        ("15s", "1s"),
    ):
        assert before in text
        text = text.replace(before, after)
    (nap.home / "prometheus.yml").write_text(text)
    (nap.home / "resolv.conf").write_text(f"nameserver {bed.hosts[0].ip}\n")
    nap("up", "-f", apps("shop", services()))
    options = (f"--web.listen-address=127.0.0.1:{PROMETHEUS}", "--storage.tsdb.path=tsdb")
    own_resolver = 'mount --bind resolv.conf /etc/resolv.conf && exec "$@"'
    with (
        watching(nap, "measured", "--metrics", f"127.0.0.1:{METRICS}"),
        running(
            nap.home,
            "prometheus",
            *("unshare", "--mount", "sh", "-c", own_resolver, "sh"),
            *("prometheus", "--config.file=prometheus.yml", *options),
        ),
    ):
        eventually(
            lambda: [each["value"][1] for each in query("nap_test_total")] == ["7", "7", "7"],
            "all three are scraped",
            within=60,
        )
        eventually(
            lambda: [each["value"][1] for each in query('nap_hosts{state="up"}')] == ["4"],
            "what the watcher counts",
            within=30,
        )


def query(text: str) -> list[dict[str, Any]]:
    try:
        words = urllib.parse.urlencode({"query": text})
        answer = json.loads(get(f"http://127.0.0.1:{PROMETHEUS}/api/v1/query?{words}"))
    except (urllib.error.URLError, OSError):
        return []
    return list(answer["data"]["result"])


def test_a_host_is_lost_for_good(bed: Bed, tmp_path: Path) -> None:
    """docs/host-died.md: it comes back first, and then no more."""
    lost = bed.host("h4")
    control = ControlMachine(bed.directory / "control")
    control.make(bed)
    nap = Nap(tmp_path, control.file)
    write_app(tmp_path / "shop.yml", services(deploy={"replicas": 4}), name="shop")
    nap("up", "-f", "shop.yml")
    with watching(nap) as watcher:
        known(nap, "shop", 4)
        (was,) = (slot for slot, row in nap.rows("shop").items() if row["Host"] == lost.name)
        hosts.kill(bed, lost)
        watcher.until(f"{was} was made on", f"since {lost.name} is lost", within=120)
        said = typed(nap, "What happened", lost)
        assert f"{was} was made on" in said and "lost" in said
        typed(nap, "What waits", lost)
        hosts.restart(bed, lost)
        watcher.until(f"{was} of {lost.name} was removed", within=120)
        settled(bed)
        typed(nap, "It comes back", lost)
        hosts.kill(bed, lost)
        eventually(lambda: len(deaths(watcher, lost)) == 2, "it is lost again", within=120)
        said = typed(nap, "It doesn't come back", lost)
        assert f"{lost.name} is no longer in the cluster" in said
    assert lost.name not in control.file.read_text()
    assert lost.name not in nap("host", "ls").out
    nodes = docker_api.call(bed.hosts[0], "GET", "/nodes")
    assert {node["Description"]["Hostname"] for node in nodes} == {"h1", "h2", "h3"}
    assert len(nap.rows("shop")) == 4
    nap("down", "shop", "-t", "1")


def typed(nap: Nap, section: str, lost: Host) -> str:
    """The page's commands, but for the one about a new machine, and all that they say. Some end
    with a code that says that a host is away."""
    said = ""
    for command in texts("host-died.md", section):
        if "host add" in command:
            continue
        words = command.replace("h3", lost.name).split()[1:]
        if "confirm-lost" in words:
            words.append("-y")
        with nap.start(*words) as running:
            ended = running.ended()
        told = f"{command}: {ended.code}\n{ended.out}{ended.err}"
        away = (Exit.FAILED,) if words == ["status"] else (Exit.PARTIAL,)
        assert ended.code in (Exit.DONE, *away) and "Traceback" not in ended.err, told
        said += told
    return said


def deaths(watcher: Watcher, host: Host) -> list[str]:
    lines = watcher.said.splitlines()
    return [line for line in lines if f"{host.name}: " in line and "→ lost" in line]
