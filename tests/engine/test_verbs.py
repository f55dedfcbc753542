"""start, stop, restart, kill, rm, pause, unpause and wait from end to end on fake engines."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import Target
from nap_compose.cluster import placements
from nap_compose.control.parts import Parts
from nap_compose.errors import Away, NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.logs.deployment_lines import DeploymentLines
from nap_compose.orchestration.plan import Change
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster, FakeEngine
from tests.peer.compose import program
from tests.support.nap import Nap
from tests.support.road import Road, picture
from tests.support.views import app

HEALTHCHECK = {"healthcheck": {"test": ["CMD", "true"], "interval": "1s"}}
NEED = {"db": {"condition": "service_healthy", "restart": True}}


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db", "cache"):
        cluster.add_image(f"{name}:1")
    return cluster


def shop(**web: Any) -> Any:
    return app(
        {
            "web": {"depends_on": NEED, "deploy": {"replicas": 2}, **web},
            "db": HEALTHCHECK,
            "cache": {},
        }
    )


def states(road: Road) -> dict[str, str]:
    return {slot: row.state for slot, row in road.rows("shop", stopped=True).items()}


def everywhere(state: str) -> dict[str, str]:
    return dict.fromkeys(("web.1", "web.2", "db.1", "cache.1"), state)


def behaves(fake: FakeCluster, name: str, behaviour: Behaviour) -> None:
    """From its next start on, the container whose name ends so does that."""
    (found,) = [
        each
        for engine in fake
        for each in engine.world.containers.values()
        if each.name.endswith(name)
    ]
    found.behaviour = behaviour


def test_stop_and_start_keep_every_container(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    ids = {slot: row.id for slot, row in road.rows("shop").items()}
    assert road.act("stop").state == "done"
    assert states(road) == everywhere("exited")
    assert road.act("stop").state == "unchanged"
    assert road.act("start").state == "done"
    assert states(road) == everywhere("running")
    assert {slot: row.id for slot, row in road.rows("shop").items()} == ids
    assert road.up(shop()).state == "unchanged", "the next up has nothing to do"


def test_a_start_waits_for_the_health_that_others_need(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    road.act("stop")
    behaves(fake, "-db-1", Behaviour(healthy_after=0.4))
    road.events.clear()
    road.act("start", "web.1")
    ended = [event.subject for event in road.events if event.phase.value == "done"]
    assert ended == ["db.1", "db.1", "web.1"]
    assert states(road) == {**everywhere("exited"), "db.1": "running", "web.1": "running"}


def test_a_start_whose_need_stays_unhealthy_fails_with_its_words(
    fake: FakeCluster, road: Road
) -> None:
    road.up(shop())
    road.act("stop")
    sick = Behaviour(healthy_after=None, unhealthy_after=0.2, probe="no table")
    behaves(fake, "-db-1", sick)
    outcome = road.act("start")
    assert (outcome.state, outcome.exit_code) == ("failed", Exit.FAILED)
    assert [(each.subject, each.reason) for each in outcome.failures] == [("db.1", "unhealthy")]
    assert "no table" in outcome.failures[0].probe
    assert {states(road)["web.1"], states(road)["web.2"]} == {"exited"}


def test_what_a_start_says_was_printed_last_is_of_that_start(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-db-1*", Behaviour(output=("all is well",)))
    road.up(shop())
    road.act("stop")
    sick = Behaviour(healthy_after=None, unhealthy_after=0.2, output=("no table",))
    behaves(fake, "-db-1", sick)
    time.sleep(1.1)  # times are compared to the second
    (failure,) = road.act("start").failures
    assert failure.log == ("no table",)


def test_a_restart_reaches_one_replica_wherever_it_is(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    before = picture(fake)
    fake.forget()
    assert road.act("restart", "web.2").state == "done"
    host = road.rows("shop")["web.2"].host
    assert [engine.name for engine in fake if engine.calls("POST")] == [host]
    assert picture(fake) == before


def test_in_a_swarm_a_host_restarts_one_at_a_time(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {"deploy": {"replicas": 6}}}))
    for engine in fake:
        engine.fault("POST", "/containers/.*/start", delay=0.15)
    fake.forget()
    road.act("restart", "web", grace=2.0)
    for engine in fake:
        starts = sorted(call.at for call in engine.calls("POST", "/containers/.*/start"))
        stops = engine.calls("POST", "/containers/.*/stop")
        assert len(starts) == len(stops) == 2
        assert {call.query["t"] for call in stops} == {"2"}
        assert starts[1] - starts[0] >= 0.15


def test_kill_pause_unpause_and_rm(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    road.act("pause", "web")
    assert states(road) == {**everywhere("running"), "web.1": "paused", "web.2": "paused"}
    assert road.act("pause", "web").state == "unchanged"
    del road.events[:]
    road.act("unpause")
    assert states(road) == everywhere("running")
    assert {each.text for each in road.events if each.subject} >= {"unpausing", "unpaused"}
    assert not any(each.text.startswith("start") for each in road.events)
    road.act("kill", "cache", signal="SIGHUP")
    assert states(road)["cache.1"] == "running"
    road.act("kill", "cache", "web.2")
    rows = road.rows("shop", stopped=True)
    assert (rows["cache.1"].exit_code, rows["web.2"].state) == (137, "exited")
    road.act("rm")
    assert states(road) == {"web.1": "running", "db.1": "running"}
    road.act("rm", "web", stop_first=True)
    assert states(road) == {"db.1": "running"}


def test_what_was_removed_is_not_taken_for_unseen(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    gone = road.rows("shop")["web.2"].host
    road.act("rm", "web.2", stop_first=True)
    parts = Parts(road.cluster)
    known = placements.read(parts.store, "ada", "shop")
    parts.close()
    assert set(known) == {"web.1", "db.1", "cache.1"}
    fake[gone].stop()
    assert road.up(shop()).plan.summary[-1].subject != "web.2"
    fake[gone].start()


def test_a_host_that_was_not_seen_is_named_and_the_rest_is_done(
    fake: FakeCluster, road: Road
) -> None:
    road.up(shop())
    rows = road.rows("shop")
    away = rows["web.1"].host
    lost = sorted(slot for slot, row in rows.items() if row.host == away)
    fake[away].stop()
    outcome = road.act("stop")
    fake[away].start()
    assert (outcome.state, outcome.exit_code) == ("done", Exit.PARTIAL)
    unseen = [line.subject for line in outcome.plan.summary if line.change is Change.UNSEEN]
    assert sorted(unseen) == lost
    assert "run `nap stop` again when the host is back" in outcome.notes
    assert {slot for slot, state in states(road).items() if state == "running"} == set(lost)


def test_what_is_not_there_is_refused_by_name(fake: FakeCluster, road: Road) -> None:
    with pytest.raises(WrongUse, match="there is no app shop"):
        road.act("stop")
    road.up(shop())
    with pytest.raises(WrongUse, match="no service 'wbe'") as refused:
        road.act("restart", "wbe")
    assert refused.value.hint == "did you mean 'web'?"
    with pytest.raises(WrongUse, match=r"no replica shop/web\.7") as refused:
        road.act("restart", "web.7")
    assert refused.value.hint == "web has 1, 2"
    for engine in fake:
        if engine.name != "h1":
            engine.stop()
    with pytest.raises(Away, match="h2, h3 was not seen"):
        road.act("kill", "nosuch")
    for engine in fake:
        engine.start()


def test_of_a_file_without_containers_only_a_start_complains(road: Road) -> None:
    assert road.act("stop", known_services=("web", "db")).state == "unchanged"
    with pytest.raises(NapError, match="no containers to start"):
        road.act("start", known_services=("web", "db"))


@pytest.mark.parametrize("verb", ["stop", "kill", "rm"])
def test_what_vanishes_meanwhile_is_gone_enough(fake: FakeCluster, road: Road, verb: str) -> None:
    road.up(app({"web": {}}))
    row = road.rows("shop")["web.1"]
    engine = fake[row.host]
    engine.fault("POST", "/containers/.*/(stop|kill)", status=404, message="No such container")
    engine.fault("DELETE", "/containers/.*", status=404, message="No such container")
    assert road.act(verb, **({"stop_first": True} if verb == "rm" else {})).state == "done"


@pytest.mark.parametrize("verb", ["start", "restart", "pause"])
def test_what_vanishes_meanwhile_can_not_go_on(fake: FakeCluster, road: Road, verb: str) -> None:
    road.up(app({"web": {}}))
    if verb == "start":
        road.act("stop")
    engine = fake[road.rows("shop", stopped=True)["web.1"].host]
    engine.fault("POST", "/containers/.*/(start|pause)", status=404, message="No such container")
    outcome = road.act(verb)
    assert outcome.state == "failed"
    (failure,) = outcome.failures
    assert (failure.subject, failure.host) == ("web.1", engine.name)
    assert failure.hint


def test_a_signal_that_is_none_is_the_engines_to_refuse(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {}}))
    for engine in fake:
        engine.fault("POST", "/containers/.*/kill", status=400, message="invalid signal: SIGFOO")
    (failure,) = road.act("kill", signal="SIGFOO").failures
    assert "invalid signal: SIGFOO" in failure.reason


def test_the_books_tell_of_it(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    road.act("stop", "web")
    lines = DeploymentLines(road.cluster.logs.dir, "ada", "shop")
    assert lines.any()
    parts = Parts(road.cluster)
    record = parts.records.app("ada", "shop")
    assert record is not None
    verbs = [(each.verb, each.outcome) for each in parts.records.deployments(record.id, 10)]
    parts.close()
    assert verbs == [("stop", "done"), ("up", "done")]


def test_hooks_run_as_they_do_with_up_and_down(fake: FakeCluster, road: Road) -> None:
    hooks = {
        "post_start": [{"command": ["warm"]}],
        "pre_stop": [{"command": ["drain"]}],
    }
    for engine in fake:
        engine.programs.update(warm=lambda _: 0, drain=lambda _: 0)
    assert road.up(app({"web": hooks})).state == "done"
    fake.forget()
    road.act("restart")
    (engine,) = [each for each in fake if each.calls("POST")]
    asked = [call.path.rpartition("/")[2] for call in engine.calls("POST")]
    assert asked == ["exec", "start", "stop", "start", "exec", "start"]
    commands = [call.body["Cmd"] for call in engine.calls("POST", "/containers/.*/exec")]
    assert commands == [["drain"], ["warm"]]


class TestWaiting:
    def test_each_end_comes_as_it_happens(self, fake: FakeCluster, road: Road) -> None:
        fake.behave("*-db-1", Behaviour(exits_after=1.5, exit_code=7))
        fake.behave("*-cache-1", Behaviour(exits_after=1.0))
        plain = app({"web": {}, "db": {}, "cache": {}})
        road.up(plain, no_start=True)
        road.act("start")
        control = road.control()
        targets = (Target("shop", "", "db"), Target("shop", "", "cache"))
        ends = list(control.wait(Target("shop"), targets))
        assert [(each.subject, each.code) for each in ends] == [("cache.1", 0), ("db.1", 7)]
        with pytest.raises(NapError, match="no container of db, cache runs, so there is no end"):
            list(control.wait(Target("shop"), targets))
        with pytest.raises(WrongUse, match="no service 'nosuch'"):
            list(control.wait(Target("shop"), (Target("shop", "", "nosuch"),)))
        control.close()

    def test_a_container_that_vanishes_is_said(self, fake: FakeCluster, road: Road) -> None:
        road.up(app({"web": {}}))
        for engine in fake:
            engine.fault("POST", "/containers/.*/wait", status=404, message="No such container")
        control = road.control()
        with pytest.raises(NapError, match=r"web\.1 was removed in the meantime"):
            list(control.wait(Target("shop"), ()))
        control.close()


APP = """
name: shop
services:
  web: {image: "web:1", depends_on: {db: {condition: service_started, restart: true}}, scale: 2}
  db: {image: "db:1"}
  cache: {image: "cache:1", depends_on: [web]}
