"""`nap doctor` on real hosts: what is wrong with the cluster is named, with what mends it."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from bed import busybox
from bed import hosts as machines
from bed.fixture import bring_up
from bed.layout import Bed, Host
from bed.namespaces import run_in
from nap_compose.exits import Exit
from tests.support import hosts
from tests.support.nap import Nap, eventually
from tests.support.settling import settled

pytestmark = pytest.mark.bed

PAGE = Path(__file__).parents[2] / "docs/doctor.md"
PROBED = ("doctor", "--net", "--image", busybox.IMAGE, "--format", "json")
VXLAN = ("-p", "udp", "--dport", "4789")


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("doctor", only=("hosts", "consul")) as bed:
        # One host has the image; the probes of the others get it from there.
        busybox.load(bed.hosts[0])
        yield bed


@contextmanager
def dropped(bed: Bed, host: Host, *packets: str) -> Iterator[None]:
    """Packets that a firewall in front of a host lets through no more."""
    rule = ["INPUT", *packets, "-j", "DROP"]
    run_in(bed, host, "iptables", "-w", "-I", *rule, check=True)
    try:
        yield
    finally:
        run_in(bed, host, "iptables", "-w", "-D", *rule, check=True)


def findings(nap: Nap, *words: str, code: int = 0) -> dict[str, dict[str, str]]:
    """What was found, by what it is about."""
    lines = nap(*words, code=code).out.splitlines()
    return {found["subject"]: found for found in map(json.loads, lines)}


def test_a_cluster_that_is_well(nap: Nap, bed: Bed) -> None:
    before = hosts.everything(bed.hosts)
    found = findings(nap, *PROBED)
    assert {each["grade"] for each in found.values()} == {"ok"}, found
    assert set(found) >= {"hosts", "engines", "networks", "certificates", "state store", "records"}
    assert found["hosts"]["text"] == "3 of 3 answer"
    assert found["roads"]["text"].startswith("6 between hosts")
    assert set(found) >= {host.name for host in bed.hosts}, "their disks were looked at"
    assert hosts.everything(bed.hosts) == before, "no probe stays behind"


def test_a_firewall_between_two_hosts(nap: Nap, bed: Bed) -> None:
    second = bed.hosts[1]
    with dropped(bed, second, *VXLAN):
        found = findings(nap, *PROBED, code=Exit.FAILED)
    faults = {subject for subject, each in found.items() if each["grade"] == "fault"}
    # What leaves the second host still arrives, and its answers don't come back.
    assert faults == {"h1 → h2", "h2 → h1", "h2 → h3", "h3 → h2"}
    assert "UDP 4789" in found["h1 → h2"]["remedy"]


def test_a_road_that_takes_no_full_packets(nap: Nap, bed: Bed) -> None:
    with dropped(bed, bed.hosts[2], *VXLAN, "-m", "length", "--length", "1400:65535"):
        found = findings(nap, *PROBED, code=Exit.FAILED)
    assert found["h1 → h3"]["text"] == (
        "a full packet of 1450 bytes doesn't come through, a small one does"
    )
    assert "mtu" in found["h1 → h3"]["remedy"]
    assert "h1 → h2" not in found


def test_a_road_on_which_nothing_encrypted_comes_through(
    nap: Nap, bed: Bed, tmp_path: Path
) -> None:
    """Of hosts whose kernel lacks ESP the same is said as of those behind such a firewall."""
    cluster = yaml.safe_load(bed.cluster_file.read_text())
    cluster["network"]["encrypted"] = True
    file = bed.cluster_file.with_name("encrypted.yml")
    file.write_text(yaml.safe_dump(cluster))
    with dropped(bed, bed.hosts[1], "-p", "esp"):
        found = findings(Nap(tmp_path, file), *PROBED, code=Exit.FAILED)
    for road in ("h1 → h2", "h2 → h1", "h2 → h3", "h3 → h2"):
        assert found[road]["text"] == (
            "packets come through as they are, but not encrypted (`network.encrypted`)"
        )
        assert "ESP" in found[road]["remedy"]


def test_inner_doors_and_the_rules_that_shut_them(nap: Nap, bed: Bed) -> None:
    words = ("doctor", "--isolation", "--image", busybox.IMAGE, "--format", "json")
    found = findings(nap, *words)
    assert found["engine ports"]["grade"] == "warning", found
    assert "h1, h2, h3" in found["Consul"]["text"]
    rules = shutting_rules(bed.subnet)
    for host in bed.hosts:
        run_in(bed, host, "sh", "-euc", rules, check=True)
    try:
        assert findings(nap, *words)["isolation"]["grade"] == "ok"
        assert findings(nap, *PROBED)["roads"]["grade"] == "ok", "apps still meet"
    finally:
        for host in bed.hosts:
            run_in(bed, host, "sh", "-euc", rules.replace("-I ", "-D "), check=True)


def shutting_rules(subnet: str) -> str:
    """The commands that the page tells, for the bed's addresses."""
    (block,) = re.findall(r"# PORTS=.*?```", PAGE.read_text(), re.DOTALL)
    lines = [line.removeprefix("# ").removeprefix("> ") for line in block.splitlines()[:-1]]
    text = "\n".join(lines)
    assert "10.0.0.0/24" in text
    return text.replace("10.0.0.0/24", subnet).replace("iptables ", "iptables -w ")


def test_ctrl_c_takes_the_probes_away(nap: Nap, bed: Bed) -> None:
    before = hosts.everything(bed.hosts)
    with nap.start(*PROBED) as running:
        eventually(lambda: hosts.everything(bed.hosts) != before, "a probe is there")
        running.signal(signal.SIGINT)
        ended = running.ended()
    assert ended.code == Exit.INTERRUPTED
    assert "Traceback" not in ended.err
    assert hosts.everything(bed.hosts) == before


def test_a_host_that_is_cut_off(nap: Nap, bed: Bed) -> None:
    third = bed.hosts[2]
    machines.partition(bed, third)
    try:
        found = findings(nap, "doctor", "-q", "--format", "json", code=Exit.FAILED)
        assert found["h3"]["grade"] == "fault"
        assert "no answer" in found["h3"]["text"]
    finally:
        machines.heal(bed, third)
        settled(bed)  # the managers may have to find a leader first
    eventually(lambda: "-" not in engines(nap), "the host answers again")
    assert nap("doctor", "-q").out == ""


def engines(nap: Nap) -> set[str]:
    """The releases of the hosts' engines; `-` for those that don't answer."""
    lines = nap("host", "ls", "--format", "json").out.splitlines()
    return {json.loads(line)["engine"] or "-" for line in lines}
