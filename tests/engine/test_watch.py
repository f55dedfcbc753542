"""`nap health watch` on fake engines: what it hears, what it starts again, what it leaves alone."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from nap_compose.border import HappeningRequest, Target, WatchRequest
from nap_compose.clock import utc_now
from nap_compose.cluster import failures
from nap_compose.cluster.cluster import Cluster, Failover, Storage
from nap_compose.control.late import FOLDER
from nap_compose.control.parts import Parts
from nap_compose.control.watching.listening import Listener
from nap_compose.db.open import FILE_NAME
from nap_compose.db.records import Records, RecordsAway
from nap_compose.health.proof import FENCED, Proof, StoredProofs
from nap_compose.health.records import ContainerRecord
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.nap import eventually
from tests.support.road import Road
from tests.support.views import app

ALWAYS = {"restart": "always"}


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    return cluster


@pytest.fixture
def road(fake: FakeCluster) -> Road:
    made = Road.on(fake)
    made.cluster = replace(made.cluster, failover=Failover(after=1.0, sweep=1.0))
    return made


@dataclass
class Watcher:
    """One that keeps watch beside the test."""

    road: Road
    said: list[str] = field(default_factory=list)
    level: int = 0

    def run(self) -> None:
        control = self.road.control()
        try:
            control.watch_health(WatchRequest(), self.said.append, self)
        finally:
            control.close()

    def until(self, word: str, within: float = 20.0) -> str:
        def found() -> str:
            return next((line for line in self.said if word in line), "")

        return eventually(found, f"{word!r} among {self.said}", within=within)


@contextmanager
def watching(road: Road) -> Iterator[Watcher]:
    watcher = Watcher(road)
    thread = threading.Thread(target=watcher.run, daemon=True)
    thread.start()
    try:
        watcher.until(" leads")
        yield watcher
    finally:
        watcher.level = 1
        thread.join(timeout=20)
        assert not thread.is_alive()


def records(road: Road) -> dict[str, ContainerRecord]:
    control = road.control()
    try:
        return {each.slot: each for each in control.health(Target()).containers}
    finally:
        control.close()


def texts(road: Road) -> list[str]:
    control = road.control()
    try:
        return [each.text for each in control.health_events(HappeningRequest(Target()))]
    finally:
        control.close()


def end(fake: FakeCluster, row: Any, code: int) -> None:
    world = fake[row.host].world
    with world.lock:
        world.end(world.containers[row.id], code)


def state(road: Road, slot: str) -> str:
    return str(road.rows("shop", stopped=True)[slot].state)


def soon(look: Callable[[], bool], what: str) -> None:
    eventually(look, what, within=15)


def failed_on(road: Road) -> dict[str, list[str]]:
    parts = Parts(road.cluster)
    try:
        found = failures.read_all(parts.store)
        return {host: [each.slot for each in failed] for host, failed in found.items()}
    finally:
        parts.close()


def test_a_container_that_crashes_is_started_again_at_once(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": ALWAYS}))
    (web,) = road.rows("shop").values()
    body = next(each.body for engine in fake for each in engine.calls("POST", "/containers/create"))
    assert body["HostConfig"]["RestartPolicy"] == {"Name": "no"}, "the watcher does it"
    with watching(road) as watcher:
        soon(lambda: "web.1" in records(road), "the first sweep")
        end(fake, web, 3)
        soon(lambda: state(road, "web.1") == "running", "started again")
        watcher.until(f"web.1 on {web.host} was started again, since it had ended with code 3")
        soon(lambda: records(road)["web.1"].restarts == 1, "counted")
        soon(lambda: failed_on(road) == {web.host: ["web.1"]}, "remembered against its host")
    assert any("running → exited (3)" in text for text in texts(road))


def test_one_that_crashes_again_and_again_is_given_ever_more_time(
    fake: FakeCluster, road: Road
) -> None:
    policy = {"condition": "any", "delay": "100ms", "max_attempts": 2, "window": "5s"}
    road.up(app({"web": {"deploy": {"restart_policy": policy}}}))
    (web,) = road.rows("shop").values()
    with watching(road) as watcher:
        soon(lambda: "web.1" in records(road), "the first sweep")
        for _ in range(3):
            soon(lambda: state(road, "web.1") == "running", "it runs")
            end(fake, web, 1)
        watcher.until("web.1 is given up: it was started 2 times and ended with code 1 each time")
    assert state(road, "web.1") == "exited"


def test_one_that_stays_unhealthy_is_started_again(fake: FakeCluster, road: Road) -> None:
    failover = Failover(after=1.0, sweep=1.0, unhealthy=0.5)
    road.cluster = replace(road.cluster, failover=failover)
    probe = {"healthcheck": {"test": "true", "interval": "300ms"}}
    road.up(app({"web": {**ALWAYS, **probe}, "db": probe}))
    rows = road.rows("shop")
    with watching(road) as watcher:
        soon(lambda: len(records(road)) == 2, "the first sweep")
        web = rows["web.1"]
        for row in rows.values():
            world = fake[row.host].world
            with world.lock:
                container = world.containers[row.id]
                container.behaviour = replace(container.behaviour, healthy_after=None,
                                              unhealthy_after=0.0)  # fmt: skip
        watcher.until(f"web.1 on {web.host} was started again, since it was unhealthy")
        soon(lambda: records(road)["web.1"].restarts > 0, "counted")
        assert records(road)["db.1"].health == "unhealthy", "it has no restart policy"
        assert not [line for line in watcher.said if "db.1" in line and "again" in line]


def test_one_that_ends_as_soon_as_it_is_started_is_not_lost_sight_of(
    fake: FakeCluster, road: Road
) -> None:
    """Nobody ever sees it run."""
    policy = {"condition": "any", "delay": "100ms", "max_attempts": 3, "window": "5s"}
    road.up(app({"web": {"deploy": {"restart_policy": policy}}}))
    (web,) = road.rows("shop").values()
    with watching(road) as watcher:
        soon(lambda: "web.1" in records(road), "the first sweep")
        world = fake[web.host].world
        with world.lock:
            container = world.containers[web.id]
            container.behaviour = replace(container.behaviour, exits_after=0.0, exit_code=1)
        watcher.until("web.1 is given up: it was started 3 times and ended with code 1 each time")
        soon(lambda: records(road)["web.1"].restarts == 3, "counted")


def test_what_cannot_be_started_yet_waits_and_keeps_nobody_busy(
    fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    hear = Listener.hosts

    def counted(listener: Listener, wait: float) -> set[str]:
        looks.append(wait)
        return hear(listener, wait)

    monkeypatch.setattr(Listener, "hosts", counted)
    road.up(app({"web": ALWAYS}))
    with watching(road) as watcher:
        soon(lambda: "web.1" in records(road), "the first sweep")
        fake.overlay.quorum = False
        time.sleep(2.5)  # a sweep finds that
        end(fake, road.rows("shop")["web.1"], 3)
        watcher.until("running → exited (3)")
        looks.clear()
        time.sleep(2)
        assert len(looks) < 100
        assert state(road, "web.1") == "exited"
        fake.overlay.quorum = True
        soon(lambda: state(road, "web.1") == "running", "it is started once that is possible")


def test_what_was_stopped_stays_stopped(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": ALWAYS, "db": ALWAYS}))
    with watching(road) as watcher:
        soon(lambda: len(records(road)) == 2, "the first sweep")
        road.act("stop", "web")
        end(fake, road.rows("shop")["db.1"], 3)
        watcher.until("db.1 on")
        soon(lambda: state(road, "db.1") == "running", "what crashed")
        soon(lambda: records(road)["web.1"].state == "exited", "what was stopped is seen")
        time.sleep(2.5)
        assert state(road, "web.1") == "exited"
        road.act("start", "web")
        end(fake, road.rows("shop")["web.1"], 3)
        soon(lambda: records(road)["web.1"].restarts == 1, "it is to run again")


def test_one_without_a_restart_policy_is_left_alone(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {}}))
    (web,) = road.rows("shop").values()
    with watching(road):
        soon(lambda: "web.1" in records(road), "the first sweep")
        end(fake, web, 3)
        soon(lambda: records(road)["web.1"].state == "exited", "seen")
        time.sleep(2)
    assert state(road, "web.1") == "exited"


def test_of_two_watchers_one_leads(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": ALWAYS}))
    with watching(road) as first:
        second = Watcher(road)
        thread = threading.Thread(target=second.run, daemon=True)
        thread.start()
        second.until("stands by")
        first.level = 1
        second.until(" leads", within=60)
        second.level = 1
        thread.join(timeout=20)


def move(fake: FakeCluster, road: Road, slot: str) -> tuple[str, str]:
    """The host of a replica dies, and a person says so: where it was, and where it is then."""
    was = road.rows("shop")[slot].host
    fake[was].stop()
    road.control().confirm_lost(was)
    soon(lambda: running(road, slot) not in (was, "nowhere"), "moved")
    return was, running(road, slot)


def running(road: Road, slot: str) -> str:
    row = road.rows("shop").get(slot)
    return row.host if row is not None and row.state == "running" else "nowhere"


def test_what_ran_on_a_lost_host_is_made_elsewhere_and_the_old_one_goes_when_it_returns(
    fake: FakeCluster, road: Road
) -> None:
    road.up(app({"web": {**ALWAYS, "scale": 2}, "db": {}}))
    with watching(road) as watcher:
        soon(lambda: len(records(road)) == 3, "the first sweep")
        was, now = move(fake, road, "web.2")
        watcher.until(f"web.2 was made on {now}, since {was} is lost")
        soon(lambda: records(road)["web.2"].host == now, "on record")
        fake[was].start()
        watcher.until(f"web.2 of {was} was removed: {now} has it now")
        assert running(road, "web.2") == now
        soon(lambda: not records(road)["web.2"].others, "nothing stale is left")
    history = road.control().history(Target("shop", "ada"))
    assert [row.revision for row in history.rows] == [1], "it is the revision that ran"


@contextmanager
def database_away(_: Road) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as gone:
        gone.setattr("nap_compose.db.open.open_records", _no_records)
        yield


@contextmanager
def schema_of_a_newer_nap(road: Road) -> Iterator[None]:
    """Until this watcher's machine has the newer nap too."""
    file = road.cluster.state_dir / FILE_NAME
    with closing(sqlite3.connect(file, timeout=60)) as database:
        with database:
            database.execute("INSERT INTO schema_version VALUES (99, 'later', '')")
        yield
        with database:
            database.execute("DELETE FROM schema_version WHERE version = 99")


