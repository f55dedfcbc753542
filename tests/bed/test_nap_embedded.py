"""nap on one real engine with nothing else: no cluster file, no server, no login."""

from __future__ import annotations

import json
import signal
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
from tests.support.nap import Nap, eventually

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
    up = nap("up", "--wait")
    assert "web.1  http://localhost:7300" in up.out
    table = nap("ps").out.splitlines()
    titles = ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"]
    assert table[0].split() == titles
    db, web = (line.split() for line in table[1:])
    assert (db[0], web[0]) == ("shop-db-1", "shop-web-1")
    assert "(healthy)" in db and web[-1].endswith(":7300->8000/tcp")

    before = everything(bed.hosts)
    again = nap("up", "--wait")
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
    nap("up", "--wait")
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


def test_an_app_that_compose_started_is_taken_over_as_it_is(nap: Nap, bed: Bed, file: Path) -> None:
    compose(nap, "-f", str(file), "up", "-d", "--wait")
    before = everything(bed.hosts)
    assert set(nap.rows("shop")) == {"web.1", "db.1"}
    assert nap("ls", "-q").out == "shop\n"
    assert "serving" in nap("logs", "db", "--no-log-prefix").out
    for _ in range(2):
        assert nap("up", "--wait").out.startswith("nothing to do: shop is up to date\n")
        assert everything(bed.hosts) == before

    nap("up", "--wait", "--scale", "db=2")
    ids = nap.ids("shop")
    nap("up", "--wait", "--force-recreate", "--no-deps", "web")
    after = nap.ids("shop")
    assert {slot for slot in ids if ids[slot] == after[slot]} == {"db.1", "db.2"}


def test_compose_takes_it_back_without_touching_data_or_networks(
    nap: Nap, bed: Bed, file: Path
) -> None:
    nap("up", "--wait")
    ids = nap.ids("shop")
    kept = [line for line in everything(bed.hosts)["h1"] if not line.startswith("container")]
    compose(nap, "-f", str(file), "up", "-d", "--wait")
    after = nap.ids("shop")
    assert not set(ids.values()) & set(after.values())
    now = [line for line in everything(bed.hosts)["h1"] if not line.startswith("container")]
    assert now == kept
    compose(nap, "-f", str(file), "up", "-d", "--wait")
    assert nap.ids("shop") == after
    assert nap("up", "--wait").out.startswith("nothing to do: shop is up to date\n")


def test_a_network_is_made_anew_under_containers_that_stay(nap: Nap, bed: Bed, file: Path) -> None:
    nap("up", "--wait")
    ids = nap.ids("shop")
    written = file.read_text()
    file.write_text(written + "networks: {default: {labels: {a: b}}}\n")
    nap("up", "--wait")
    assert nap.ids("shop") == ids
    network = docker_api.call(bed.hosts[0], "GET", "/networks/shop_default")
    assert network["Labels"]["a"] == "b"
    inspected = docker_api.call(bed.hosts[0], "GET", "/containers/shop-web-1/json")
    assert "web" in inspected["NetworkSettings"]["Networks"]["shop_default"]["Aliases"]

    file.write_text(written.replace("data: {}", "data: {labels: {a: b}}"))
    ended = nap("up", "--wait", code=Exit.UNANSWERED)
    assert ended.errors == [
        "nap: the definition of volume data changed; made anew, it would lose its data"
    ]
    assert nap.ids("shop") == ids
    nap("up", "--wait", "-y")
    volume = docker_api.call(bed.hosts[0], "GET", "/volumes/shop_data")
    assert volume["Labels"]["a"] == "b"


def test_hooks_run_in_the_container(nap: Nap, bed: Bed, tmp_path: Path) -> None:
    hooked = sleeper(
        post_start=[{"command": ["sh", "-c", "echo $$A > /tmp/said"], "environment": {"A": "hi"}}],
        pre_stop=[{"command": ["sh", "-c", "cp /tmp/said /data/said"]}],
        volumes=["data:/data"],
    )
    failing = sleeper(post_start=[{"command": ["sh", "-c", "exit 3"]}])
    with unchanged(bed.hosts):
        path = tmp_path / "hooked.yml"
        write_app(path, {"web": hooked}, name="hooked", volumes={"data": {}})
        nap("up", "--wait", "-f", path)
        nap("down", "hooked", "-t", "1")
        write_app(
            path, {"web": sleeper(volumes=["data:/data"])}, name="hooked", volumes={"data": {}}
        )
        nap("up", "--wait", "-f", path)
        assert nap("exec", "-T", "-f", path, "web", "cat", "/data/said").out == "hi\n"
        nap("down", "hooked", "-v", "-t", "1")
        ended = nap(
            "up", "--wait", "-f", write_app(path, {"web": failing}, name="hooked"), code=Exit.FAILED
        )
        assert any("`sh -c 'exit 3'` ended with code 3" in line for line in ended.said)


