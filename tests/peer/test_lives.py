"""Apps of the corpus from their first `up` to `down`, by the real Compose and by nap.

Each on a fake engine of its own: up, up again, scaled, and down with its volumes. After each the
same stands on both, and where nothing is to be done nothing is written.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nap_compose.compose.loader import load
from nap_compose.compose.model import App
from tests.engine.fake_engine import Behaviour, FakeEngine
from tests.peer.cases import Case
from tests.peer.compose import AT_ONCE, HOME, program
from tests.peer.recording import Stage, differences
from tests.peer.test_create import CASES, COUNTS_OTHERWISE, REFUSED_EARLY, load_case

ENDS_OTHERWISE = {
    "stacks/kafka": "its overlay network needs a swarm",
    "stacks/shop": "the same",
    "stacks/media": "it waits for the health of what has no health check",
    "consistency/depends-on": "the same",
    "stacks/ml-lab": "models are run by a plugin of Docker's",
    "life/depends-on-conditions": "it waits for a job that doesn't end here",
    "interpolation/cast-external": "no engine keeps external configs and secrets",
}
"""Apps that neither of the two brings up here, and why."""

PART = 25
"""Of the small apps, every how many is lived through."""


def is_lived(case: Case) -> bool:
    """Whether an app is; by its name, so that a new case changes nothing for the others."""
    drawn = zlib.crc32(case.name.encode()) % PART == 0
    return case.name.startswith("stacks/") or drawn


LIVES = [
    case
    for case in CASES
    if is_lived(case) and case.name not in {*ENDS_OTHERWISE, *REFUSED_EARLY, *COUNTS_OTHERWISE}
]


@dataclass
class Lived:
    """What stood after each step of an app's life, and what the second `up` wrote."""

    stood: list[dict[str, Any]]
    writes: list[str]


def scalable(app: App) -> str:
    """A service of which two can run on one engine; empty where there is none."""
    for name, service in app.services.items():
        spec = service.spec
        fixed = ("container_name", "network_mode", "ports", "volumes_from")
        addressed = any(entry for entry in (spec.get("networks") or {}).values())
        if not any(spec.get(key) for key in fixed) and not addressed and service.replicas == 1:
            return name
    return ""


def lead(stage: Stage, app: App, step: Any) -> Lived:
    """An app's life, each step of which `step` takes by its words."""
    stage.prepare(app)
    stood, writes = [], []
    service = scalable(app)
    for word in ("up", "up", "scale", "down"):
        if word != "scale" or service:
            step(word, service)
            writes.append(stage.writes)
            stood.append(stage.standing())
    return Lived(stood, writes[1])


def theirs(case: Case, place: Path, app: App) -> Lived:
    found = program()
    assert found

    def step(word: str, service: str) -> None:
        words = {
            "up": ("up", "-d", *case.services),
            "scale": ("scale", f"{service}=2"),
            "down": ("down", "-v"),
        }
        done = stage.compose(found, *case.args, *words[word])
        assert done.returncode == 0, done.stderr

    with FakeEngine() as engine:
        stage = Stage(engine, place, case.env)
        return lead(stage, app, step)


def ours(case: Case, place: Path, app: App) -> Lived:
    def step(word: str, service: str) -> None:
        if word == "down":
            outcome = stage.nap_down(wanted, volumes=True)
        elif word == "up":
            outcome = stage.nap_up(wanted, services=case.services, wait=False)
        else:
            outcome = stage.nap_up(wanted, services=(service,), scale={service: 2}, wait=False)
        assert outcome.state in ("done", "unchanged"), outcome

    wanted = load_case(case, place, deploy=True).app
    with FakeEngine() as engine:
        stage = Stage(engine, place, load_case(case, place).env)
        return lead(stage, app, step)


@pytest.fixture(scope="module")
def lives(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Path, App, Future[Lived]]]]:
    """What the real Compose makes of the cases, begun before a test wants it."""
    wanted = [item.callspec.params["case"] for item in request.session.items
              if isinstance(item, pytest.Function) and "lives" in item.fixturenames]  # fmt: skip
    found = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number, case in enumerate(wanted):
            place = tmp_path_factory.mktemp("life") / str(number) / "project"
            place.mkdir(parents=True)
            case.write(place)
            app = load_case(case, place).app
            found[case.name] = place, app, pool.submit(theirs, case, place, app)
        yield found
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", LIVES, ids=lambda case: case.name)
def test_the_same_stands_after_each_step(
    case: Case,
    lives: dict[str, tuple[Path, App, Future[Lived]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", HOME)
    place, app, future = lives[case.name]
    nap, compose = ours(case, place, app), future.result()
    assert nap.writes == compose.writes == []
    assert len(nap.stood) == len(compose.stood)
    for mine, peers in zip(nap.stood, compose.stood, strict=True):
        assert differences(mine, peers) == []


OPTIONAL = """
name: shop
services:
  web: {image: "web:1", depends_on: {other: {condition: CONDITION, required: false}}}
  other: {image: "other:1", restart: "no", healthcheck: {test: [CMD, "true"], interval: 1s}}
"""


UNHEALTHY = Behaviour(healthy_after=None, unhealthy_after=0.1)
FAILS = Behaviour(exits_after=0.1, exit_code=3, healthy_after=None)


@pytest.mark.parametrize(
    ("condition", "behaviour"),
    [
        ("service_healthy", UNHEALTHY),
        ("service_healthy", FAILS),
        ("service_completed_successfully", FAILS),
    ],
    ids=["unhealthy", "ended", "failed"],
)
def test_who_can_do_without_another_service_runs_without_it(
    condition: str, behaviour: Behaviour, tmp_path: Path
) -> None:
    found = program()
    assert found
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "compose.yaml").write_text(OPTIONAL.replace("CONDITION", condition))
    app = load(cwd=folder, env={"HOME": HOME}).app
    with FakeEngine() as first, FakeEngine() as second:
        compose, nap = Stage(first, folder), Stage(second, folder)
        for stage in (compose, nap):
            stage.prepare(app)
            stage.engine.behave("other:1", behaviour)
        outcome = nap.nap_up(app, wait=False)
        assert outcome.state == "done", outcome
        assert nap.standing()["container shop-web-1"]["State"] == "running"
        done = compose.compose(found, "up", "-d")
        assert done.returncode == 0, done.stderr
        assert differences(nap.standing(), compose.standing()) == []