@pytest.mark.parametrize("unwritable", [database_away, schema_of_a_newer_nap])
def test_failover_works_without_the_database_which_hears_of_it_when_it_is_back(
    fake: FakeCluster, road: Road, unwritable: Callable[[Road], AbstractContextManager[None]]
) -> None:
    """The model comes from the state store."""
    road.up(app({"web": {**ALWAYS, "scale": 2}}))
    with watching(road) as watcher:
        soon(lambda: len(records(road)) == 2, "the first sweep")
        with unwritable(road):
            was = road.rows("shop")["web.2"].host
            fake[was].stop()
            _prove(road, was)
            watcher.until("web.2 was made on ")
            assert _late(road) == 1
        soon(lambda: _late(road) == 0, "it is handed in")
    with closing(Parts(road.cluster)) as parts:
        shop = parts.records.app("ada", "shop")
        assert shop is not None
        done = [(each.verb, each.outcome) for each in parts.records.deployments(shop.id)]
    assert done == [("failover", "done"), ("up", "done")]


def _prove(road: Road, host: str) -> None:
    """A host is off: a fence says so."""
    with closing(Parts(road.cluster)) as parts:
        StoredProofs(parts.store).enter(Proof(host, FENCED, "fence", utc_now()))


def _no_records(_: Cluster) -> Records:
    raise RecordsAway("the database doesn't answer")


