"""The engine's door on real engines, an old one and a new one; and the fake beside them.

`story` is played to a fake engine as well, so that tests on the fake stand for something.
"""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, engines, hosts, tls
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.cluster.cluster import Cluster, Host, Logs, Network, Tls
from nap_compose.cluster.engine import EngineAway, EngineError
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.engine_http import Request
from nap_compose.cluster.engines import engines_of
from nap_compose.cluster.networks import NetworkKind, network_offer
from nap_compose.cluster.observe import Part, observe
from nap_compose.cluster.view import Absence, HostState
from nap_compose.errors import Away
from tests.engine.fake_engine import Behaviour, FakeEngine, Overlay
from tests.support.figures import Figure

pytestmark = pytest.mark.bed

SLEEP = ["sleep", "1000"]


@pytest.fixture(scope="module", params=["20", "28"])
def bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    with bring_up(f"door{request.param}", hosts=3, engine=request.param, only=("hosts",)) as bed:
        busybox.load(bed.hosts[0])
        yield bed


def cluster_of(bed: Bed) -> Cluster:
    client = tls.client(bed, "door")
    files = Tls(bed.tls / "ca.pem", client.cert, client.key)
    return Cluster(
        name="bed",
        hosts={host.name: Host(host.name, host.endpoint, tls=files) for host in bed.hosts},
        state_dir=bed.directory,
        logs=Logs(bed.directory / "logs"),
        network=Network(driver="auto"),
    )


@pytest.fixture(scope="module")
def cluster(bed: Bed) -> Cluster:
    return cluster_of(bed)


@pytest.fixture
def door(cluster: Cluster) -> Iterator[DockerEngine]:
    """The first host's engine, emptied of containers afterwards."""
    door = DockerEngine(cluster.hosts["h1"])
    yield door
    for each in door.containers():
        door.remove_container(each["Id"], volumes=True, force=True)
    door.close()


def run(door: DockerEngine, name: str, *command: str, **body: Any) -> str:
    """A container that does as `command` says; gives its id."""
    host_config = {"Init": True, **body.pop("HostConfig", {})}
    image = {"Image": busybox.IMAGE, "Cmd": list(command), "HostConfig": host_config}
    made = door.create_container(name, {**image, **body})
    door.start_container(made)
    return made


def refusal(ask: Callable[[], object]) -> int:
    """The status with which an engine refuses; 0 where it doesn't."""
    try:
        ask()
    except EngineError as error:
        return error.status
    return 0


# -- the fake is like the real ones


