"""`nap cluster init`: three engines that speak over their own socket alone become a cluster."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bed import bare, busybox, docker_api, packages
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.cluster.certificates import certificates_of
from nap_compose.cluster.config import read
from nap_compose.exits import Exit
from tests.support.apps import Apps, sleeper
from tests.support.nap import Nap
from tests.support.pages import DOCS, texts

pytestmark = pytest.mark.bed

PAGE = "cluster.md"


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("init") as bed:
        yield bed


@pytest.fixture(scope="module")
def ssh(bed: Bed) -> str:
    """The ssh command that reaches the hosts, which are bare now."""
    return f"ssh -F {bare.strip(bed)}"


@pytest.fixture(scope="module")
def etc(bed: Bed) -> Path:
    """Where the new cluster's files go."""
    return bed.directory / "etc-nap"


@pytest.fixture
def nap(bed: Bed, etc: Path, ssh: str, tmp_path: Path) -> Nap:
    state = bed.directory / "state"
    return Nap(
        tmp_path, NAP_SSH=ssh, NAP_CLUSTER=str(etc / "cluster.yml"), NAP_STATE_DIR=str(state)
    )


def test_from_bare_engines_to_an_app_across_them(
    nap: Nap, bed: Bed, etc: Path, tmp_path: Path
) -> None:
    hosts = [f"{host.name}={host.ip}" for host in bed.hosts]
    init = ("cluster", "init", "--dir", etc, "--name", "lab")

    # The first host by hand, with the commands that it prints.
    first = nap(*init, hosts[0], code=Exit.PARTIAL)
    with (etc / "cluster.yml").open("a") as file:  # as the machine may have a nap of its own
        file.write("state_dir: ../state\nlogs: {dir: ../logs}\n")
    commands = [line.strip() for line in first.out.splitlines() if line.startswith("    ")]
    assert len(commands) == 2, first.out
    for command in commands:
        run_by_hand(command, nap.env["NAP_SSH"])
    alone = nap(*init)
    assert "the cluster is made" in alone.out
    assert list(read(etc / "cluster.yml").hosts) == ["h1"]


def run_by_hand(command: str, ssh: str) -> None:
    """As a person would who has the bed's keys in their own configuration."""
    words = shlex.split(command)
    config = shlex.split(ssh)[1:]
    subprocess.run([words[0], *config, *words[1:]], check=True, capture_output=True)


def test_the_others_over_ssh(nap: Nap, bed: Bed, etc: Path, tmp_path: Path) -> None:
    file = etc / "cluster.yml"
    document = yaml.safe_load(file.read_text())
    for host in bed.hosts:
        document["hosts"][host.name] = {"endpoint": f"tcp://{host.ip}:2376"}
    file.write_text(yaml.safe_dump(document))
    init = ("cluster", "init", "--dir", etc, "--ssh")
    told = nap(*init, code=Exit.PARTIAL)
    assert "systemctl restart docker" in told.out, "no engine is restarted without being told"
    refused = nap(*init, "--restart", code=Exit.UNANSWERED)
    assert "-y" in refused.err
    began = time.monotonic()
    made = nap(*all_at_once(bed), "--dir", etc, "-y")
    took = time.monotonic() - began
    assert "the cluster is made" in made.out
    assert "a swarm of 3 managers" in made.out
    assert took < 60
    again = nap(*all_at_once(bed), "--dir", etc, "-y")
    assert "setting its engine up" not in again.err, "what is done is left alone"
    assert "joined" not in again.err

    for host in bed.hosts:
        busybox.load(host, "busybox:1")
    apps = Apps(nap, bed, tmp_path)
    app = apps("first", {"web": sleeper(deploy={"replicas": 3})})
    nap("up", "-f", app)
    assert {row["Host"] for row in nap.rows("first").values()} == {"h1", "h2", "h3"}
    nap("down", "first")


def all_at_once(bed: Bed) -> list[str]:
    """The page's first command, for this bed's hosts."""
    return of_the_bed(bed, texts(PAGE)[0]).split()[1:]


def of_the_bed(bed: Bed, text: str) -> str:
    return re.sub(r"10\.0\.0\.1(\d)", lambda m: bed.hosts[int(m[1]) - 1].ip, text)


def test_engines_that_are_set_up_already(bed: Bed, etc: Path, ssh: str, tmp_path: Path) -> None:
    """A key and a cluster file are enough, as the page writes them."""
    (made,) = texts(PAGE, "Engines that are set up already")
    subprocess.run(["sh", "-euc", made.replace("/etc/nap", str(tmp_path))], check=True)
    file = tmp_path / "cluster.yml"
    *_, text = re.findall(r"```yaml\n(.*?)```", (DOCS / PAGE).read_text(), re.DOTALL)
    file.write_text(f"{of_the_bed(bed, text)}\nstate_dir: {tmp_path / 'state'}\n")
    (tmp_path / "tls").symlink_to(etc / "tls")
    nap = Nap(tmp_path, file)
    listed = nap("host", "ls", "--format", "json").out.splitlines()
    assert [json.loads(line)["state"] for line in listed] == ["active"] * 3


def test_an_engine_opens_to_nap_alone(nap: Nap, bed: Bed, etc: Path) -> None:
    packages.ensure_installed("curl")
    docker_api.call(bed.hosts[0], "GET", "/version")  # its own socket still answers
    curl = ["curl", "-sS", "--max-time", "5", "--cacert", etc / "tls/ca.pem"]
    url = f"https://{bed.hosts[0].ip}:2376/version"
    stranger = subprocess.run([*curl, url], capture_output=True, text=True, check=False)
    assert stranger.returncode != 0
    assert "certificate" in stranger.stderr
    own = ["--cert", etc / "tls/cert.pem", "--key", etc / "tls/key.pem"]
    subprocess.run([*curl, *own, url], capture_output=True, check=True)


def test_certificates_are_renewed(nap: Nap, etc: Path) -> None:
    mine = etc / "hosts/h2/cert.pem"
    before = certificates_of(mine)
    mine.unlink()
    told = nap("cluster", "init", "--dir", etc, code=Exit.PARTIAL)
    assert "h2: its engine has to be told" in told.out, "it still shows the old one"
    assert "h1: its engine listens" in told.out
    nap("cluster", "init", "--dir", etc, "--ssh", "--restart", "-y")
    after = certificates_of(mine)
    assert before and after and after != before


def test_a_host_that_ssh_does_not_reach(nap: Nap, bed: Bed, tmp_path: Path) -> None:
    init = ("cluster", "init", "--dir", tmp_path / "etc", "--ssh")
    stranger = "127.0.0.1"  # whoever listens there lets the bed's key in nowhere
    ended = nap(*init, f"h9={stranger}", code=Exit.PARTIAL)
    assert "h9: " in ended.out
    assert "Traceback" not in ended.err