def _late(road: Road) -> int:
    return len(list((road.cluster.state_dir / FOLDER).glob("*.json")))


def test_a_host_that_consul_does_not_know_is_left_to_people(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {**ALWAYS, "scale": 3}}))
    with watching(road) as watcher:
        soon(lambda: len(records(road)) == 3, "the first sweep")
        fake["h2"].stop()
        watcher.until("h2: up → left: ")
        time.sleep(3)
        assert not [line for line in watcher.said if "was made on" in line]


def test_most_hosts_are_silent_and_nothing_is_done(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {**ALWAYS, "scale": 3}}))
    with watching(road) as watcher:
        soon(lambda: len(records(road)) == 3, "the first sweep")
        fake["h2"].stop()
        fake["h3"].stop()
        watcher.until("2 of 3 hosts don't answer: it is rather this machine that is cut off")
        fake["h2"].start()
        fake["h3"].start()
        watcher.until("h3: left → up")
    assert sorted(road.rows("shop")) == ["web.1", "web.2", "web.3"]


def test_what_keeps_data_on_its_host_waits_for_it(fake: FakeCluster, road: Road) -> None:
    volume = {"type": "volume", "source": "data", "target": "/data"}
    road.up(app({"db": {**ALWAYS, "volumes": [volume]}}, volumes={"data": {}}))
    body = next(each.body for engine in fake for each in engine.calls("POST", "/containers/create"))
    assert body["HostConfig"]["RestartPolicy"]["Name"] == "always", "its engine starts it"
    with watching(road):
        soon(lambda: len(records(road)) == 1, "the first sweep")
        was = road.rows("shop")["db.1"].host
        fake[was].stop()
        road.control().confirm_lost(was)
        time.sleep(3)
        assert "db.1" not in {k for k, row in road.rows("shop").items() if row.state == "running"}


