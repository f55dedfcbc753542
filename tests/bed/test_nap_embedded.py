"""nap on one real engine with nothing else: no cluster file, no server, no login."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bed import busybox, docker_api
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.exits import Exit
from tests.engine.test_compose_on_fake import compose_binary
from tests.support.apps import sleeper, write_app
from tests.support.hosts import everything, unchanged
from tests.support.nap import Nap

pytestmark = pytest.mark.bed

SERVE = "sh -c 'echo serving; exec httpd -f -p 8000 -h /etc'"


@pytest.fixture(scope="module", params=["20", "28"])
def bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    with bring_up(f"job-one{request.param}", hosts=1, engine=request.param) as bed:
        busybox.load(bed.hosts[0], "busybox:1")
        yield bed


@pytest.fixture
def nap(bed: Bed, tmp_path: Path) -> Nap:
    return Nap(tmp_path, DOCKER_HOST=f"unix://{bed.hosts[0].socket}")


@pytest.fixture
def file(nap: Nap, bed: Bed, tmp_path: Path) -> Iterator[Path]:
    """An app of two services; at the end the engine is as it was."""
    db = sleeper(
        command=SERVE,
        volumes=["data:/data"],
        healthcheck={
            "test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://localhost:8000/hostname"],
            "interval": "500ms",
            "retries": 60,
        },
    )
    web = sleeper(
        command="sh -c 'wget -q -O - http://db:8000/hostname; exec httpd -f -p 8000 -h /etc'",
        depends_on={"db": {"condition": "service_healthy"}},
        ports=["7300:8000"],
    )
    path = tmp_path / "compose.yaml"
    with unchanged(bed.hosts):
        yield write_app(path, {"web": web, "db": db}, name="shop", volumes={"data": {}})
        nap("down", "shop", "-v", "-t", "1")


def test_up_ps_logs_down_as_a_person_would(nap: Nap, bed: Bed, file: Path) -> None:
    # The file is in the folder where the person stands.
    up = nap("up")
    assert "web.1  http://localhost:7300" in up.out
    table = nap("ps").out.splitlines()
    assert table[0].split() == ["NAME", "IMAGE", "SERVICE", "STATUS", "PORTS"]
    db, web = (line.split() for line in table[1:])
    assert (db[0], web[0]) == ("shop-db-1", "shop-web-1")
    assert "(healthy)" in db and web[-1].endswith(":7300->8000/tcp")

    before = everything(bed.hosts)
    again = nap("up")
    assert again.out.startswith("nothing to do: shop is up to date\n")
    assert everything(bed.hosts) == before

    # The name of the other service was resolved before web printed its answer.
    hostname = nap.ids("shop")["db.1"][:12]
    assert nap("logs", "web", "--no-log-prefix").out.splitlines() == [hostname]
    lines = nap("logs").out.splitlines()
    assert "deploy | done" in [" ".join(line.split()) for line in lines]
    assert json.loads(nap("ls", "--format", "json").out)[0]["Status"] == "running(2)"
    assert nap("host", "ls", "-q").out == "local\n"

    down = nap("down")
    assert down.out.startswith("shop is down")
    assert nap("ps", "-a", "-q").out == ""
    volumes = docker_api.call(bed.hosts[0], "GET", "/volumes")["Volumes"]
    assert "shop_data" in [volume["Name"] for volume in volumes]


def test_it_looks_to_other_tools_as_if_compose_had_made_it(nap: Nap, bed: Bed, file: Path) -> None:
    nap("up")
    host = bed.hosts[0]
    web = docker_api.call(host, "GET", "/containers/shop-web-1/json")["Config"]["Labels"]
    said = {key.removeprefix("com.docker.compose."): value for key, value in web.items()}
    assert said["project"] == "shop"
    assert (said["service"], said["container-number"], said["oneoff"]) == ("web", "1", "False")
    assert said["depends_on"] == "db:service_healthy:false"
    assert said["project.config_files"] == str(file)
    assert said["project.working_dir"] == str(file.parent)
    network = docker_api.call(host, "GET", "/networks/shop_default")
    assert (network["Driver"], network["Labels"]["com.docker.compose.network"]) == (
        "bridge",
        "default",
    )
    volume = docker_api.call(host, "GET", "/volumes/shop_data")
    assert volume["Labels"]["com.docker.compose.volume"] == "data"

    rows = [json.loads(line) for line in compose(nap, "-p", "shop", "ps", "--format", "json")]
    assert {(row["Name"], row["Service"], row["State"], row["Health"]) for row in rows} == {
        ("shop-web-1", "web", "running", ""),
        ("shop-db-1", "db", "running", "healthy"),
    }
    (listed,) = json.loads("".join(compose(nap, "ls", "--format", "json")))
    assert listed == {"Name": "shop", "Status": "running(2)", "ConfigFiles": str(file)}
    assert "db-1  | serving" in compose(nap, "-p", "shop", "logs", "db")


def test_a_container_that_another_tool_removed_is_made_again(
    nap: Nap, bed: Bed, file: Path
) -> None:
    nap("up")
    before = nap.ids("shop")
    docker_api.call(bed.hosts[0], "DELETE", "/containers/shop-web-1", query={"force": "1"})
    nap("up")
    after = nap.ids("shop")
    assert after["db.1"] == before["db.1"]
    assert after["web.1"] != before["web.1"]


def test_a_service_that_never_gets_healthy_leaves_nothing(
    nap: Nap, bed: Bed, tmp_path: Path
) -> None:
    probe = {"test": ["CMD-SHELL", "echo not yet; exit 1"], "interval": "500ms", "retries": 1000}
    sick = write_app(tmp_path / "sick.yml", {"web": sleeper(healthcheck=probe)}, name="sick")
    with unchanged(bed.hosts):
        ended = nap("up", "-f", sick, "--wait-timeout", "2", code=Exit.FAILED)
    assert "       | exit 1: not yet" in ended.said
    assert ended.errors[-1] == "nap: sick was put back as it was before"


def test_no_engine_there(nap: Nap, tmp_path: Path) -> None:
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    file = write_app(tmp_path / "any.yml", {"web": sleeper()}, name="any")
    ended = nap("up", "-f", file, env=nowhere, code=Exit.PARTIAL)
    assert len(ended.errors) == 1
    assert f"there is no socket {tmp_path}/nobody.sock" in ended.errors[0]


def compose(nap: Nap, *words: str) -> list[str]:
    """What the real Compose prints on the same engine."""
    kept = {key: nap.env[key] for key in ("PATH", "HOME", "DOCKER_HOST")}
    done = subprocess.run(
        [compose_binary(), *words],
        env=kept,
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