def test_a_container_that_another_tool_removed_is_made_again(
    nap: Nap, bed: Bed, file: Path
) -> None:
    nap("up", "--wait")
    before = nap.ids("shop")
    docker_api.call(bed.hosts[0], "DELETE", "/containers/shop-web-1", query={"force": "1"})
    nap("up", "--wait")
    after = nap.ids("shop")
    assert after["db.1"] == before["db.1"]
    assert after["web.1"] != before["web.1"]


def test_a_name_that_somebody_elses_container_has_is_refused_and_left_to_it(
    nap: Nap, bed: Bed, tmp_path: Path
) -> None:
    (host,) = bed.hosts
    taken = docker_api.call(host, "POST", "/containers/create?name=taken", {"Image": "busybox:1"})
    file = write_app(tmp_path / "named.yml", {"web": sleeper(container_name="taken")}, name="named")
    try:
        with unchanged(bed.hosts):
            ended = nap("up", "-f", file, "-d", "--force-recreate", code=Exit.FAILED)
        assert "the name taken is taken by a container that isn't this app's" in ended.err
    finally:
        docker_api.call(host, "DELETE", f"/containers/{taken['Id']}?force=1")


def test_a_service_that_never_gets_healthy_leaves_nothing(
    nap: Nap, bed: Bed, tmp_path: Path
) -> None:
    probe = {"test": ["CMD-SHELL", "echo not yet; exit 1"], "interval": "500ms", "retries": 1000}
    sick = write_app(tmp_path / "sick.yml", {"web": sleeper(healthcheck=probe)}, name="sick")
    with unchanged(bed.hosts):
        ended = nap("up", "-f", sick, "--wait", "--wait-timeout", "2", code=Exit.FAILED)
    assert "       | exit 1: not yet" in ended.said
    assert ended.errors[-1] == "nap: sick was put back as it was before"


def test_detached_it_does_not_wait_for_health(nap: Nap, bed: Bed, tmp_path: Path) -> None:
    probe = {"test": ["CMD-SHELL", "exit 1"], "interval": "500ms", "retries": 1000}
    sick = write_app(tmp_path / "sick.yml", {"web": sleeper(healthcheck=probe)}, name="sick")
    with unchanged(bed.hosts):
        nap("up", "-d", "-f", sick)
        assert nap.rows("sick")["web.1"]["State"] == "running"
        nap("down", "sick", "-t", "0")


FOREGROUND = {
    "web": {
        "image": "busybox:1",
        "depends_on": ["db"],
        "command": 'sh -c \'trap "echo bye; exit 9" TERM; echo hello; echo oops >&2; '
        "while true; do sleep 0.1; done'",
    },
    "db": {"image": "busybox:1", "command": "sh -c 'echo db up; sleep 1; echo db ends; exit 7'"},
}


@pytest.fixture
def shown(bed: Bed, tmp_path: Path, nap: Nap) -> Iterator[Path]:
    """An app whose second service ends by itself, with code 7."""
    with unchanged(bed.hosts):
        yield write_app(tmp_path / "shown.yml", FOREGROUND, name="shown")
        nap("down", "shown", "-t", "1")


