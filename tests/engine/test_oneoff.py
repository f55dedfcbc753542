"""`run` across the border, on fake engines: what is made, where, what breaks, and what is left."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nap_compose.border import Control, Ended, Made, RunRequest, Signalled
from nap_compose.compose.model import App
from nap_compose.compose.oneoff import Changes, oneoff_app
from nap_compose.errors import NapError
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster, Process
from tests.support.console import ScriptedConsole, typed
from tests.support.road import Hand, Road
from tests.support.views import app

HEALTHCHECK = {"healthcheck": {"test": ["CMD", "true"], "interval": "1s"}}
NEEDS_DB = {"db": {"condition": "service_healthy"}}


def cat(process: Process) -> int:
    while data := process.read(65536):
        process.out(data)
    return 7


def stays(process: Process) -> int:
    process.out(b"ready")
    threading.Event().wait(20)
    return 0


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    cluster.behave("*", Behaviour())
    for engine in cluster:
        engine.programs |= {"cat": cat, "stays": stays}
    return cluster


@pytest.fixture
def control(road: Road) -> Iterator[Control]:
    control = road.control()
    yield control
    control.close()


def shop(**web: Any) -> App:
    return app({"web": {"depends_on": NEEDS_DB, "scale": 2, **web}, "db": HEALTHCHECK})


def make(control: Control, whole: App, changes: Changes | None = None, **more: Any) -> Made:
    changes = changes or Changes(command=("cat",))
    wanted = oneoff_app(whole, "web", changes, folder="/")
    request = RunRequest(app=wanted, whole=whole, service="web", **more)
    return control.make_oneoff(request, lambda _: None, Hand())


def talk(control: Control, made: Made, console: ScriptedConsole) -> Ended:
    return control.run_oneoff(made, console)


def body(fake: FakeCluster, made: Made) -> Any:
    """What the engine was asked to make."""
    calls = fake.calls("POST", "/containers/create")
    (found,) = [call.body for call in calls if call.query["name"] == made.container]
    return found


def test_it_runs_with_what_it_needs_and_ends_with_its_own_code(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    console = ScriptedConsole(*typed("hello"))
    made = make(control, shop())
    result = talk(control, made, console)
    assert (result.code, result.detached) == (7, False)
    assert console.shown["stdout"] == b"hello"
    rows = road.rows("shop", stopped=True)
    assert rows["db.1"].state == "running"
    assert (rows["web.0"].name, rows["web.0"].state) == (made.container, "exited")
    assert made.container.startswith("ada_shop-web-run-")


def test_what_is_made(fake: FakeCluster, control: Control) -> None:
    port = {"target": 80, "published": "8080", "protocol": "tcp"}
    whole = shop(ports=[port], restart="always", container_name="fixed", environment={"A": "1"})
    made = make(control, whole, remove=True)
    asked = body(fake, made)
    labels = asked["Labels"]
    assert labels["com.docker.compose.oneoff"] == "True"
    assert labels["com.docker.compose.slug"] == made.container.rpartition("-")[2]
    assert labels["com.docker.compose.container-number"] == "1"
    assert labels["io.nap.service"] == "web"
    assert labels["io.nap.seal"]
    assert asked["Env"] == ["A=1"]
    assert (asked["OpenStdin"], asked["StdinOnce"], asked["AttachStdin"]) == (True, True, True)
    host = asked["HostConfig"]
    assert host["AutoRemove"] is True
    assert "PortBindings" not in host
    assert host.get("RestartPolicy", {"Name": "no"})["Name"] in ("", "no")
    (endpoint,) = asked["NetworkingConfig"]["EndpointsConfig"].values()
    assert endpoint["Aliases"] == [made.container]


def test_it_may_answer_to_the_service_s_names(fake: FakeCluster, control: Control) -> None:
    whole = shop(networks={"default": {"aliases": ["www"]}})
    asked = body(fake, make(control, whole, use_aliases=True))
    (endpoint,) = asked["NetworkingConfig"]["EndpointsConfig"].values()
    assert {"web", "www"} < set(endpoint["Aliases"])


def test_the_service_s_own_replicas_stay_as_they_are(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    road.up(shop())
    before = {slot: (row.id, row.host) for slot, row in road.rows("shop").items()}
    revision = road.rows("shop")["web.1"].revision
    fake.forget()
    made = make(control, shop(), name="mine")
    talk(control, made, ScriptedConsole(*typed("")))
    assert made.container == "ada_mine"
    assert {slot: (row.id, row.host) for slot, row in road.rows("shop").items()} == before
    rows = road.rows("shop", stopped=True)
    assert rows["web.0"].revision == revision
    assert [call.path for call in fake.calls("POST", ".*/(stop|kill|restart)")] == []
    assert road.up(shop()).state == "unchanged"


def test_data_decides_where_it_runs(fake: FakeCluster, road: Road, control: Control) -> None:
    mount = {"type": "volume", "source": "data", "target": "/data"}
    whole = app(
        {"web": {"volumes": [mount]}, "db": HEALTHCHECK}, volumes={"data": {"name": "shop_data"}}
    )
    road.up(whole)
    home = road.rows("shop")["web.1"].host
    assert {make(control, whole).host for _ in range(3)} == {home}


def test_a_name_that_is_taken_on_any_host(fake: FakeCluster, control: Control) -> None:
    """A second one elsewhere would be created, and hang where it joins the overlay network."""
    there = make(control, shop(), name="mine").host
    for host in ("h1", "h2", "h3"):
        pinned = shop(deploy={"placement": {"constraints": [f"node.hostname == {host}"]}})
        with pytest.raises(NapError, match="ada_mine is taken by another container") as taken:
            make(control, pinned, name="mine", no_deps=True)
        assert taken.value.host == there


def test_what_it_needs_that_fails_is_told(fake: FakeCluster, control: Control) -> None:
    fake.behave("db:1", Behaviour(exits_after=0.0, exit_code=3))
    made = make(control, shop(), timeout=5.0)
    assert made.container == ""
    assert made.outcomes[-1].state == "rolled back"


def test_a_job_that_it_needs_must_end_well(fake: FakeCluster, control: Control) -> None:
    whole = app(
        {
            "web": {"depends_on": {"db": {"condition": "service_completed_successfully"}}},
            "db": {"command": ["job"]},
        }
    )
    fake.behave("db:1", Behaviour(exits_after=0.3, exit_code=0))
    assert make(control, whole).container


def test_alone_it_brings_nothing_up(fake: FakeCluster, road: Road, control: Control) -> None:
    made = make(control, shop(), no_deps=True)
    talk(control, made, ScriptedConsole(*typed("")))
    assert set(road.rows("shop", stopped=True)) == {"web.0"}


def test_one_that_is_left_alone(fake: FakeCluster, road: Road, control: Control) -> None:
    made = make(control, shop())
    assert control.run_oneoff(made, None).detached
    assert road.rows("shop")["web.0"].state == "running"
    assert road.down().exit_code == 0
    assert road.rows("shop", stopped=True) == {}


def test_a_signal_reaches_it_and_a_second_one_ends_it(fake: FakeCluster, control: Control) -> None:
    made = make(control, shop(), Changes(command=("deaf",)), remove=True)
    fake[made.host].fault("POST", ".*/kill", status=204, times=1)  # it heeds no SIGINT

    def deaf(_: Process) -> int:
        ends = time.monotonic() + 30
        while len(fake.calls("POST", ".*/kill")) < 2 and time.monotonic() < ends:
            time.sleep(0.01)
        return 137

    fake[made.host].programs["deaf"] = deaf
    console = ScriptedConsole(Signalled(signal.SIGINT), Signalled(signal.SIGINT))
    assert talk(control, made, console).code == 137
    first, second = fake.calls("POST", ".*/kill")
    assert (first.query["signal"], second.query["signal"]) == ("SIGINT", "SIGKILL")


def test_one_that_nobody_hears_any_more_goes_with_rm(fake: FakeCluster, control: Control) -> None:
    class Closed(ScriptedConsole):
        def show(self, source: str, data: bytes) -> None:
            raise BrokenPipeError

    made = make(control, shop(), Changes(command=("stays",)), remove=True)
    with pytest.raises(BrokenPipeError):
        talk(control, made, Closed())
    assert fake.calls("POST", ".*/kill")


def test_one_that_can_t_be_started_is_not_left(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    fake.behave("web:1", Behaviour(refuses='exec: "cat": executable file not found in $PATH'))
    made = make(control, shop())
    with pytest.raises(NapError, match="can't be started: exec"):
        talk(control, made, ScriptedConsole())
    assert "web.0" not in road.rows("shop", stopped=True)


def test_a_host_that_dies_before_it_starts(fake: FakeCluster, control: Control) -> None:
    made = make(control, shop())
    fake[made.host].stop()
    with pytest.raises(NapError):
        talk(control, made, ScriptedConsole())
