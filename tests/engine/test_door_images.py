"""Images: pulls with and without credentials, and streams from host to host."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nap_compose.cluster.engine import Conflict, EngineAway, EngineError, NotFound
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.view import Absence
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeEngine, Image


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)


def test_a_pull_tells_its_progress(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.registry.add(Image("redis:7"))
    records = list(door.pull_image("redis:7"))
    assert {"current": 500000, "total": 1000000} in [each.get("progressDetail") for each in records]
    assert door.inspect_image("redis:7")["RepoTags"] == ["redis:7"]
    (call,) = fake_engine.calls("POST", "/images/create")
    assert (call.query["fromImage"], call.query["tag"]) == ("redis", "7")


def test_a_pull_by_digest(fake_engine: FakeEngine, door: DockerEngine) -> None:
    image = Image("redis:7")
    name = f"redis@{image.id}"
    fake_engine.registry.images[name] = image
    assert list(door.pull_image(name))
    (call,) = fake_engine.calls("POST", "/images/create")
    assert (call.query["fromImage"], call.query["tag"]) == ("redis", image.id)


def test_an_image_that_the_registry_hasn_t(door: DockerEngine) -> None:
    with pytest.raises(NotFound, match="pull access denied for nothing"):
        list(door.pull_image("nothing"))


def test_an_error_in_the_middle_of_a_pull(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.registry.add(Image("redis:7"))
    fake_engine.fault("POST", "/images/create", cut=60)
    with pytest.raises(EngineAway) as away:
        list(door.pull_image("redis:7"))
    assert away.value.why is Absence.BROKEN


def test_another_platform(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.registry.add(Image("redis:7"))
    with pytest.raises(NotFound, match="no matching manifest for linux/arm64"):
        list(door.pull_image("redis:7", platform="linux/arm64"))


def test_credentials(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.registry.add(Image("secret:1"))
    fake_engine.registry.login = ("ada", "s3cret")
    with pytest.raises(NotFound):
        list(door.pull_image("secret:1"))
    assert list(door.pull_image("secret:1", auth={"username": "ada", "password": "s3cret"}))


def test_whose_logins_count(fake_engine: FakeEngine, tmp_path: Path) -> None:
    """Embedded, those of the person, as with docker; on a cluster, only those that are given."""
    fake_engine.registry.add(Image("registry.example/secret:1"))
    fake_engine.registry.login = ("ada", "s3cret")
    folder = tmp_path / ".docker"
    folder.mkdir()
    login = base64.b64encode(b"ada:s3cret").decode()
    config = {"auths": {"registry.example": {"auth": login}}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(NotFound):
        list(DockerEngine(fake_engine.host()).pull_image("registry.example/secret:1"))
    own = DockerEngine(fake_engine.host(), own_logins=True)
    assert list(own.pull_image("registry.example/secret:1"))


def test_an_image_goes_from_host_to_host(fake_cluster: MakeCluster) -> None:
    cluster = fake_cluster(2)
    cluster["h1"].add_image("app:1", size=3_000_000, Labels={"a": "b"})
    source, target = (DockerEngine(cluster[name].host()) for name in ("h1", "h2"))
    target.load_image(source.save_image("app:1"))
    assert target.inspect_image("app:1")["Id"] == source.inspect_image("app:1")["Id"]
    assert target.inspect_image("app:1")["Config"] == {"Labels": {"a": "b"}}


def test_a_host_that_breaks_off_while_it_gives_an_image(fake_cluster: MakeCluster) -> None:
    cluster = fake_cluster(2)
    cluster["h1"].add_image("app:1", size=3_000_000)
    cluster["h1"].fault("GET", ".*/get", cut=1_500_000)
    source, target = (DockerEngine(cluster[name].host()) for name in ("h1", "h2"))
    with pytest.raises(EngineAway) as away:
        target.load_image(source.save_image("app:1"))
    assert away.value.host == "h1"
    with pytest.raises(NotFound):
        target.inspect_image("app:1")


def test_a_host_that_breaks_off_while_it_takes_an_image(fake_cluster: MakeCluster) -> None:
    cluster = fake_cluster(2)
    cluster["h1"].add_image("app:1")
    cluster["h2"].fault("POST", "/images/load", drop=True)
    source, target = (DockerEngine(cluster[name].host()) for name in ("h1", "h2"))
    with pytest.raises(EngineAway) as away:
        target.load_image(source.save_image("app:1"))
    assert away.value.host == "h2"


def test_what_is_no_image_isn_t_loaded(door: DockerEngine) -> None:
    def rubbish() -> Iterator[bytes]:
        yield b"not a tar"

    with pytest.raises(EngineError, match="unexpected EOF"):
        door.load_image(rubbish())


def test_an_image_that_isn_t_there_can_t_be_saved(door: DockerEngine) -> None:
    with pytest.raises(NotFound, match="No such image"):
        list(door.save_image("nothing:1"))


def test_an_engine_that_is_away(fake_engine: FakeEngine, door: DockerEngine) -> None:
    assert door.api
    fake_engine.stop()
    for ask in (
        lambda: list(door.pull_image("app:1")),
        lambda: list(door.save_image("app:1")),
        lambda: door.load_image([b"x"]),
    ):
        with pytest.raises(EngineAway, match="nothing listens on") as away:
            ask()
        assert away.value.why is Absence.UNREACHABLE


def test_a_unix_socket(tmp_path: Path) -> None:
    with FakeEngine(address=str(tmp_path / "engine.sock")) as engine:
        engine.add_image("app:1")
        door = DockerEngine(engine.host())
        door.load_image(door.save_image("app:1"))
        engine.stop()
        with pytest.raises(EngineAway, match="there is no socket"):
            list(door.save_image("app:1"))


def test_names(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.add_image("app:1")
    door.tag_image("app:1", "registry.example:5000/team/app", "2")
    assert door.inspect_image("registry.example:5000/team/app:2")["Id"]
    door.create_container("web", {"Image": "app:1"})
    door.remove_image("registry.example:5000/team/app:2")
    with pytest.raises(Conflict, match="is using its referenced image"):
        door.remove_image("app:1")
    door.remove_container("web")
    door.remove_image("app:1", force=True)
    assert door.images() == []
    with pytest.raises(EngineError, match="is no name"):
        door.inspect_image("../containers/web")