@pytest.mark.parametrize(
    "words",
    [
        "--abort-on-container-exit",
        "--abort-on-container-failure --no-log-prefix",
        "--exit-code-from web",
        "--exit-code-from db --no-attach web",
        "--attach db",
        "db",
    ],
)
def test_in_the_foreground_it_does_what_compose_does(nap: Nap, shown: Path, words: str) -> None:
    command = ["-f", str(shown), "up", "-t", "1", *words.split()]
    theirs = composed(nap, *command)
    compose(nap, "-f", str(shown), "down", "-t", "1")
    ours = nap(*command, code=theirs.returncode)
    erased = [line.removeprefix("\x1b[K") for line in theirs.stdout.splitlines() if line]
    missed, more = (
        set(map(squeezed, one)) - set(map(squeezed, other))
        for one, other in ((erased, ours.out.splitlines()), (ours.out.splitlines(), erased))
    )
    # What a container says as it is stopped comes too late for Compose now and then.
    assert not missed and more <= {"web-1 | bye", "bye", "web-1 exited with code 9"}
    assert ("oops" in ours.err) == ("oops" in theirs.stderr)


def squeezed(line: str) -> str:
    """A line whatever the width of the names in front of it."""
    return " ".join(line.split())


def test_ctrl_c_in_the_foreground_stops_what_was_brought_up(nap: Nap, shown: Path) -> None:
    with nap.start("-f", shown, "up", "-t", "5") as up:
        up.until("oops")
        up.signal(signal.SIGINT)
        ended = up.ended()
    assert ended.code == Exit.INTERRUPTED
    assert "nap: stopping the app; press Ctrl-C again to kill it" in ended.said
    assert ended.out.splitlines()[0] == "Attaching to db-1, web-1"
    assert {"web-1  | bye", "web-1 exited with code 9"} <= set(ended.out.splitlines())
    states = {slot: row["State"] for slot, row in nap.rows("shown").items()}
    assert states == {"web.1": "exited", "db.1": "exited"}

    # Of what runs already only what it prints from now on is shown; of what is started, all.
    nap("-f", shown, "up", "-d")
    with nap.start("-f", shown, "up", "-t", "30", "web") as up:
        assert up.process.stdout is not None
        assert up.process.stdout.readline() == "Attaching to web-1\n"
        eventually(lambda: nap.rows("shown")["db.1"]["State"] == "exited", "db has ended")
        nap("-f", shown, "exec", "-T", "web", "sh", "-c", "echo later > /proc/1/fd/1")
        assert up.process.stdout.readline() == "web-1  | later\n"
        up.signal(signal.SIGINT)
        up.until("press Ctrl-C again")
        up.signal(signal.SIGINT)
        ended = up.ended()
    assert ended.code == Exit.INTERRUPTED
    assert nap.rows("shown")["web.1"]["State"] == "exited"


def test_a_changed_file_rebuilds_what_runs_in_the_foreground(
    nap: Nap, bed: Bed, tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    page = tmp_path / "src" / "page"
    page.write_text("first\n")
    (tmp_path / "Dockerfile").write_text("FROM busybox:1\nCOPY src /src\n")
    web = {
        "build": ".",
        "init": True,
        "command": "sh -c 'cat /src/page; sleep 1000000'",
        "develop": {"watch": [{"path": "./src", "action": "rebuild"}]},
    }
    file = write_app(tmp_path / "rebuilt.yml", {"web": web}, name="rebuilt")
    with nap.start("up", "-f", file, "--watch", "-t", "0") as up:
        up.until("1 path is watched for rebuilt")
        page.write_text("second\n")
        up.until("web: rebuilt")
        up.signal(signal.SIGINT)
        ended = up.ended()
    assert ended.code == Exit.INTERRUPTED
    said = [line for line in ended.out.splitlines() if "|" in line]
    assert said == ["web-1  | first", "web-1  | second"]
    nap("down", "rebuilt", "-t", "0")


def test_no_engine_there(nap: Nap, tmp_path: Path) -> None:
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    file = write_app(tmp_path / "any.yml", {"web": sleeper()}, name="any")
    ended = nap("up", "-f", file, env=nowhere, code=Exit.PARTIAL)
    assert len(ended.errors) == 1
    assert f"there is no socket {tmp_path}/nobody.sock" in ended.errors[0]


def compose(nap: Nap, *words: str) -> list[str]:
    """What the real Compose prints on the same engine."""
    done = composed(nap, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def composed(nap: Nap, *words: str) -> subprocess.CompletedProcess[str]:
    """How the real Compose ends on the same engine."""
    kept = {key: nap.env[key] for key in ("PATH", "HOME", "DOCKER_HOST")}
    return subprocess.run(
        [compose_binary(), *words],
        env=kept,
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