def test_what_writes_to_a_driver_that_hosts_share_is_made_elsewhere_with_proof(
    fake: FakeCluster, road: Road
) -> None:
    road = replace(road, cluster=replace(road.cluster, storage=Storage(shared=("nfs",))))
    volume = {"type": "volume", "source": "data", "target": "/data"}
    nfs = {"driver_opts": {"type": "nfs", "o": "addr=10.0.0.9", "device": ":/data"}}
    road.up(app({"db": {**ALWAYS, "volumes": [volume]}}, volumes={"data": nfs}))
    with watching(road) as watcher:
        soon(lambda: len(records(road)) == 1, "the first sweep")
        was, now = move(fake, road, "db.1")
        watcher.until(f"db.1 was made on {now}, since {was} is lost")
    (made,) = fake[now].calls("POST", "/volumes/create")
    assert made.body["DriverOpts"] == nfs["driver_opts"]


def test_an_app_that_is_down_is_not_brought_back(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": {**ALWAYS, "scale": 3}}))
    with watching(road):
        soon(lambda: len(records(road)) == 3, "the first sweep")
        fake["h2"].stop()
        road.down()
        road.control().confirm_lost("h2")
        time.sleep(3)
        assert not [row for row in road.rows("shop").values() if row.state == "running"]


def test_a_fence_proves_that_a_host_is_off(fake: FakeCluster, road: Road, tmp_path: Any) -> None:
    from nap_compose.control.watching.repair import Repairer
    from nap_compose.errors import NapError
    from nap_compose.health.proof import StoredProofs

    sign = tmp_path / "fenced"
    fences = {"h1": ("sh", "-c", f"echo $NAP_HOST > {sign}"), "h2": ("sh", "-c", "echo no; exit 3")}
    hosts = {
        name: replace(host, fence=fences.get(name, ())) for name, host in road.cluster.hosts.items()
    }
    road.cluster = replace(road.cluster, hosts=hosts)
    repairer = Repairer(road.cluster, None, Watcher(road))  # type: ignore[arg-type]
    repairer.fence("h1")
    assert sign.read_text() == "h1\n"
    with pytest.raises(NapError, match="its fence command ended with code 3: no"):
        repairer.fence("h2")
    assert list(StoredProofs(road.behind()._parts.store).all()) == ["h1"]


def test_prometheus_is_told_what_there_is(fake: FakeCluster, road: Road) -> None:
    import urllib.request

    from nap_compose.control.watching import metrics

    road.up(app({"web": {**ALWAYS, "scale": 2}}))
    with metrics.serve("127.0.0.1:0") as figures:
        assert figures.sweeps == 0
    with metrics.serve("127.0.0.1:19180") as figures:
        control = road.behind()
        from nap_compose.control.watching.watch import watch

        watcher = Watcher(road)
        thread = threading.Thread(
            target=watch, args=(control._parts, watcher, watcher.said.append, figures), daemon=True
        )
        thread.start()
        soon(lambda: figures.sweeps > 0, "a sweep")
        text = urllib.request.urlopen("http://127.0.0.1:19180/metrics").read().decode()
        watcher.level = 1
        thread.join(timeout=20)
        control.close()
    assert 'nap_containers{state="running"} 2.0' in text
    assert 'nap_hosts{state="up"} 3.0' in text
    assert "nap_watcher_leads 1.0" in text
    assert "nap_failovers_total 0.0" in text


def test_on_a_shared_cluster_store_the_dead_ones_name_is_freed_after_the_start(
    fake_cluster: MakeCluster,
) -> None:
    fake = fake_cluster(3, "consul")
    fake.add_image("web:1")
    road = Road.on(fake)
    road.cluster = replace(road.cluster, failover=Failover(after=1.0, sweep=1.0))
    road.up(app({"web": {**ALWAYS, "scale": 3}}))
    with watching(road) as watcher:
        soon(lambda: len(records(road)) == 3, "the first sweep")
        was, now = move(fake, road, "web.2")
        watcher.until(f"web.2 was made on {now}, since {was} is lost")
        successor = road.rows("shop")["web.2"]
        _, last = move(fake, road, "web.2")
        watcher.until(f"web.2 was made on {last}, since {now} is lost")
    asked = [str(call) for call in fake[now].calls("POST")]
    (made,) = (at for at, call in enumerate(asked) if "/disconnect" in call)
    kinds = [call.rsplit("/", 1)[1] for call in asked]
    assert kinds[:made].count("start") == 2, "its own, and the new one's"
    assert "rename" not in kinds, "engine 20.10 loses count of the network's endpoints then"
    (freed,) = (call for call in fake[now].calls("POST") if call.path.endswith("/disconnect"))
    assert freed.body == {"Container": "ada_shop-web-2", "Force": True}
    assert successor.name.startswith("ada_shop-web-2.")
    let_go = [call.body for call in fake[last].calls("POST") if call.path.endswith("/disconnect")]
    assert {"Container": successor.name, "Force": True} in let_go, "it is the dead one by now"
    (network,) = fake[now].container(successor.name).endpoints.values()
    assert "ada_shop-web-2" in network["Aliases"]


def test_hosts_tell_what_is_on_their_disks(fake: FakeCluster, road: Road) -> None:
    road.up(app({"web": ALWAYS}))
    with watching(road):
        control = road.control()
        soon(lambda: len(control.health(Target()).hosts) == 3, "the hosts")
        soon(lambda: all(h.disk is not None for h in control.health(Target()).hosts), "disks")
        control.close()