def story(door: DockerEngine, image: str) -> list[object]:
    """What an engine makes of the calls that nap makes, told without what differs by nature."""
    told: list[object] = []
    body = {"Image": image, "Cmd": SLEEP, "Labels": {"a": "b"}, "HostConfig": {"Init": True}}
    network = {"Name": "story_net", "Labels": {"n": ""}, "CheckDuplicate": True}

    def state(name: str) -> None:
        found = door.inspect_container(name)
        shown = found["State"]
        told.append((name, shown["Status"], shown["Running"], shown["Paused"], shown["ExitCode"]))

    made = door.create_container("story-1", body)
    state("story-1")
    told.append(refusal(lambda: door.create_container("story-1", body)))
    told.append(refusal(lambda: door.create_container("story-2", {**body, "Image": "no:1"})))
    told.append(refusal(lambda: door.inspect_container("story-2")))
    told.append(refusal(lambda: door.kill_container("story-1")))
    told.append(refusal(lambda: door.pause_container("story-1")))
    told.append(refusal(lambda: door.stop_container("story-1", grace=1)))
    door.start_container(made)
    door.start_container(made)
    state("story-1")
    told.append(refusal(lambda: door.remove_container(made)))
    told.append(refusal(lambda: door.unpause_container(made)))
    door.pause_container(made)
    state("story-1")
    told.append([each["State"] for each in door.containers({"label": ["a=b"]})])
    door.unpause_container(made)
    door.rename_container(made, "story-3")
    state("story-3")
    door.kill_container(made)
    told.append(door.wait_container(made, timeout=20))
    state("story-3")
    told.append([each["State"] for each in door.containers({"label": ["a=b"]})])
    told.append(len(door.containers({"label": ["a=b"]}, every=False)))
    told.append(len(door.containers({"label": ["a="]})))

    net = door.create_network(network)
    told.append(refusal(lambda: door.create_network(network)))
    told.append([each["Scope"] for each in door.networks({"label": ["n"]})])
    door.connect_network(net, {"Container": made, "EndpointConfig": {"Aliases": ["x"]}})
    told.append(sorted(door.inspect_container(made)["NetworkSettings"]["Networks"]))
    door.start_container(made)
    told.append(refusal(lambda: door.remove_network(net)))
    told.append(refusal(lambda: door.connect_network("no_net", {"Container": made})))
    door.disconnect_network(net, "story-3")
    told.append(refusal(lambda: door.disconnect_network("no_net", "story-3", force=True)))
    door.remove_network(net)
    told.append(refusal(lambda: door.remove_network(net)))
    told.append(refusal(lambda: door.remove_network("bridge")))

    door.create_volume({"Name": "story_vol", "Labels": {"v": "1"}})
    again = door.create_volume({"Name": "story_vol", "Labels": {"v": "2"}})
    told.append((again["Name"], again["Labels"]))
    user = door.create_container("story-4", {**body, "HostConfig": {"Binds": ["story_vol:/v"]}})
    told.append(refusal(lambda: door.remove_volume("story_vol")))
    told.append(refusal(lambda: door.remove_volume("story_vol", force=True)))
    mount = door.inspect_container(user)["Mounts"][0]
    told.append((mount["Type"], mount["Name"], mount["Destination"], mount["RW"]))
    door.remove_container(user, volumes=True)
    told.append([each["Name"] for each in door.volumes({"label": ["v=1"]})])
    door.remove_volume("story_vol")
    told.append(refusal(lambda: door.remove_volume("story_vol")))
    told.append(refusal(lambda: door.inspect_volume("story_vol")))
    told.append(refusal(lambda: door.inspect_network("story_net")))

    missing = {**body, "HostConfig": {"NetworkMode": "no_net"}}
    made_5 = door.create_container("story-5", missing)
    told.append(refusal(lambda: door.start_container(made_5)))
    door.tag_image(image, "story/app", "2")
    told.append(refusal(lambda: door.inspect_image("story/app:2")))
    told.append(refusal(lambda: door.remove_image("no:1")))
    door.remove_image("story/app:2")
    told.append(refusal(lambda: door.inspect_image("story/app:2")))
    told.append(refusal(lambda: list(door.save_image("no:1"))))
    told.append(refusal(lambda: list(door.get_archive(made, "/no/such/file"))))
    told.append(refusal(lambda: door.containers({"nonsense": ["x"]})))
    for container in (made, made_5):
        door.remove_container(container, volumes=True, force=True)
    return told


def test_the_fake_tells_the_same_story(door: DockerEngine) -> None:
    real = story(door, busybox.IMAGE)
    with FakeEngine(api=door.api, overlay=Overlay("swarm")) as engine:
        engine.add_image(busybox.IMAGE)
        engine.behave("*", Behaviour())
        fake = story(DockerEngine(engine.host()), busybox.IMAGE)
    assert fake == real


# -- the door


def test_the_version_is_negotiated(bed: Bed, door: DockerEngine) -> None:
    assert door.api == {"20": "1.41", "28": "1.51"}[bed.engine]
    assert door.info()["Name"] == "h1"
    assert door.version()["ApiVersion"] == door.api
    assert "LayersSize" in door.disk_usage()
    agreed = door.api
    door.close()
    assert door._http._at_first(Request("GET", "/networks"))  # the first answer tells it
    assert door._http._api == agreed


