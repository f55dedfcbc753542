"""docs/install.md on hosts with bare engines, on which containers of others run."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest

from bed import bare, busybox, docker_api, packages
from bed.fixture import bring_up
from bed.layout import Bed, Host
from bed.namespaces import run_in
from nap_compose.exits import Exit
from tests.support import machine as machines
from tests.support.figures import Figure
from tests.support.machine import Machine
from tests.support.nap import PROGRAM, Ended
from tests.support.pages import Command, commands, scripts

pytestmark = pytest.mark.bed

PAGE = "install.md"
FOREIGN = {"wiki": "no", "backup": "always"}
"""Containers that were there before, and their restart policies."""
TIMED_OUT, REFUSED = 124, 1
"""How `timeout` ends where nothing answers, and bash where somebody says no."""


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("install") as bed:
        yield bed


@pytest.fixture(scope="module")
def ssh(bed: Bed) -> str:
    """The ssh command that reaches the hosts, which are bare now, with foreign containers."""
    config = bare.strip(bed)
    for host in bed.hosts:
        busybox.load(host, "busybox:1")
        for name, policy in FOREIGN.items():
            body = {
                "Image": "busybox:1",
                "Cmd": ["sleep", "100000"],
                "HostConfig": {"RestartPolicy": {"Name": policy}},
            }
            made = docker_api.call(host, "POST", "/containers/create", body, query={"name": name})
            docker_api.call(host, "POST", f"/containers/{made['Id']}/start")
    return f"ssh -F {config}"


@pytest.fixture(scope="module")
def before(bed: Bed, ssh: str) -> dict[str, str]:
    return started(bed)


@pytest.fixture(scope="module")
def control(bed: Bed, ssh: str) -> Iterator[Machine]:
    with machines.machine() as made:
        yield made


def started(bed: Bed) -> dict[str, str]:
    """When each foreign container was started, for those that run."""
    return {f"{host.name} {name}": since(host, name) for host in bed.hosts for name in FOREIGN}


def since(host: Host, name: str) -> str:
    state = docker_api.call(host, "GET", f"/containers/{name}/json")["State"]
    return str(state["StartedAt"]) if state["Running"] else "it doesn't run"


class Typist:
    """Types a page's commands as whoever they are for, and answers yes."""

    def __init__(self, bed: Bed, control: Machine, ssh: str) -> None:
        self._bed = bed
        self._control = control
        self._ssh = ssh
        self.typed: list[str] = []
        self.took = 0.0

    def type(self, command: Command) -> Ended:
        began = time.monotonic()
        ended = self.ended(self.adapted(command.text), "root" if command.root else "ada")
        self.took += time.monotonic() - began
        assert ended.code == 0, f"{command.text}\n{ended.out}\n{ended.err}"
        self.typed.append(command.text)
        return ended

    def adapted(self, text: str) -> str:
        """With the bed's addresses and keys, and a yes where it asks."""
        text = re.sub(
            r"(admin@)?10\.0\.0\.1(\d)", lambda m: self._bed.hosts[int(m[2]) - 1].ip, text
        )
        return re.sub(r"^(nap host (?:add|rm) .*)$", r"\1 -y", text, flags=re.M)

    def ended(self, text: str, user: str = "root") -> Ended:
        path = f"{PROGRAM.parent}:{os.environ['PATH']}"
        return self._control.run(
            "sh", "-c", text, user=user, env={"PATH": path, "NAP_SSH": self._ssh}
        )


@pytest.fixture(scope="module")
def typist(bed: Bed, control: Machine, ssh: str) -> Typist:
    return Typist(bed, control, ssh)


def test_the_firewall_lets_the_control_machine_in_and_no_host(bed: Bed, ssh: str) -> None:
    packages.ensure_installed("nftables")
    (rules,) = scripts(PAGE, "Ports")
    rules = rules.replace("10.0.0.0/24", bed.subnet).replace("10.0.0.10", bed.control_ip)
    for host in bed.hosts:
        run_in(bed, host, "sh", "-euc", rules, check=True)
    first, second = bed.hosts[:2]
    for port, code in ((2376, TIMED_OUT), (2377, REFUSED)):
        knock = ("timeout", "2", "bash", "-c", f"</dev/tcp/{second.ip}/{port}")
        assert run_in(bed, first, *knock, capture_output=True, check=False).returncode == code


