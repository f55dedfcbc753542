"""`nap logs -f` while the app's replicas become more and fewer: each line once, in order."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator

import pytest

from nap_compose.border import LogRequest, Target, each_line
from nap_compose.logs import follow
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.nap import eventually
from tests.support.road import Road
from tests.support.views import app

SHOP = app({"web": {"deploy": {"replicas": 2}}})


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    cluster.add_image("web:1")
    return cluster


class Talkers:
    """Every container that runs prints numbered lines, on both its streams. `printed` is what the
    engines have of each, those that were removed included."""

    def __init__(self, fake: FakeCluster) -> None:
        self.printed: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._fake = fake
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)

    def __enter__(self) -> Talkers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Nothing more is printed."""
        self._over.set()
        self._thread.join(30)

    def _talk(self) -> None:
        while not self._over.wait(0.002):
            for engine in self._fake:
                with engine.world.lock:
                    for container in engine.world.containers.values():
                        if container.running:
                            self._say(engine.name, container.id, str(next(self._numbers)))

    def _say(self, host: str, container: str, number: str) -> None:
        source = "stderr" if number.endswith("7") else "stdout"
        self._fake[host].say(container, f"{container[:12]} {number}", source)
        self.printed[container[:12]].append((source, number))


@pytest.fixture
def talkers(fake: FakeCluster) -> Iterator[Talkers]:
    with Talkers(fake) as talkers:
        yield talkers


def test_each_line_once_while_it_is_scaled_up_and_down(
    road: Road, talkers: Talkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "LOOK_AGAIN", 0.1)
    monkeypatch.setattr(follow, "LINGER", 1.0)
    road.up(SHOP)
    shown: dict[str, list[tuple[str, str]]] = defaultdict(list)
    slots: dict[str, str] = {}
    warnings: list[str] = []
    control = road.control()

    def follows() -> None:
        request = LogRequest(Target("shop"), follow=True, deploy=False)
        for line in each_line(control.logs(request, warnings.append)):
            name, number = line.text.split()
            shown[name].append((line.source, number))
            slots[name] = line.subject

    follower = threading.Thread(target=follows, daemon=True)
    follower.start()
    for replicas in (4, 1, 3):
        road.up(SHOP, scale={"web": replicas})
        there = {row.id[:12] for row in road.rows("shop").values()}
        assert len(there) == replicas
        eventually(lambda: there <= shown.keys(), f"lines of all {replicas}")  # noqa: B023
    talkers.end()
    road.act("stop")
    follower.join(60)
    assert not follower.is_alive(), "it ends when nothing runs any more"
    control.close()

    assert sorted(slots.values()) == ["web.1", "web.2", "web.2", "web.3", "web.3", "web.4"]
    for container, lines in talkers.printed.items():
        for stream in ("stdout", "stderr"):
            found = [number for source, number in shown[container] if source == stream]
            assert found == [number for source, number in lines if source == stream], container
    assert shown.keys() == talkers.printed.keys()
    assert warnings == []