def test_stopping(door: DockerEngine) -> None:
    run(door, "deaf", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    began = time.monotonic()
    door.stop_container("deaf", grace=2)
    assert 1.9 < time.monotonic() - began < 30
    assert door.inspect_container("deaf")["State"]["ExitCode"] == 137
    run(door, "polite", "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.1; done")
    door.stop_container("polite")
    assert door.wait_container("polite", timeout=1) == 7


def test_waiting(door: DockerEngine) -> None:
    run(door, "job", "sh", "-c", "sleep 1; exit 3")
    with pytest.raises(EngineAway) as away:
        door.wait_container("job", timeout=0.3)
    assert away.value.why is Absence.TIMEOUT
    assert door.wait_container("job", timeout=20) == 3


def test_a_taken_port(door: DockerEngine) -> None:
    ports = {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}
    run(door, "first", *SLEEP, HostConfig=ports, ExposedPorts={"80/tcp": {}})
    with pytest.raises(EngineError, match="port is already allocated"):
        run(door, "second", *SLEEP, HostConfig=ports, ExposedPorts={"80/tcp": {}})


@pytest.mark.parametrize("tty", [False, True])
def test_logs(door: DockerEngine, tty: bool) -> None:
    long = "x" * 40000
    script = f"echo one; sleep 0.2; echo two >&2; sleep 0.2; printf %s {long}; echo y; echo end"
    run(door, "talks", "sh", "-c", script, Tty=tty)
    door.wait_container("talks", timeout=20)
    lines = list(door.logs("talks"))
    texts = [line.partition(b" ")[2].decode() for _, line in lines]
    if not tty:  # a terminal has one stream, and the engine puts a timestamp into long lines
        assert texts == ["one", "two", f"{long}y", "end"]
    assert [texts[0], texts[1], texts[-1]] == ["one", "two", "end"]
    assert [source for source, _ in lines[:2]] == ["stdout", "stdout" if tty else "stderr"]
    assert [line.partition(b" ")[2] for _, line in door.logs("talks", tail=1)] == [b"end"]
    followed = list(door.logs("talks", follow=True))
    assert followed == lines


def test_following_to_the_end_and_through_a_restart(door: DockerEngine) -> None:
    run(door, "ticks", "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.3; done")
    texts = [line.partition(b" ")[2] for _, line in door.logs("ticks", follow=True)]
    assert texts == [b"1", b"2", b"3", b"4", b"5"]
    run(door, "goes-on", "sh", "-c", "echo up; sleep 1000")
    lines = door.logs("goes-on", follow=True)
    next(lines)
    door.restart_container("goes-on", grace=1)
    list(lines)  # no EngineAway: the first run is over
    assert door.inspect_container("goes-on")["State"]["Running"]


def test_archives(door: DockerEngine) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("app.conf")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    made = door.create_container("files", {"Image": busybox.IMAGE, "Cmd": ["cat", "/etc/app.conf"]})
    door.put_archive(made, "/etc", [packed.getvalue()])
    taken = io.BytesIO(b"".join(door.get_archive(made, "/etc/app.conf")))
    with tarfile.open(fileobj=taken) as archive:
        content = archive.extractfile("app.conf")
        assert content is not None
        assert content.read() == b"hello"
    door.start_container(made)
    door.wait_container(made, timeout=20)
    assert next(door.logs(made))[1].endswith(b" hello")


@pytest.fixture(params=["tls", "unix"])
def either(request: pytest.FixtureRequest, bed: Bed, door: DockerEngine) -> Iterator[DockerEngine]:
    """The same engine over TLS and over its unix socket; `door` tidies up."""
    if request.param == "tls":
        yield door
        return
    local = DockerEngine(Host("local", f"unix://{bed.hosts[0].socket}"))
    yield local
    local.close()


def talked(
    door: DockerEngine, *command: str, given: Iterable[bytes] = (), tty: bool = False
) -> tuple[dict[str, bytes], int]:
    """What a command in the container `box` says to an input, and how it ends."""
    body = {"Cmd": list(command), "Tty": tty, **dict.fromkeys(STREAMS, True)}
    made = door.create_exec("box", body)
    talking = door.talk_to_exec(made, tty=tty)

    def feed() -> None:
        for piece in given:
            talking.write(piece)
        talking.end_input()

    feeding = threading.Thread(target=feed)
    feeding.start()
    # Engines drop what nobody has taken two seconds after a process has ended: this is quick.
    said: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    for source, piece in talking.pieces():
        said[source].append(piece)
    feeding.join()
    talking.close()
    shown = door.inspect_exec(made)
    assert not shown["Running"]
    return {source: b"".join(told) for source, told in said.items()}, int(shown["ExitCode"])


STREAMS = ("AttachStdin", "AttachStdout", "AttachStderr")


def test_a_process_is_talked_with(either: DockerEngine) -> None:
    run(either, "box", *SLEEP)
    said, code = talked(either, "sh", "-c", "cat; echo bad >&2; exit 7", given=[b"good"])
    assert (said, code) == ({"stdout": b"good", "stderr": b"bad\n"}, 7)
    said, code = talked(either, "no-such-command")
    assert b"no-such-command" in said["stdout"]
    assert code in (126, 127)
    blob = random.Random(5).randbytes(1 << 20)
    said, code = talked(either, "cat", given=[blob] * 24)
    assert (said["stdout"] == blob * 24, code) == (True, 0)
    said, _ = talked(either, "sh", "-c", "yes | head -c 9000000; wc -c", given=[blob])
    assert said["stdout"][9000000:] == b"1048576\n"


def test_a_terminal_and_its_size(either: DockerEngine) -> None:
    run(either, "box", *SLEEP)
    made = either.create_exec(
        "box",
        {"Cmd": ["sh"], "Tty": True, **dict.fromkeys(STREAMS, True)},
    )
    talking = either.talk_to_exec(made, tty=True)
    either.resize_exec(made, 41, 117)
    talking.write(b"stty size 0<&1; echo $((6*7))\n")
    said = b""
    for source, piece in talking.pieces():
        assert source == "stdout"
        said += piece
        if b"\r\n42\r\n" in said:
            assert either.inspect_exec(made)["Running"]
            talking.close()  # the talk is over: the engine hangs up on the process in its own time
    assert b"\r\n41 117\r\n" in said


def test_the_container_s_own_process_is_attached_to(either: DockerEngine) -> None:
    body = {"Image": busybox.IMAGE, "Cmd": ["sh", "-c", "wc -c; exit 3"], "OpenStdin": True}
    made = either.create_container("box", {**body, "StdinOnce": True})
    talking = either.attach_container(made, tty=False, stdin=True)
    either.start_container(made)
    talking.write(b"x" * 12345)
    talking.end_input()
    assert list(talking.pieces()) == [("stdout", b"12345\n")]
    talking.close()
    assert either.wait_container(made, timeout=20) == 3


def test_archives_of_any_size_take_no_memory(either: DockerEngine) -> None:
    made = either.create_container("box", {"Image": busybox.IMAGE, "Cmd": SLEEP})
    blob, times = random.Random(7).randbytes(1 << 20), 96
    member = tarfile.TarInfo("big")
    member.size = len(blob) * times

    def tar() -> Iterator[bytes]:
        yield member.tobuf()
        for _ in range(times):
            yield blob
        yield bytes(10240)

    either.info()
    tracemalloc.start()
    try:
        either.put_archive(made, "/tmp", tar())
        assert either.path_stat(made, "/tmp/big")["size"] == member.size
        digest, size = hashlib.sha256(), 0
        for piece in either.get_archive(made, "/tmp/big"):
            digest.update(piece[max(0, 512 - size) : max(0, 512 + member.size - size)])
            size += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert digest.digest() == hashlib.sha256(blob * times).digest()
    assert peak < 16 << 20
    assert refusal(lambda: either.path_stat(made, "/none")) == 404
    assert sum(map(len, either.export_container(made))) > member.size
    image = either.commit_container(made, repository="door/box", tag="1", changes=["USER 7"])
    assert either.inspect_image("door/box:1")["Id"] == image
    either.remove_image("door/box:1")


def test_events(door: DockerEngine) -> None:
    began = time.time()
    run(door, "eventful", "true")
    seen = []
    for event in door.events(since=began - 1, filters={"container": ["eventful"]}):
        seen.append(event["Action"])
        if event["Action"] == "die":
            break
    assert [each for each in seen if each in ("create", "start", "die")] == [
        "create",
        "start",
        "die",
    ]


def test_an_image_goes_from_host_to_host(door: DockerEngine, cluster: Cluster) -> None:
    other = DockerEngine(cluster.hosts["h2"])
    other.load_image(door.save_image(busybox.IMAGE))
    assert other.inspect_image(busybox.IMAGE)["Id"] == door.inspect_image(busybox.IMAGE)["Id"]
    with pytest.raises(EngineError):
        other.load_image([b"not a tar"] * 100)


def test_whom_a_real_engine_lets_in(bed: Bed, cluster: Cluster, tmp_path: Path) -> None:
    good = cluster.hosts["h1"].tls
    assert good
    other = bring_another_ca(tmp_path)
    endpoint = cluster.hosts["h1"].endpoint
    for tls_files, said in (
        (Tls(other.ca, good.cert, good.key), "isn't signed by the cluster's CA"),
        (Tls(good.ca, other.cert, other.key), "refused our client certificate"),
        (None, "speaks TLS, but nap was given no certificates"),
    ):
        for _ in range(5):
            with pytest.raises(EngineAway, match=said) as away:
                DockerEngine(Host("h1", endpoint, tls=tls_files)).info()
            assert away.value.why is Absence.REFUSED


def bring_another_ca(folder: Path) -> Tls:
    from tests.engine.certificates import Authority

    return Authority(folder).issue("stranger")


# -- the cluster


def test_what_is_seen_of_a_swarm(bed: Bed, cluster: Cluster, door: DockerEngine) -> None:
    run(door, "sick", *SLEEP, Healthcheck={"Test": ["CMD", "false"], "Interval": 10**9})
    run(door, "ended", "sh", "-c", "exit 4")
    door.wait_container("ended", timeout=20)
    seen = observe(engines_of(cluster), cluster)
    assert list(seen.hosts) == ["h1", "h2", "h3"]
    assert seen.unseen == ()
    named = {each.name: each for each in seen.containers()}
    assert named["sick"].health == "starting"
    assert (named["ended"].state, named["ended"].exit_code) == ("exited", 4)
    assert {host.arch for host in seen.hosts.values()} <= {"amd64", "arm64"}
    assert all(abs(host.skew) < 2 for host in seen.hosts.values())
    assert all(host.cpus >= 1 and host.memory > 1 << 29 for host in seen.hosts.values())
    assert len({host.swarm.cluster for host in seen.hosts.values()}) == 1
    assert seen.hosts["h1"].has_image(busybox.IMAGE)
    offer = network_offer(seen, cluster)
    assert offer.kind is NetworkKind.SWARM
    made = engines_of(cluster).on(offer.host)
    network = made.create_network({"Name": "door_net", "Driver": "overlay", "Attachable": True})
    again = observe(engines_of(cluster), cluster, only={Part.NETWORKS})
    (shown,) = [each for each in again.hosts[offer.host].networks if each.id == network]
    assert (shown.driver, shown.scope, shown.attachable) == ("overlay", "swarm", True)
    made.remove_network(network)


def test_an_engine_that_stops_while_its_log_is_read(bed: Bed, cluster: Cluster) -> None:
    """In good order: its streams end as those of a container that has ended would."""
    door = DockerEngine(cluster.hosts["h3"])
    door.load_image(DockerEngine(cluster.hosts["h1"]).save_image(busybox.IMAGE))
    run(door, "long", "sh", "-c", "echo up; sleep 1000")
    lines = door.logs("long", follow=True)
    next(lines)
    engines.stop(bed, bed.host("h3"))
    try:
        with pytest.raises(EngineAway):
            list(lines)
        with pytest.raises(EngineAway) as away:
            door.info()
        assert away.value.why is Absence.UNREACHABLE
    finally:
        engines.start(bed, bed.host("h3"))
    assert door.info()["Name"] == "h3"  # the same door, after the engine came back
    door.remove_container("long", force=True)


def check_that_a_dead_host_is_told_from_a_slow_one(kept: DockerEngine) -> None:
    """A change may take minutes; over a connection that leads to nobody it ends much sooner."""
    began = time.monotonic()
    with pytest.raises(EngineAway) as away:
        kept.create_volume({"Name": "never"})
    assert away.value.why in (Absence.TIMEOUT, Absence.UNREACHABLE)
    assert time.monotonic() - began < 40


def test_a_partition_and_a_lost_quorum(bed: Bed, cluster: Cluster, figure: Figure) -> None:
    engines_seen = engines_of(cluster)
    kept = DockerEngine(cluster.hosts["h3"])
    kept.info()
    warm = observe(engines_seen, cluster, only={Part.INFO})
    assert all(host.swarm.control for host in warm.hosts.values())
    try:
        hosts.partition(bed, bed.host("h3"))
        began = time.monotonic()
        seen = observe(engines_seen, cluster, deadline=8)
        assert time.monotonic() - began < 20
        assert list(seen.hosts) == ["h1", "h2"]
        assert [each.name for each in seen.unseen] == ["h3"]
        assert seen.unseen[0].why in (Absence.TIMEOUT, Absence.UNREACHABLE)
        check_that_a_dead_host_is_told_from_a_slow_one(kept)

        hosts.kill(bed, bed.host("h2"))
        deadline = time.monotonic() + 90
        while True:
            began = time.monotonic()
            alone = observe(engines_seen, cluster, only={Part.INFO}, deadline=30)
            took = time.monotonic() - began
            if "h1" in alone.hosts and not alone.hosts["h1"].swarm.control:
                break
            assert time.monotonic() < deadline, alone
            time.sleep(1)
        figure(f"an engine without quorum took {took:.1f} s to answer")
        assert alone.hosts["h1"].state is HostState.ACTIVE
        assert alone.hosts["h1"].swarm.cluster
        with pytest.raises(Away, match="quorum") as away:
            network_offer(alone, cluster)
        assert "h2" in away.value.message
    finally:
        hosts.heal(bed, bed.host("h3"))
        hosts.restart(bed, bed.host("h2"))