def test_three_bare_engines_become_a_cluster(
    typist: Typist, bed: Bed, before: dict[str, str]
) -> None:
    init, *adds = commands(PAGE, "The cluster")
    typist.type(init)
    unasked = typist.ended(typist.adapted(adds[0].text).removesuffix(" -y"))
    assert unasked.code == Exit.UNANSWERED
    assert "wiki" in unasked.out and "run on" in unasked.out
    assert "nothing was done" in unasked.err
    last = [typist.type(command).out for command in adds][-1]
    assert "h3 is in the cluster" in last
    assert "a swarm of 3 managers" in last
    assert "6 between hosts" in last
    assert started(bed) == before, "no foreign container was stopped"


def test_from_a_second_account_a_first_app(
    typist: Typist, control: Machine, bed: Bed, figure: Figure
) -> None:
    control.must("useradd", "--no-create-home", "--home-dir", control.home("ada"), "ada")
    control.must("mkdir", control.home("ada"))
    control.must("chown", "ada:", control.home("ada"))
    for command in commands(PAGE, "People"):
        typist.type(command)
    shown = [typist.type(command) for command in commands(PAGE, "The first app")][-1]
    assert shown.out.count("running") == 2, shown.out
    assert control.run("cat", "/etc/nap/tls/key.pem", user="ada").code != 0
    typist.ended("nap down hello", "ada")
    figure(
        "from bare engines on three hosts to an app of a second account: "
        f"{len(typist.typed)} commands, {typist.took:.0f} s"
    )


def test_a_host_with_what_can_not_move_stays(typist: Typist, control: Machine) -> None:
    pinned = (
        "name: pinned\nservices: {db: {image: 'busybox:1', command: sleep 100000, init: true,"
        " volumes: ['data:/data'], deploy: {placement: {constraints: [node.hostname==h3]}}}}\n"
        "volumes: {data: {}}\n"
    )
    typist.ended(f"cat > pinned.yml <<'END'\n{pinned}END\n", "ada")
    up = typist.ended("nap up -f pinned.yml", "ada")
    assert up.code == 0, up.err
    stays = typist.ended("nap host rm h3 -y")
    assert stays.code == Exit.NO_ROOM
    assert "ada/pinned/db.1 can't move" in stays.err
    assert typist.ended("nap down pinned", "ada").code == 0
    behind = typist.ended("nap host rm h3 -y")
    assert behind.code == Exit.FAILED
    assert "its volumes would stay behind: ada_pinned_data" in behind.err
    listed = typist.ended("nap host activate h3 && nap host ls --format json").out
    assert '"h3"' in listed and "drained" not in listed
    tidied = typist.ended("nap up -f pinned.yml && nap down pinned -v", "ada")
    assert tidied.code == 0, tidied.err


def test_hosts_go_and_come_back(typist: Typist, bed: Bed, before: dict[str, str]) -> None:
    for command in commands(PAGE, "Hosts later on"):
        ended = typist.type(command)
    assert "hosts h1, h2" in ended.out
    left = docker_api.call(bed.hosts[2], "GET", "/info")["Swarm"]
    assert left["LocalNodeState"] == "inactive"
    nodes = docker_api.call(bed.hosts[0], "GET", "/nodes")
    assert len(nodes) == 2
    assert sum("ManagerStatus" in node for node in nodes) == 1, "two would stand no loss"
    assert typist.ended("test -e /etc/nap/hosts/h3").code != 0
    again = typist.type(commands(PAGE, "The cluster")[-1])
    assert "a swarm of 3 managers" in again.out
    assert started(bed) == before, "no foreign container was stopped"
    owner = typist.ended("stat -c %U /etc/nap/cluster.yml /etc/nap/hosts/h3/key.pem").out.split()
    assert owner == ["nap", "nap"], "what root writes there is still the account's"
