"""Fake engines for the tests in this folder, each stopped when its test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.orchestration.planning import rolling
from tests.engine.certificates import Authority
from tests.engine.fake_engine import FakeCluster, FakeEngine
from tests.support.following import nobody_follows_on
from tests.support.road import Road

__all__ = ["nobody_follows_on"]

MakeCluster = Callable[..., FakeCluster]


@pytest.fixture(autouse=True)
def _successors_need_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fake container does it does at once: nobody has to watch it for seconds."""
    monkeypatch.setattr(rolling, "SETTLES", 0.0)


@pytest.fixture
def fake_engine() -> Iterator[FakeEngine]:
    """One fake engine on plain TCP."""
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def door(fake_engine: FakeEngine) -> Iterator[DockerEngine]:
    """nap's client of that fake engine."""
    client = DockerEngine(fake_engine.host())
    yield client
    client.close()


@pytest.fixture
def fake_cluster(tmp_path: Path) -> Iterator[MakeCluster]:
    """Makes running clusters: `fake_cluster(3)`, `fake_cluster(2, "consul")`."""
    with ExitStack() as stack:

        def make(size: int = 3, overlay: str | None = "swarm") -> FakeCluster:
            return stack.enter_context(FakeCluster(size, overlay, state_dir=tmp_path))

        yield make


@pytest.fixture
def road(fake: FakeCluster) -> Road:
    """One user's nap on the cluster that the module's own fixture `fake` makes."""
    return Road.on(fake)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA made for this run."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("other-ca"))
