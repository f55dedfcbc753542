"""docs/certificates.md: certificates that end, and new ones while an app runs."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from bed import bare, busybox, consul, consul_acl, consul_api, docker_api, proc
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.cluster import pki
from nap_compose.cluster.certificates import certificates_of
from nap_compose.control.founding import overssh
from nap_compose.control.founding.material import Material
from nap_compose.control.founding.overssh import Via
from nap_compose.exits import Exit
from tests.support.apps import Apps, sleeper
from tests.support.nap import Nap, eventually
from tests.support.pages import commands
from tests.support.watching import watching

pytestmark = pytest.mark.bed

PAGE = "certificates.md"
HALF_AN_HOUR_AGO = -0.5 / 24
"""Days from now: later than a new certificate's beginning, which is an hour ago."""


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("certs", hosts=2, only=("hosts", "consul", "mariadb", "ldap")) as bed:
        yield bed


@pytest.fixture(scope="module")
def of_services(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What `ls` shows of the bed's own cluster, before its hosts are bare."""
    nap = Nap(tmp_path_factory.mktemp("home"), bed.cluster_file)
    told = nap("cluster", "certs", "ls", "--format", "json")
    return [json.loads(line) for line in told.out.splitlines()]


@pytest.fixture(scope="module")
def material(bed: Bed, of_services: object) -> Material:
    """The new cluster's files."""
    assert of_services
    return Material(bed.directory / "etc-nap")


@pytest.fixture(scope="module")
def ssh(bed: Bed, material: Material) -> str:
    """The new cluster, of hosts that were bare; gives the ssh command that reaches them."""
    ssh = f"ssh -F {bare.strip(bed)}"
    for host in bed.hosts:
        busybox.load(host, "busybox:1")
    nap = _nap(bed, material, ssh, bed.directory)
    nap("cluster", "init", "--name", "lab", "--dir", material.folder)
    with material.file.open("a") as file:
        file.write("state_dir: ../state\nlogs: {dir: ../logs}\n")
        # With another one's word on who is dead, so that only what is `refused` holds it back.
        file.write("failover: {after: 1s, sweep: 1s}\n" + yaml.safe_dump(_consul(bed)))
    for host in bed.hosts:
        nap("host", "add", host.name, "--via", f"ssh://root@{host.ip}", "-y")
    return ssh


def _consul(bed: Bed) -> dict[str, Any]:
    """The bed's own, as a section of a cluster file that lies elsewhere."""
    section = yaml.safe_load(bed.cluster_file.read_text())["consul"]
    paths = {key: str(bed.directory / section[key]) for key in ("ca", "token_file")}
    return {"consul": {**section, **paths}}


def _nap(bed: Bed, material: Material, ssh: str, home: Path) -> Nap:
    return Nap(home, material.file, NAP_SSH=ssh, NAP_STATE_DIR=str(bed.directory / "state"))


@pytest.fixture
def nap(bed: Bed, material: Material, ssh: str, tmp_path: Path) -> Nap:
    return _nap(bed, material, ssh, tmp_path)


@pytest.fixture(autouse=True)
def app(nap: Nap, bed: Bed, tmp_path: Path) -> None:
    """An app on both hosts, which stays from test to test."""
    apps = Apps(nap, bed, tmp_path)
    nap("up", "-f", apps("shop", {"web": sleeper(deploy={"replicas": 2})}))


def running(bed: Bed) -> dict[str, str]:
    """When each of the app's containers was started, by id."""
    found = {}
    for host in bed.hosts:
        for each in docker_api.call(host, "GET", "/containers/json"):
            state = docker_api.call(host, "GET", f"/containers/{each['Id']}/json")["State"]
            found[each["Id"]] = state["StartedAt"]
    assert len(found) == 2
    return found


def states(nap: Nap) -> set[str]:
    told = nap("host", "ls", "--format", "json")
    return {json.loads(line)["state"] for line in told.out.splitlines()}


def listed(nap: Nap, code: int = 0) -> dict[str, list[int]]:
    """Days left, by whose certificates they are; Consul's are its own affair."""
    rows = nap("cluster", "certs", "ls", "--format", "json", code=code).out.splitlines()
    found: dict[str, list[int]] = {}
    for row in map(json.loads, rows):
        if row["subject"] != "consul":
            found.setdefault(row["subject"], []).append(row["days"])
    return found


def put_in_place(material: Material, hosts: Sequence[Host], ssh: str) -> None:
    """As a set-up of long ago would have left it: the hosts' engines show what the material has."""
    for host in hosts:
        folder, via = material.of_host(host.name), Via(f"root@{host.ip}")
        overssh.set_up(host.name, via, folder, {"NAP_SSH": ssh}, restart=True, stop=True)


def a_watcher_sees_it(nap: Nap, bed: Bed) -> None:
    """That every host refuses, and does nothing about it."""
    with watching(nap) as watcher:
        watcher.until(f"{len(bed.hosts)} of {len(bed.hosts)} hosts don't answer")
        assert "was made on" not in watcher.said


def test_those_of_services_are_listed_too(of_services: list[dict[str, Any]]) -> None:
    seen = {row["subject"] for row in of_services if row["ends"]}
    assert seen == {"nap", "CA", "h1", "h2", "consul", "database", "ldap"}
    shown = {row["subject"]: row["what"] for row in of_services if "://" in row["what"]}
    assert set(shown) == {"consul", "database", "ldap"}, "what they show, not only their CA's file"
    assert all(row["days"] > 0 for row in of_services if row["ends"])


def test_a_new_ca_while_all_runs(nap: Nap, bed: Bed, material: Material) -> None:
    before, first = running(bed), certificates_of(material.ca.cert)
    ls, renew = commands(PAGE)[:2]
    for command in (ls, renew):
        nap(*command.text.split()[1:])
    assert running(bed) == before and certificates_of(material.ca.cert) == first

    told = nap(*commands(PAGE, "The CA")[0].text.split()[1:])
    assert "nap shows its new certificate" in told.err
    assert "h1, h2: the new one is shown from the engine's next start on" in told.out
    assert running(bed) == before, "no container stopped"
    assert len(certificates_of(material.ca.cert)) == 2, "both CAs are trusted"
    assert states(nap) == {"active"}

    unasked = nap("cluster", "certs", "renew", "--restart", code=Exit.UNANSWERED)
    assert "shop-web-1" in unasked.err and running(bed) == before
    done = nap(*commands(PAGE, "Engines")[1].text.split()[1:], "-y")
    assert "nap trusts the former CA no longer" in done.err
    now = certificates_of(material.ca.cert)
    assert len(now) == 1 and now != first
    assert set(running(bed)) == set(before), "the same containers, started again"
    assert states(nap) == {"active"}


def test_a_watcher_goes_on_with_the_new_ones(nap: Nap, bed: Bed, material: Material) -> None:
    """It has run since before there was a new CA, and at the end nobody trusts the former."""
    before = running(bed)
    with watching(nap) as watcher:
        eventually(lambda: "shop" in nap("health", "status").out, "it has looked")
        nap(*commands(PAGE, "The CA")[0].text.split()[1:])
        nap(*commands(PAGE, "Engines")[1].text.split()[1:], "-y")
        assert len(certificates_of(material.ca.cert)) == 1
        assert set(running(bed)) == set(before)
        for host in bed.hosts:
            (there,) = docker_api.call(host, "GET", "/containers/json")
            docker_api.call(host, "POST", f"/containers/{there['Id']}/kill")
            watcher.until(f"on {host.name}: running → exited (137)")
        assert "lost" not in watcher.said and "was made on" not in watcher.said


def test_one_host_is_named(nap: Nap, bed: Bed, material: Material) -> None:
    before, old = running(bed), certificates_of(material.pair_of("h2").cert)
    nap(*commands(PAGE, "Engines")[0].text.split()[1:])
    assert certificates_of(material.pair_of("h2").cert) != old
    assert running(bed) == before
    told = nap("cluster", "certs", "ls")
    assert "h2, what its engine shows: nap cluster certs renew --restart" in told.err


def test_one_engines_has_ended(
    nap: Nap, bed: Bed, material: Material, ssh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consul's agent there is down besides: were the engine silent, the host would be lost."""
    second = bed.host("h2")
    monkeypatch.setattr(pki, "SERVER_DAYS", HALF_AN_HOUR_AGO)
    material.pair_of("h2").cert.unlink()
    list(material.make_hosts(material.authority("lab"), {"h2": second.ip}))
    monkeypatch.undo()
    with watching(nap) as watcher:
        put_in_place(material, [second], ssh)
        watcher.until("h2: ", "refused")
        before = running(bed)
        proc.stop(bed, "h2.consul", how=signal.SIGKILL)
        try:
            eventually(lambda: _failed(bed, second), "Consul says so")
            time.sleep(3)  # in which it would be lost, and its replica made on h1
        finally:
            consul.start_on(bed, second)
        assert states(nap) == {"active", "refused"}
        assert "lost" not in watcher.said and "was made on" not in watcher.said
        assert running(bed) == before
        assert min(listed(nap, Exit.FAILED)["h2"]) == -1
        said = nap("host", "ls").err
        assert f"host h2: the certificate of {second.ip}:2376 has expired" in said
        assert "nothing fails over" in said
        nap("cluster", "certs", "renew", "--restart", "-y")
        watcher.until("h2: ", "→ up")
    assert states(nap) == {"active"}
    assert set(running(bed)) == set(before), "the same containers"


def _failed(bed: Bed, host: Host) -> bool:
    """Whether Consul has given up the host's agent."""
    path = f"/v1/health/node/{host.name}"
    token = consul_acl.token(bed, consul_acl.NAP)
    return any(
        check["CheckID"] == "serfHealth" and check["Status"] == "critical"
        for check in consul_api.call(bed, bed.hosts[0], "GET", path, token=token)
    )


def test_naps_own_has_ended(
    nap: Nap, bed: Bed, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = running(bed)
    monkeypatch.setattr(pki, "CLIENT_DAYS", HALF_AN_HOUR_AGO)
    material.client.cert.unlink()
    material.authority("lab").signed(material.client, "nap")
    assert states(nap) == {"refused"}
    told = nap("host", "ls")
    assert "refused our client certificate" in told.err
    assert "nap cluster certs ls" in told.err and "nothing fails over" in told.err
    a_watcher_sees_it(nap, bed)
    nothing = nap("plan", "-f", nap.home / "shop.yml", code=Exit.PARTIAL)
    assert "refused" in nothing.err
    assert min(listed(nap, Exit.FAILED)["nap"]) == -1
    nap(*commands(PAGE)[1].text.split()[1:])
    assert states(nap) == {"active"}
    assert running(bed) == before, "no container stopped, and none was made elsewhere"


def test_engines_and_the_ca_have_ended(
    nap: Nap, bed: Bed, material: Material, ssh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pki, "CA_DAYS", HALF_AN_HOUR_AGO)
    material.ca.cert.unlink()
    for pair in (material.client, *map(material.pair_of, ("h1", "h2"))):
        pair.cert.unlink()
    list(material.make("lab", {host.name: host.ip for host in bed.hosts}))
    monkeypatch.undo()
    put_in_place(material, bed.hosts, ssh)
    before = running(bed)
    assert states(nap) == {"refused"}
    assert {days[0] for who, days in listed(nap, Exit.FAILED).items()} == {-1}
    a_watcher_sees_it(nap, bed)
    assert running(bed) == before, "nothing was made elsewhere"

    first = nap("cluster", "certs", "renew")
    assert "the CA that was to follow is the CA now" in first.err
    assert running(bed) == before, "no container stops without a word"
    nap("cluster", "certs", "renew", "--restart", "-y")
    assert states(nap) == {"active"}
    assert set(running(bed)) == set(before)
    assert min(days for each in listed(nap).values() for days in each) > 700
