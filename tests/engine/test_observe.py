"""Looking at a cluster: everything that answers, and by name what doesn't."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from nap_compose.cluster import labels as label
from nap_compose.cluster.cluster import Cluster, Reserve
from nap_compose.cluster.engines import ClusterEngines, engines_of
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.names import container_name, set_aside_name, temporary_name
from nap_compose.cluster.observe import OURS, Part, Whose, observe
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.view import Absence, HostState, PublishedPort
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster

SEAL = Seal(b"the cluster's key")


def run(
    engines: ClusterEngines,
    host: str,
    service: str,
    *,
    app: str = "shop",
    owner: str = "ada",
    under: str = "",
    seal: Seal | None = SEAL,
    cluster: str = "test",
    **body: object,
) -> str:
    """A container as nap makes one, sealed under its slot's name; gives its id."""
    project = f"{owner}_{app}" if owner else app
    identity = Identity(cluster, owner, app, service, 1, 1, "d1", project=project, config_hash="h")
    name = container_name(project, service, 1)
    labels = label.write(identity, name=name, seal=seal)
    engine = engines.on(host)
    made = engine.create_container(under or name, {"Image": "app:1", "Labels": labels, **body})
    engine.start_container(made)
    return made


@pytest.fixture
def three(fake_cluster: MakeCluster) -> FakeCluster:
    made = fake_cluster(3)
    made.add_image("app:1", ExposedPorts={"80/tcp": {}})
    return made


def test_everything_that_is_there(three: FakeCluster) -> None:
    engines = engines_of(three.cluster)
    three.behave("*-db-*", Behaviour(healthy_after=None))
    ports = {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}, "Binds": ["data:/data"]}
    run(engines, "h1", "web", HostConfig=ports)
    run(engines, "h2", "db", Healthcheck={"Test": ["CMD", "true"]})
    engines.on("h1").create_network({"Name": "n", "Driver": "overlay", "Attachable": True})
    three["h3"].labels = ["disk=ssd", "odd"]
    three["h3"].skew = 90

    view = observe(engines, three.cluster, seal=SEAL)

    assert list(view.hosts) == ["h1", "h2", "h3"]
    assert view.unseen == ()
    web, db = view.hosts["h1"].containers[0], view.hosts["h2"].containers[0]
    assert web.name == "ada_shop-web-1"
    assert (web.state, web.health, web.exit_code) == ("running", "none", None)
    assert web.ports == (PublishedPort(8080, 80),)
    assert web.volumes == ("data",)
    assert web.networks == ("bridge",)
    assert web.identity
    assert web.identity.slot == "web.1"
    assert db.health == "starting"
    assert [each.name for each in view.of_app("ada", "shop")] == ["ada_shop-db-1", web.name]
    h3 = view.hosts["h3"]
    assert (h3.cpus, h3.memory, h3.arch, h3.os) == (4, 8 << 30, "amd64", "linux")
    assert (h3.engine, h3.api, h3.address) == ("28.5.2", "1.51", "127.0.0.3")
    assert h3.engine_labels == {"disk": "ssd", "odd": ""}
    assert h3.skew == pytest.approx(90, abs=1)
    assert view.hosts["h1"].skew == pytest.approx(0, abs=1)
    assert h3.swarm.control
    assert h3.has_image("app:1")
    overlay = next(each for each in h3.networks if each.name == "n")
    assert (overlay.driver, overlay.scope, overlay.attachable) == ("overlay", "swarm", True)
    assert [each.name for each in view.hosts["h1"].volumes] == ["data"]


def test_what_people_want_of_hosts_and_what_hosts_keep(three: FakeCluster) -> None:
    hosts = dict(three.cluster.hosts)
    hosts["h1"] = replace(hosts["h1"], labels={"zone": "a", "disk": "hdd"}, reserve=Reserve(0.5, 1))
    cluster = replace(three.cluster, hosts=hosts)
    view = observe(
        engines_of(cluster),
        cluster,
        states={"h1": HostState.CORDONED},
        labels={"h1": {"disk": "ssd"}},
    )
    h1 = view.hosts["h1"]
    assert h1.state is HostState.CORDONED
    assert view.hosts["h2"].state is HostState.ACTIVE
    assert h1.labels == {"zone": "a", "disk": "ssd"}
    assert (h1.cpus, h1.memory) == (3.5, (8 << 30) - 1)


def test_hosts_that_don_t_answer_are_named_and_not_waited_for(fake_cluster: MakeCluster) -> None:
    five = fake_cluster(5)
    five["h2"].stop()
    five["h3"].fault(hang=True)
    five["h4"].fault("GET", "/info", status=500, message="out of order")
    five["h5"].fault("GET", "/containers/json", garbage=b"\0\0\0")
    began = time.monotonic()
    view = observe(engines_of(five.cluster), five.cluster, deadline=0.6)
    assert time.monotonic() - began < 8  # the one that hangs would never answer
    assert list(view.hosts) == ["h1"]
    assert [(each.name, each.why) for each in view.unseen] == [
        ("h2", Absence.UNREACHABLE),
        ("h3", Absence.TIMEOUT),
        ("h4", Absence.BROKEN),
        ("h5", Absence.BROKEN),
    ]
    assert "nothing listens on 127.0.0.2:" in view.unseen[0].text
    assert view.unseen[1].text == "no answer within 0.6 s"
    assert view.unseen[2].text == "out of order"


def test_an_answer_that_makes_no_sense(three: FakeCluster) -> None:
    engine = three["h2"]
    body = b'[{"Names": null}]'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    engine.fault("GET", "/containers/json", garbage=head + body)
    view = observe(engines_of(three.cluster), three.cluster)
    assert list(view.hosts) == ["h1", "h3"]
    assert [(each.name, each.why) for each in view.unseen] == [("h2", Absence.BROKEN)]