"""

SCRIPTS = [
    [("restart", "db")],
    [("restart", "--no-deps", "db")],
    [("restart", "-t", "3")],
    [("stop", "web"), ("start", "cache"), ("stop", "-t", "2"), ("start",)],
    [("stop",), ("restart", "web")],
    [("pause", "web"), ("stop", "cache"), ("unpause", "web")],
    [("kill", "-s", "HUP", "web"), ("kill", "web"), ("rm", "-f"), ("rm", "-f", "-s", "-v")],
    [("scale", "cache=3", "--no-deps"), ("scale", "cache=1", "--no-deps")],
    [("stop",), ("rm", "-f"), ("create", "db"), ("start", "db")],
]
"""Words in turn, on an app that Compose has brought up."""


class TestBesideCompose:
    """On one host the same words ask the same of the engine."""

    @pytest.fixture
    def engines(self) -> Iterator[tuple[FakeEngine, FakeEngine]]:
        with FakeEngine() as one, FakeEngine() as other:
            for engine in (one, other):
                for name in ("web", "db", "cache"):
                    engine.add_image(f"{name}:1")
            yield one, other

    @pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: " ".join(script[0]))
    def test_the_same_requests(
        self,
        engines: tuple[FakeEngine, FakeEngine],
        tmp_path: Path,
        script: list[tuple[str, ...]],
    ) -> None:
        (tmp_path / "compose.yaml").write_text(APP)
        composes, naps = engines
        nap = Nap(tmp_path, DOCKER_HOST=naps.endpoint)
        for engine in engines:
            compose(engine, tmp_path, "up", "-d")
        for words in script:
            before = [names(engine) for engine in engines]
            for engine in engines:
                engine.forget()
            compose(composes, tmp_path, *words)
            nap(*words)
            wanted, found = (asked(*each) for each in zip(engines, before, strict=True))
            assert found == wanted, words
            assert shown(naps) == shown(composes), words


def compose(engine: FakeEngine, folder: Path, *words: str) -> None:
    binary = program()
    assert binary is not None
    done = subprocess.run(
        [binary, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_HOST": engine.endpoint},
        stdin=subprocess.DEVNULL,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def names(engine: FakeEngine) -> dict[str, str]:
    """What each container is called, by id."""
    return {each.id: each.name for each in engine.world.containers.values()}


def asked(engine: FakeEngine, before: dict[str, str]) -> list[tuple[str, str, str, dict[str, str]]]:
    """What was asked for containers, by name; not how they were made."""
    known = {**names(engine), **before}
    found = []
    for call in engine.calls("POST|DELETE", "/containers/.*"):
        container, _, act = call.path.removeprefix("/containers/").partition("/")
        if act in ("rename", "create") or container == "create":
            continue
        query = {key: value for key, value in call.query.items() if key != "force"}
        query |= {"v": "1"} if query.get("v") == "true" else {}
        found.append((call.method, known.get(container, container), act, query))
    return sorted(found, key=str)


def shown(engine: FakeEngine) -> list[tuple[str, str]]:
    return sorted((each.name, each.state) for each in engine.world.containers.values())


def test_a_process_that_was_killed_and_waits_for_its_disk_is_waited_for(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Engines call that a failure, some seconds after the kill."""
    for engine in fake:
        engine.behave("*", Behaviour(stops_in=60, stuck=1.0))
    road.up(app({"web": {}, "db": {}}))
    assert road.act("stop", "web", grace=0).state == "done"
    assert any("waits for its disk" in event.text for event in road.events)
    monkeypatch.setattr("nap_compose.orchestration.steps.ending.STUCK", 0.2)
    outcome = road.down(grace=0)
    assert outcome.state == "failed"
    assert "which the kernel lets nobody interrupt" in outcome.failures[0].reason
    monkeypatch.undo()
    assert road.down(grace=0).state == "done"
