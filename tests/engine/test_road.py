"""`up` and `down` from end to end on fake engines: what they do, and what they leave."""

from __future__ import annotations

import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.errors import Locked, NapError
from nap_compose.exits import Exit
from nap_compose.orchestration.checking import State, check
from nap_compose.orchestration.placement.result import NoRoom
from nap_compose.orchestration.steps import looping
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster
from tests.support.nap import eventually
from tests.support.road import Road, picture
from tests.support.views import app

HEALTHCHECK = {"healthcheck": {"test": ["CMD", "true"], "interval": "1s"}}


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db", "cache"):
        cluster.add_image(f"{name}:1")
    return cluster


def shop(**web: Any) -> Any:
    port = {"target": 80, "published": "8080", "protocol": "tcp"}
    need = {"db": {"condition": "service_healthy"}}
    return app({"web": {"ports": [port], "depends_on": need, **web}, "db": HEALTHCHECK})


def writes(fake: FakeCluster) -> list[str]:
    return [f"{call.method} {call.path}" for call in fake.calls("POST|PUT|DELETE")]


def test_up_makes_the_app_and_says_where_it_is(fake: FakeCluster, road: Road) -> None:
    outcome = road.up(shop())
    assert (outcome.state, outcome.exit_code) == ("done", Exit.DONE)
    rows = road.rows("shop")
    assert {slot: row.state for slot, row in rows.items()} == {
        "web.1": "running",
        "db.1": "running",
    }
    assert rows["web.1"].host != rows["db.1"].host
    assert [entry.url for entry in outcome.published] == list(rows["web.1"].urls)
    assert rows["web.1"].urls[0].endswith(":8080")