def test_all_hosts_are_asked_at_once(fake_cluster: MakeCluster) -> None:
    many = fake_cluster(12)
    for engine in many:
        engine.latency = 0.4
    began = time.monotonic()
    view = observe(engines_of(many.cluster), many.cluster, only={Part.CONTAINERS})
    assert len(view.hosts) == 12
    assert time.monotonic() - began < 5  # 12 hosts with two calls each take 9.6 s in a row


@pytest.mark.parametrize("few", [1, 0])
def test_a_few_hosts_are_asked_everything_at_once(
    fake_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("nap_compose.cluster.observe.FEW", few)
    fake = fake_cluster(1)
    fake["h1"].fault("GET", "/info", hang=True)
    view = observe(engines_of(fake.cluster), fake.cluster, deadline=3.0)
    assert [each.why for each in view.unseen] == [Absence.TIMEOUT]
    beside = {"/containers/json", "/networks", "/volumes", "/images/json"} if few else set()
    assert {call.path for call in fake.calls()} == {"/info", *beside}


def test_only_what_is_asked_for(three: FakeCluster) -> None:
    view = observe(engines_of(three.cluster), three.cluster, only={Part.NETWORKS}, hosts={"h2"})
    assert list(view.hosts) == ["h2"]
    assert [str(each) for each in three.calls()] == ["GET /networks"]
    assert view.hosts["h2"].networks


def test_a_look_costs_one_call_a_host_however_many_containers(three: FakeCluster) -> None:
    engines = engines_of(three.cluster)
    for number in range(30):
        run(engines, "h1", f"s{number}")
    three.forget()
    view = observe(engines, three.cluster, seal=SEAL, only={Part.CONTAINERS}, whose=OURS)
    assert len(view.hosts["h1"].containers) == 30
    assert len(three.calls()) == 3


def test_whose_containers(three: FakeCluster) -> None:
    engines, cluster = engines_of(three.cluster), three.cluster
    ours = run(engines, "h1", "web")
    other = run(engines, "h1", "web", app="blog")
    named_alike = run(engines, "h1", "web", owner="bob")
    forged = run(engines, "h1", "evil", seal=Seal(b"another key"))
    unsealed = run(engines, "h1", "bare", seal=None)
    elsewhere = run(engines, "h1", "far", cluster="lab-2")
    foreign = engines.on("h1").create_container("foreign", {"Image": "app:1"})

    def seen(whose: Whose) -> dict[str, bool]:
        view = observe(engines, cluster, seal=SEAL, whose=whose, only={Part.CONTAINERS})
        return {each.id: each.identity is not None for each in view.containers()}

    assert seen(Whose("ada", "shop")) == {ours: True}
    assert seen(OURS) == {ours: True, other: True, named_alike: True}
    everybody = seen(Whose(foreign=True))
    assert {each for each in everybody if everybody[each]} == {ours, other, named_alike}
    assert set(everybody) == {ours, other, named_alike, forged, unsealed, elsewhere, foreign}
    wanted = three["h1"].calls("GET", "/containers/json")[0].query["filters"]
    assert wanted == '{"label": ["io.nap.app=shop", "io.nap.owner=ada"]}'


@pytest.mark.parametrize(
    "under",
    [
        "ada_shop-web-1",
        temporary_name("ada_shop-web-1", "0123456789"),
        set_aside_name("ada_shop-web-1", "0123456789"),
        "renamed-by-hand",
    ],
)
def test_a_container_is_known_under_each_name_of_its_slot(three: FakeCluster, under: str) -> None:
    engines = engines_of(three.cluster)
    run(engines, "h1", "web", under=under)
    (found,) = observe(engines, three.cluster, seal=SEAL).of_app("ada", "shop")
    assert found.name == under


def test_a_seal_doesn_t_move_to_another_slot(three: FakeCluster) -> None:
    """Nobody makes a container of theirs that of another by copying its labels."""
    engines = engines_of(three.cluster)
    run(engines, "h1", "web")
    stolen = dict(three["h1"].container("ada_shop-web-1").labels)
    stolen[label.SERVICE] = "db"
    engines.on("h2").create_container("ada_shop-db-1", {"Image": "app:1", "Labels": stolen})
    view = observe(engines, three.cluster, seal=SEAL)
    assert [each.host for each in view.of_app("ada", "shop")] == ["h1"]


def test_embedded_needs_no_seal(fake_cluster: MakeCluster) -> None:
    one = fake_cluster(1, None)
    one.add_image("app:1")
    host = one["h1"].host()
    cluster = Cluster("", {"local": replace(host, name="local")}, one.state_dir, one.cluster.logs)
    engines = engines_of(cluster)
    run(engines, "local", "web", owner="", seal=None, cluster="")
    view = observe(engines, cluster, whose=Whose("", "shop"))
    assert [each.name for each in view.of_app("", "shop")] == ["shop-web-1"]


def test_what_has_ended(three: FakeCluster) -> None:
    engines = engines_of(three.cluster)
    three.behave("*", Behaviour(exits_after=0, exit_code=3))
    run(engines, "h1", "job")
    (job,) = observe(engines, three.cluster, seal=SEAL).of_app("ada", "shop")
    assert (job.state, job.exit_code) == ("exited", 3)
    assert job.status.startswith("Exited (3)")


def test_notices_name_the_hosts_reached_without_tls(three: FakeCluster) -> None:
    (notice,) = engines_of(three.cluster).notices()
    assert notice.startswith("hosts h1, h2, h3 are reached over plain TCP")
    hosts = {"h1": replace(three.cluster.hosts["h1"], endpoint="unix:///run/docker.sock")}
    assert engines_of(replace(three.cluster, hosts=hosts)).notices() == ()
