"""The engine's door, call by call, against a fake engine on a real socket."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nap_compose.cluster.engine import Conflict, EngineAway, EngineError, NotFound
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.view import Absence
from tests.engine.fake_engine import Behaviour, FakeEngine


@pytest.fixture(autouse=True)
def _image(fake_engine: FakeEngine) -> None:
    fake_engine.add_image("app:1", ExposedPorts={"80/tcp": {}})


def test_a_container_from_its_creation_to_its_removal(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    made = door.create_container("web.tmp", {"Image": "app:1", "Labels": {"a": "b"}})
    door.rename_container(made, "web-1")
    door.start_container("web-1")
    door.start_container("web-1")  # it runs already: no error
    assert door.inspect_container("web-1")["State"]["Running"] is True
    assert [each["Id"] for each in door.containers({"label": ["a=b"]})] == [made]
    assert door.containers({"label": ["a=c"]}) == []
    door.pause_container(made)
    assert door.inspect_container(made)["State"]["Paused"] is True
    door.unpause_container(made)
    door.restart_container(made, grace=1)
    door.stop_container(made, grace=1)
    assert door.containers(every=False) == []
    assert len(door.containers()) == 1
    door.remove_container(made)
    with pytest.raises(NotFound) as missing:
        door.inspect_container("web-1")
    assert missing.value.status == 404
    assert str(missing.value) == "host local: No such container: web-1"


def test_a_taken_name_is_a_conflict_and_a_missing_image_is_not_found(door: DockerEngine) -> None:
    door.create_container("web", {"Image": "app:1"})
    with pytest.raises(Conflict, match="already in use by container"):
        door.create_container("web", {"Image": "app:1"})
    with pytest.raises(NotFound, match="No such image: nothing:latest"):
        door.create_container("other", {"Image": "nothing"})


def test_a_port_that_is_taken_is_the_engine_s_own_error(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    fake_engine.take_port(8080)
    ports = {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}
    door.create_container("web", {"Image": "app:1", "HostConfig": ports})
    with pytest.raises(EngineError, match="port is already allocated") as taken:
        door.start_container("web")
    assert taken.value.status == 500


@pytest.mark.parametrize(
    ("own", "grace", "sent"), [(None, 1.0, "1"), (None, 0.2, "1"), (None, 0.0, "0"), (1, None, "")]
)
def test_stop_waits_for_the_grace_and_sends_whole_seconds(
    fake_engine: FakeEngine, door: DockerEngine, own: int | None, grace: float | None, sent: str
) -> None:
    fake_engine.behave("slow", Behaviour(stops_in=60))
    door.create_container("slow", {"Image": "app:1", "StopTimeout": own})
    door.start_container("slow")
    began = time.monotonic()
    door.stop_container("slow", grace=grace)
    assert int(sent or 1) - 0.1 < time.monotonic() - began < 30
    assert fake_engine.container("slow").exit_code == 137
    assert fake_engine.calls("POST", ".*/stop")[0].query.get("t", "") == sent


def test_a_stop_may_take_longer_than_a_read(
    fake_engine: FakeEngine, door: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nap_compose.cluster.engine_client.CHANGE_TIMEOUT", 1.5)
    fake_engine.behave("slow", Behaviour(stops_in=2.5))
    door.create_container("slow", {"Image": "app:1"})
    door.start_container("slow")
    door.stop_container("slow", grace=20)
    assert fake_engine.container("slow").exit_code == 0
    fake_engine.fault("POST", ".*/stop", hang=True)
    with pytest.raises(EngineAway) as away:
        door.stop_container("slow", grace=0)
    assert away.value.why is Absence.TIMEOUT


@pytest.mark.parametrize("own", [None, 20])
def test_a_stop_is_not_hung_up_on_before_the_container_s_own_timeout(
    fake_engine: FakeEngine, door: DockerEngine, monkeypatch: pytest.MonkeyPatch, own: int | None
) -> None:
    """Engines of release 23 kill a container as soon as nobody waits for its stop."""
    fake_engine.behave("slow", Behaviour(stops_in=2.5))
    door.create_container("slow", {"Image": "app:1", "StopTimeout": own})
    door.start_container("slow")
    monkeypatch.setattr("nap_compose.cluster.engine_client.STOP_GRACE", 0.1)
    monkeypatch.setattr("nap_compose.cluster.engine_client.CHANGE_TIMEOUT", 1.0)
    if own is None:
        with pytest.raises(EngineAway) as away:
            door.stop_container("slow")
        assert away.value.why is Absence.TIMEOUT
    else:
        door.stop_container("slow")
        assert fake_engine.container("slow").exit_code == 0
        assert not fake_engine.calls("POST", ".*/wait"), "it was waited for in one call"


def test_wait_gives_the_exit_code(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.behave("job", Behaviour(exits_after=0.2, exit_code=3))
    door.create_container("job", {"Image": "app:1"})
    door.start_container("job")
    assert door.wait_container("job", timeout=5) == 3


def test_wait_ends_in_time(door: DockerEngine) -> None:
    door.create_container("runs", {"Image": "app:1"})
    door.start_container("runs")
    began = time.monotonic()
    with pytest.raises(EngineAway) as away:
        door.wait_container("runs", timeout=0.4)
    assert away.value.why is Absence.TIMEOUT
    assert time.monotonic() - began < 20
    assert door.inspect_container("runs")["State"]["Running"]


def test_networks(door: DockerEngine) -> None:
    made = door.create_network({"Name": "shop_default", "Labels": {"a": "b"}})
    door.create_container("web", {"Image": "app:1"})
    door.connect_network(made, {"Container": "web", "EndpointConfig": {"Aliases": ["w"]}})
    assert "shop_default" in door.inspect_container("web")["NetworkSettings"]["Networks"]
    assert [each["Id"] for each in door.networks({"label": ["a=b"]})] == [made]
    assert door.inspect_network("shop_default")["Id"] == made
    door.start_container("web")
    with pytest.raises(EngineError, match="has active endpoints"):
        door.remove_network(made)
    door.disconnect_network(made, "web", force=True)
    door.remove_network(made)
    with pytest.raises(NotFound):
        door.inspect_network(made)


def test_volumes(door: DockerEngine) -> None:
    assert door.volumes() == []  # an engine without any says null
    made = door.create_volume({"Name": "shop_data", "Labels": {"a": "b"}})
    assert made["Name"] == "shop_data"
    assert [each["Name"] for each in door.volumes({"label": ["a"]})] == ["shop_data"]
    binds = {"HostConfig": {"Binds": ["shop_data:/data"]}}
    user = door.create_container("db", {"Image": "app:1", **binds})
    with pytest.raises(Conflict, match="volume is in use"):
        door.remove_volume("shop_data")
    door.remove_container(user, volumes=True)
    assert door.inspect_volume("shop_data")["Driver"] == "local"
    door.remove_volume("shop_data")
    with pytest.raises(NotFound):
        door.inspect_volume("shop_data")


def test_what_an_engine_says_of_itself(fake_engine: FakeEngine, door: DockerEngine) -> None:
    assert door.info()["Name"] == "local"
    assert door.version()["ApiVersion"] == "1.51"
    assert door.disk_usage()["LayersSize"] == 100_000
    assert door.address == "127.0.0.1"
    assert {each.version for each in fake_engine.calls()} == {"", "1.51"}


def test_the_address_is_the_published_one_where_there_is_one(fake_engine: FakeEngine) -> None:
    assert DockerEngine(fake_engine.host(publish_ip="192.0.2.7")).address == "192.0.2.7"


def test_archives(door: DockerEngine) -> None:
    import io
    import tarfile

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("app.conf")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    door.create_container("web", {"Image": "app:1"})
    door.put_archive("web", "/etc", [packed.getvalue()])
    taken = io.BytesIO(b"".join(door.get_archive("web", "/etc/app.conf")))
    with tarfile.open(fileobj=taken) as archive:
        content = archive.extractfile("app.conf")
        assert content is not None
        assert content.read() == b"hello"
    with pytest.raises(NotFound):
        list(door.get_archive("web", "/etc/other"))


def test_events_come_as_they_happen(fake_engine: FakeEngine, door: DockerEngine) -> None:
    began = time.time() - 1
    door.create_container("web", {"Image": "app:1"})
    stream = iter(
        door.events(since=began, filters={"type": ["container"], "event": ["create", "start"]})
    )
    assert next(stream)["Action"] == "create"
    door.start_container("web")
    assert next(stream)["Action"] == "start"
    fake_engine.stop()
    with pytest.raises(EngineAway) as away:
        next(stream)
    assert away.value.why is Absence.BROKEN


def test_a_unix_socket(tmp_path: Path) -> None:
    with FakeEngine(address=str(tmp_path / "engine.sock")) as engine:
        engine.add_image("app:1")
        door = DockerEngine(engine.host())
        assert door.create_container("web", {"Image": "app:1"})
        assert door.address == "localhost"
        door.close()


@pytest.mark.parametrize("name", ["../../images/app", "..", "", "a/b", "web?force=1"])
def test_a_name_never_leaves_its_place_in_the_path(
    fake_engine: FakeEngine, door: DockerEngine, name: str
) -> None:
    with pytest.raises(EngineError):
        door.remove_container(name)
    asked = fake_engine.calls("DELETE")
    assert all(each.path == f"/containers/{name}" and not each.query for each in asked)