def test_the_dependent_starts_only_when_its_need_is_healthy(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-db-1", Behaviour(healthy_after=0.4))
    road.up(shop())
    order = [event.step for event in road.events if event.phase.value == "done"]
    assert order.index("wait:db.1") < order.index("start:web.1")


def test_a_second_up_changes_nothing(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    before = picture(fake)
    fake.forget()
    outcome = road.up(shop())
    assert outcome.state == "unchanged"
    assert writes(fake) == []
    assert picture(fake) == before


def test_a_second_up_asks_each_host_a_fixed_number_of_times(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    fake.forget()
    road.up(shop())
    few = len(fake.calls())
    road.up(shop(deploy={"replicas": 1}), scale={"db": 30})
    fake.forget()
    road.up(shop(deploy={"replicas": 1}), scale={"db": 30})
    assert len(fake.calls()) == few


def test_a_changed_service_is_replaced_and_the_other_is_not(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    before = road.rows("shop")
    outcome = road.up(shop(environment={"COLOUR": "red"}))
    after = road.rows("shop", stopped=True)
    assert outcome.state == "done"
    assert after["db.1"].id == before["db.1"].id
    assert after["web.1"].id != before["web.1"].id
    assert len(after) == 2, "the old one is gone"
    assert (before["web.1"].revision, after["web.1"].revision) == (1, 2)


def test_orphans_stay_until_told(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    rest = app({"db": HEALTHCHECK})
    assert road.up(rest).plan.orphans == ("web.1",)
    assert set(road.rows("shop")) == {"web.1", "db.1"}
    road.up(rest, remove_orphans=True)
    assert set(road.rows("shop", stopped=True)) == {"db.1"}


def test_down_leaves_nothing_but_volumes(fake: FakeCluster, road: Road) -> None:
    mount = {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}
    with_data = app({"db": {**HEALTHCHECK, **mount}}, volumes={"data": {"name": "shop_data"}})
    road.up(with_data)
    assert road.down().state == "done"
    assert picture(fake) == {"h1": [], "h2": [], "h3": []}
    assert [len(engine.world.volumes) for engine in fake].count(1) == 1
    assert fake.calls("DELETE", "/networks/.*")
    home = next(engine.name for engine in fake if engine.world.volumes)
    road.up(with_data)
    assert road.rows("shop")["db.1"].host == home, "data stays where it is"
    road.down(volumes=True)
    assert all(not engine.world.volumes for engine in fake)
    assert road.down().state == "unchanged"


def test_anonymous_volumes_go_with_the_named_ones(fake: FakeCluster, road: Road) -> None:
    scratch = {"volumes": [{"type": "volume", "target": "/scratch"}]}
    road.up(app({"web": scratch}))
    road.down()
    assert sum(len(engine.world.volumes) for engine in fake) == 1, "data stays until it is told"
    road.up(app({"web": scratch}, name="other"))
    road.down("other", volumes=True)
    assert sum(len(engine.world.volumes) for engine in fake) == 1


def test_an_unhealthy_service_is_told_with_its_words_and_leaves_nothing(
    fake: FakeCluster, road: Road
) -> None:
    sick = Behaviour(
        healthy_after=None, unhealthy_after=0.2, output=("opening /data",), probe="no table"
    )
    fake.behave("*-db-1*", sick)
    outcome = road.up(shop())
    assert (outcome.state, outcome.exit_code) == ("rolled back", Exit.FAILED)
    failure = outcome.failures[0]
    assert (failure.subject, failure.reason) == ("db.1", "unhealthy")
    assert "opening /data" in failure.log
    assert "no table" in failure.probe
    assert picture(fake) == {"h1": [], "h2": [], "h3": []}
    assert outcome.left == ()


def test_a_bad_update_brings_the_old_one_back(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    before = picture(fake)
    fake.behave("*-web-1.*", Behaviour(refuses="exec: no such file"))
    outcome = road.up(shop(command=["nonsense"]))
    assert outcome.state == "rolled back"
    assert picture(fake) == before
    assert road.up(shop()).state == "unchanged"


def test_a_service_that_is_never_ready_ends_with_the_timeout(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-db-1*", Behaviour(healthy_after=None))
    outcome = road.up(shop(), timeout=0.5)
    assert outcome.state == "rolled back"
    assert "not ready in time" in outcome.failures[0].reason


def test_one_that_crashes_right_after_its_start_is_found(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-web-1*", Behaviour(exits_after=0.05, exit_code=3))
    fake.behave("*-cache-1*", Behaviour(healthy_after=0.6))
    outcome = road.up(app({"web": {}, "cache": HEALTHCHECK}))
    assert outcome.state == "rolled back"
    assert outcome.failures[0].reason == "exited with code 3"


def test_one_that_crashes_in_its_first_moments_is_found(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-web-1*", Behaviour(exits_after=0.2, exit_code=3))
    (failure,) = road.up(app({"web": {}})).failures
    assert (failure.subject, failure.reason) == ("web.1", "exited with code 3")
    assert failure.host in ("h1", "h2", "h3")
    assert road.events[-1].error == "web.1 exited with code 3"


def test_a_crash_loop_ends_the_wait_with_its_reason(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looping, "PATIENCE", 0.5)
    crashing = Behaviour(exits_after=0.05, exit_code=3, healthy_after=None, loops=True)
    fake.behave("*-web-1*", crashing)
    (failure,) = road.up(app({"web": HEALTHCHECK})).failures
    assert failure.reason.startswith("keeps restarting: exited with code 3, ")


def test_one_that_comes_up_after_some_restarts_is_waited_for(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looping, "PATIENCE", 0.0)
    crashing = Behaviour(exits_after=0.05, exit_code=3, healthy_after=None, loops=True)
    fake.behave("*-web-1*", crashing)
    with ThreadPoolExecutor() as pool:
        rising = pool.submit(road.up, app({"web": HEALTHCHECK}))
        eventually(lambda: _restarts(fake) >= 2, "its restarts")
        for engine in fake:
            with engine.world.lock:
                for container in engine.world.containers.values():
                    container.behaviour = Behaviour()
        assert rising.result().state == "done"


def _restarts(fake: FakeCluster) -> int:
    every = [each for engine in fake for each in engine.world.containers.values()]
    return sum(each.restarts for each in every)


def test_a_start_is_tried_again_where_an_engine_misses_its_cluster_store(
    fake_cluster: MakeCluster,
) -> None:
    fake = fake_cluster(2, "consul")
    for image in ("web:1", "db:1"):
        fake.add_image(image)
    gone = "failed to update store for object type *libnetwork.endpointCnt: connection refused"
    faults = [
        engine.fault("POST", "/containers/.*/start", status=500, message=gone, times=1)
        for engine in fake
    ]
    assert Road.on(fake).up(shop()).state == "done"
    assert sum(fault.hit for fault in faults) == 2


def test_an_endpoint_that_a_broken_start_left_behind_is_let_go(fake_cluster: MakeCluster) -> None:
    fake = fake_cluster(2, "consul")
    fake.add_image("web:1")
    road = Road.on(fake)
    name, network = "ada_shop-web-1", "ada_shop_default"
    taken = f"endpoint with name {name} already exists in network {network}"
    for engine in fake:
        engine.fault("POST", "/containers/.*/start", status=403, message=taken, times=1)
    assert road.up(app({"web": {}})).state == "done"
    host = road.rows()["web.1"].host
    let_go = {engine.name: engine.calls("POST", "/networks/.*/disconnect") for engine in fake}
    (helper,) = (engine.name for engine in fake if engine.name != host)
    assert [call.body for call in let_go[helper]] == [{"Container": name, "Force": True}]
    assert let_go[host] == []

    fake[host].fault("POST", "/containers/.*/start", status=403, message=taken, times=1)
    assert road.act("restart").state == "done"
    assert len(fake[helper].calls("POST", "/networks/.*/disconnect")) == 2


@pytest.mark.parametrize("alive", [False, True])
def test_an_endpoint_of_nobodys_does_not_keep_a_network(
    fake_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch, alive: bool
) -> None:
    monkeypatch.setattr("nap_compose.orchestration.steps.shared.FREES", 0.0)
    monkeypatch.setattr("nap_compose.orchestration.steps.shared.LETS_GO", 2.0)
    fake = fake_cluster(2, "consul")
    fake.add_image("web:1")
    road = Road.on(fake)
    road.up(app({"web": {}}))
    name, network = "ada_shop-gone-1", "ada_shop_default"
    if alive:
        road.behind().parts.engines.on("h2").create_container(name, {"Image": "web:1"})
    shown = {"Name": network, "Scope": "global", "Containers": {"ep-1": {"Name": name}}}
    body = json.dumps(shown).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    held = f"network {network} has active endpoints"
    for engine in fake:
        engine.fault("DELETE", "/networks/.+", status=403, message=held, times=3)
        engine.fault("GET", "/networks/.+", garbage=head + body, times=1)
    assert road.down().state == "done"
    let_go = [call for engine in fake for call in engine.calls("POST", "/networks/.*/disconnect")]
    assert [call.body for call in let_go] == ([] if alive else [{"Container": name, "Force": True}])


def test_an_endpoint_that_may_be_anothers_stays(fake_cluster: MakeCluster) -> None:
    fake = fake_cluster(2, "consul")
    fake.add_image("web:1")
    name = "ada_shop-web-1"
    taken = f"endpoint with name {name} already exists in network ada_shop_default"
    road = Road.on(fake)
    engines = road.behind().parts.engines
    for engine in fake:
        engine.fault("POST", "/containers/.*/start", status=403, message=taken)
    asked = {"deploy": {"placement": {"constraints": ["node.hostname == h1"]}}}
    engines.on("h2").create_container(name, {"Image": "web:1"})
    outcome = road.up(app({"web": asked}))
    assert outcome.state == "rolled back"
    assert "already exists in network" in outcome.failures[0].reason
    assert not any(engine.calls("POST", "/networks/.*/disconnect") for engine in fake)


def test_in_a_swarm_a_host_starts_one_at_a_time_and_stops_none_meanwhile(
    fake_cluster: MakeCluster,
) -> None:
    fake = fake_cluster(2, "swarm")
    fake.add_image("web:1")
    road = Road.on(fake)
    six = {"deploy": {"replicas": 6, "update_config": {"parallelism": 0}}}
    road.up(app({"web": six}))
    fake.forget()
    for engine in fake:
        engine.fault("POST", "/containers/.*/start", delay=0.2)
    assert road.up(app({"web": {**six, "environment": {"A": "1"}}})).state == "done"
    for engine in fake:
        starts = sorted(call.at for call in engine.calls("POST", "/containers/.*/start"))
        stops = [call.at for call in engine.calls("POST", "/containers/.*/stop")]
        assert (len(starts), len(stops)) == (3, 3)
        assert all(later - earlier >= 0.2 for earlier, later in pairwise(starts))
        assert not any(at <= stop < at + 0.2 for at in starts for stop in stops)


def test_in_a_swarm_apps_bring_their_networks_to_a_host_one_after_another(
    fake_cluster: MakeCluster,
) -> None:
    fake = fake_cluster(2, "swarm")
    fake.add_image("web:1")
    for engine in fake:
        engine.fault("POST", "/containers/.*/start", delay=0.5)
    two = {"deploy": {"replicas": 2}}
    apps = [app({"web": two}, name) for name in ("one", "other", "third")]
    with ThreadPoolExecutor(len(apps)) as pool:
        outcomes = pool.map(lambda each: Road.on(fake).up(each), apps)
        assert {outcome.state for outcome in outcomes} == {"done"}
    for engine in fake:
        starts = sorted(call.at for call in engine.calls("POST", "/containers/.*/start"))
        assert len(starts) == len(apps)
        assert all(later - earlier >= 0.5 for earlier, later in pairwise(starts))


def test_a_job_that_ends_well_lets_its_dependents_start(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-db-1*", Behaviour(exits_after=0.2))
    need = {"db": {"condition": "service_completed_successfully"}}
    outcome = road.up(app({"web": {"depends_on": need}, "db": {}}))
    assert outcome.state == "done"
    assert road.rows("shop", stopped=True)["db.1"].exit_code == 0


def test_a_job_that_fails_stops_its_dependents(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-db-1*", Behaviour(exits_after=0.2, exit_code=7))
    need = {"db": {"condition": "service_completed_successfully"}}
    outcome = road.up(app({"web": {"depends_on": need}, "db": {}}))
    assert outcome.failures[0].reason == "exited with code 7"
    assert not fake.calls("POST", r"/containers/.*web.*/start")


def test_an_unknown_image_changes_nothing(fake: FakeCluster, road: Road) -> None:
    outcome = road.up(app({"web": {"image": "nosuch/image:9"}, "db": {}}))
    assert outcome.exit_code == Exit.FAILED
    assert outcome.failures[0].subject == "image nosuch/image:9"
    assert picture(fake) == {"h1": [], "h2": [], "h3": []}
    assert not fake.calls("POST", "/networks/create")


def test_an_image_on_one_host_reaches_the_others(fake: FakeCluster, road: Road) -> None:
    fake["h2"].add_image("own:1")
    outcome = road.up(app({"web": {"image": "own:1", "deploy": {"replicas": 3}}}))
    assert outcome.state == "done"
    assert {row.host for row in road.rows("shop").values()} == {"h1", "h2", "h3"}
    assert not fake.calls("POST", "/images/create"), "streamed, not pulled"


def test_a_port_that_is_taken_everywhere_is_no_room(fake: FakeCluster, road: Road) -> None:
    other = Road(road.cluster, who="bob")
    port = {"target": 80, "published": "8080", "protocol": "tcp"}
    other.up(app({"web": {"ports": [port], "deploy": {"replicas": 3}}}, name="taken"))
    before = picture(fake)
    with pytest.raises(NoRoom) as error:
        road.up(shop())
    assert set(error.value.table.values()) == {
        f"port 8080 held by bob/taken/web.{n}" for n in (1, 2, 3)
    }
    assert picture(fake) == before


def test_two_users_may_have_an_app_of_one_name(fake: FakeCluster, road: Road) -> None:
    other = Road(road.cluster, who="bob")
    small = app({"web": {}})
    road.up(small)
    other.up(small)
    other.down()
    assert set(road.rows("shop")) == {"web.1"}


def test_a_host_that_is_down_is_named_and_the_others_are_used(
    fake: FakeCluster, road: Road
) -> None:
    fake["h1"].stop()
    outcome = road.up(shop())
    assert outcome.state == "done" and outcome.exit_code == Exit.DONE
    assert [host.name for host in outcome.plan.unseen] == ["h1"]
    assert {row.host for row in road.rows("shop").values()} == {"h2", "h3"}


def test_what_never_came_to_be_is_not_missed_on_a_lost_host(fake: FakeCluster, road: Road) -> None:
    sick = Behaviour(healthy_after=None, unhealthy_after=0.1)
    fake.behave("*-db-1*", sick)
    assert road.up(shop()).state == "rolled back"
    fake.behave("*-db-1*", Behaviour(healthy_after=0.1))
    placed = road.up(shop(), dry_run=True).plan.summary
    home = next(line.host for line in placed if line.subject == "web.1")
    fake[home].stop()
    outcome = road.up(shop())
    assert (outcome.state, outcome.exit_code) == ("done", Exit.DONE)
    assert set(road.rows("shop")) == {"web.1", "db.1"}


def test_a_network_waits_for_the_swarms_new_leader(fake: FakeCluster, road: Road) -> None:
    lost = "rpc error: code = Unknown desc = raft: failed to process the request: node lost leader"
    fault = fake["h1"].fault("POST", "/networks/create", status=500, message=lost, times=1)
    assert road.up(shop()).state == "done"
    assert fault.hit == 1
    fault = fake["h1"].fault("DELETE", "/networks/.*", status=500, message=lost, times=1)
    assert road.down().state == "done"
    assert fault.hit == 1


def test_what_a_lost_host_had_is_left_alone(fake: FakeCluster, road: Road) -> None:
    road.up(shop())
    lost = road.rows("shop")["web.1"].host
    fake[lost].stop()
    outcome = road.up(shop(environment={"A": "1"}))
    assert outcome.exit_code == Exit.PARTIAL
    assert outcome.state == "unchanged"
    unknown = road.rows("shop")["web.1"]
    assert (unknown.state, unknown.host) == ("unknown", lost)
    fake[lost].start()
    assert road.up(shop(environment={"A": "1"})).state == "done"


def test_all_hosts_down(fake: FakeCluster, road: Road) -> None:
    for engine in fake:
        engine.stop()
    with pytest.raises(NapError, match="no host answers") as error:
        road.up(shop())
    assert error.value.exit_code is Exit.PARTIAL


def test_a_forged_container_is_nobody_s(fake: FakeCluster, road: Road) -> None:
    """Labels alone, as an image could carry them, make a container neither seen nor removed."""
    from nap_compose.cluster.engine_client import DockerEngine

    road.up(shop())
    row = road.rows("shop")["web.1"]
    client = DockerEngine(fake[row.host].host())
    labels = dict(client.inspect_container(row.id)["Config"]["Labels"])
    labels["io.nap.service"] = "db"
    client.create_container("forged", {"Image": "web:1", "Labels": labels})
    client.close()
    assert set(road.rows("shop", stopped=True)) == {"web.1", "db.1"}
    road.down()
    assert [name for names in picture(fake).values() for name, *_ in names] == ["forged"]


def test_ctrl_c_lets_running_steps_end_and_stops_nothing(fake: FakeCluster, road: Road) -> None:
    fake.behave("*-db-1*", Behaviour(healthy_after=30))

    def press(event: Any) -> None:
        if event.step == "start:db.1" and event.phase.value == "done":
            road.hand.press()

    road.on_event = press
    outcome = road.up(shop())
    assert outcome.state == "interrupted" and outcome.exit_code == Exit.INTERRUPTED
    assert road.rows("shop")["db.1"].state == "running"
    fake.behave("*-db-1*", Behaviour())
    road.hand.level = 0
    road.on_event = lambda event: None
    road.up(shop(), force_recreate=True)
    assert {row.state for row in road.rows("shop").values()} == {"running"}


def test_two_deployments_of_one_app_exclude_each_other(fake: FakeCluster, road: Road) -> None:
    refused: list[Locked] = []

    def second(event: Any) -> None:
        if event.step == "create:db.1" and not refused:
            try:
                Road(road.cluster).up(shop())
            except Locked as locked:
                refused.append(locked)

    road.on_event = second
    assert road.up(shop()).state == "done"
    assert refused and "ada" in str(refused[0])


def test_a_dry_run_touches_nothing(fake: FakeCluster, road: Road) -> None:
    outcome = road.up(shop(), dry_run=True)
    assert outcome.state == "planned" and not outcome.plan.empty
    assert writes(fake) == []
    assert picture(fake) == {"h1": [], "h2": [], "h3": []}


def test_no_secret_of_the_environment_stands_in_labels_or_logs(
    fake: FakeCluster, road: Road
) -> None:
    road.up(shop(environment={"TOKEN": "s3cr3t-value"}))
    for engine in fake:
        for container in engine.world.containers.values():
            assert "s3cr3t-value" not in str(container.body.get("Labels"))
    kept = [path.read_bytes() for path in road.cluster.state_dir.rglob("*") if path.is_file()]
    assert kept and not [text for text in kept if b"s3cr3t-value" in text]


@pytest.mark.parametrize("change", ["new", "update", "scale down"])
def test_every_step_is_to_do_before_and_done_after(
    change: str, fake: FakeCluster, road: Road
) -> None:
    """What `check` tells of a plan from the views before and after it ran."""
    if change != "new":
        road.up(shop(deploy={"replicas": 1}), scale={"db": 2})
    goal = {"environment": {"A": "1"}} if change == "update" else {}
    plan = road.up(shop(**goal), dry_run=True).plan
    assert plan.steps
    before = {step.id: check(step, plan, road.view()) for step in plan.steps}
    assert State.CONFLICT not in before.values()
    assert State.TODO in before.values()
    plan = road.up(shop(**goal)).plan
    after = {step.id: check(step, plan, road.view()) for step in plan.steps}
    assert set(after.values()) == {State.DONE}, after


def test_fences_grow_also_when_the_state_store_was_lost(fake: FakeCluster, road: Road) -> None:
    """A new store counts from the start again; the containers know better."""
    far_ahead = Road(replace(road.cluster, state_dir=road.cluster.state_dir / "lost"))
    SqliteStore(far_ahead.cluster.state_dir / "state.sqlite").close()
    with sqlite3.connect(far_ahead.cluster.state_dir / "state.sqlite") as lost:
        lost.execute("UPDATE counter SET version = ?", (10**17,))
    lost.close()
    far_ahead.up(shop())
    road.up(shop(environment={"A": "1"}))
    fences = {c.identity.slot: c.identity.fence for c in road.view().of_app("ada", "shop")}
    assert fences["web.1"] > fences["db.1"] > 10**17


def test_a_swarm_that_chooses_a_leader_is_waited_for(fake: FakeCluster, road: Road) -> None:
    assert fake.overlay
    fake.overlay.quorum = False
    threading.Timer(0.7, lambda: setattr(fake.overlay, "quorum", True)).start()
    assert road.up(shop()).state == "done"


def test_but_not_for_ever(fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fake.overlay
    fake.overlay.quorum = False
    monkeypatch.setattr("nap_compose.control.road.looking.ELECTION", 0.3)
    with pytest.raises(NapError, match="quorum"):
        road.up(shop())
    assert picture(fake) == {"h1": [], "h2": [], "h3": []}
