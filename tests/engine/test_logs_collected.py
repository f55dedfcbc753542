"""What `nap logs collect` keeps: each line once however many are of one time, and no more of them
than the cluster file allows."""

from __future__ import annotations

import os
import queue
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from nap_compose.border import CollectRequest, Control, LogRequest, Target, each_line
from nap_compose.cluster import config
from nap_compose.cluster.keyring import make_key_file
from nap_compose.logs.collect import collector
from nap_compose.logs.kept.files import segments_of
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.nap import eventually
from tests.support.road import Hand, Road
from tests.support.views import app

SECOND = 1_700_000_000
MANY = 100_000
HOUR = 3600.0


@dataclass
class Scene:
    """A cluster of one fake engine as its cluster file describes it."""

    fake: FakeCluster
    folder: Path

    @property
    def logs(self) -> Path:
        """Where the lines are kept, by that file."""
        return self.folder / "kept"

    def road(self, **logs: Any) -> Road:
        """Somebody's nap on it; `logs` are that section's further keys."""
        file, key = self.folder / "cluster.yml", self.folder / "secrets.key"
        if not key.exists():
            make_key_file(key)
        hosts = {engine.name: {"endpoint": engine.endpoint} for engine in self.fake}
        content = {
            "name": "test",
            "hosts": hosts,
            "state_dir": "state",
            "key_file": key.name,
            "logs": {"dir": self.logs.name, **logs},
        }
        file.write_text(yaml.safe_dump(content))
        return Road(config.read(file))

    def collect(self, **logs: Any) -> None:
        """Keep what there is by now, and tidy up, as the cluster file says."""
        with talking(self.road(**logs)) as control:
            control.collect(CollectRequest(once=True), print, Hand())

    def container(self, app: str) -> str:
        """The id of its only container."""
        (row,) = self.road().rows(app).values()
        return str(row.id)

    def kept(self, app: str) -> dict[int, Path]:
        """The files of its lines by number."""
        found = segments_of(self.logs, "ada", app)
        return {segment.number: segment.path for segment in found}

    def prints(self, app: str) -> None:
        """Its container prints so much that a file of it compressed is some kilobytes, and that
        is kept: in a file of its own, as each collector begins one."""
        container = self.container(app)
        for _ in range(200):
            self.fake["h1"].say(container, secrets.token_hex(32))
        self.collect()

    def size(self, *apps: str) -> int:
        return sum(path.stat().st_size for app in apps for path in self.kept(app).values())


@contextmanager
def talking(road: Road) -> Iterator[Control]:
    control = road.control()
    try:
        yield control
    finally:
        control.close()


@pytest.fixture
def scene(fake_cluster: MakeCluster, tmp_path: Path) -> Scene:
    fake = fake_cluster(1)
    fake.add_image("web:1")
    return Scene(fake, tmp_path)


def test_a_hundred_thousand_lines_of_one_second_are_kept_and_shown_once_and_in_order(
    scene: Scene,
) -> None:
    """A thousand of them are of the same moment each, and reading ends in the midst of those. What
    was read last is asked for again from seconds earlier: so all of them come again each time."""
    road = scene.road()
    road.up(app({"web": {}}))
    container, engine = scene.container("shop"), scene.fake["h1"]
    wanted = [(("stdout", "stderr")[n % 3 == 0], str(n)) for n in range(MANY)]

    def says(first: int, end: int) -> None:
        for n in range(first, end):
            source, text = wanted[n]
            engine.say(container, text, source, at=SECOND + n // 1000 / 128)

    def shown(control: Control, **more: Any) -> Iterator[tuple[str, str]]:
        request = LogRequest(Target("shop"), deploy=False, **more)
        return ((line.source, line.text) for line in each_line(control.logs(request, print)))

    with talking(road) as control:
        following = shown(control, follow=True)
        followed = []
        for first, end in ((0, 40_500), (40_500, MANY)):
            says(first, end)
            scene.collect()
            followed += [next(following) for _ in range(first, end)]
            engine.cut()
        assert followed == wanted
        assert list(shown(control)) == wanted
    road.down()
    with talking(road) as control:
        assert list(shown(control)) == wanted


def test_a_container_is_read_as_soon_as_it_starts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before the collector looks again: by then it may be removed."""
    monkeypatch.setattr(collector, "LOOK", 3600.0)
    road = scene.road()
    told: queue.Queue[str] = queue.Queue()
    hand = Hand()

    def said_by(app: str) -> bool:
        kept = scene.kept(app).values()
        return any(b"before the next look" in path.read_bytes() for path in kept)

    def collects() -> None:
        with talking(road) as control:
            control.collect(CollectRequest(), told.put, hand)

    thread = threading.Thread(target=collects, daemon=True)
    thread.start()
    assert "collecting into" in told.get(timeout=60)
    with talking(road) as control:
        eventually(lambda: control.collected(Target()).rows[0].collector, "its report of one look")
        road.up(app({"web": {}}))
        scene.fake["h1"].say(scene.container("shop"), "before the next look")
        eventually(lambda: said_by("shop"), "the line to be kept")
    hand.press()
    thread.join(60)
    assert not thread.is_alive()


def test_what_is_older_than_the_cluster_file_says_goes_with_the_next_look(scene: Scene) -> None:
    road = scene.road()
    road.up(app({"web": {}}))
    for _ in range(3):
        scene.prints("shop")
    scene.collect()
    assert list(scene.kept("shop")) == [1, 2, 3]
    age(scene.kept("shop")[1], 2 * HOUR)
    age(scene.kept("shop")[2], HOUR / 2)
    scene.collect(keep="1h")
    assert list(scene.kept("shop")) == [2, 3]
    age(scene.kept("shop")[2], 2 * HOUR)
    age(scene.kept("shop")[3], 2 * HOUR)
    scene.collect(keep="3h")
    assert list(scene.kept("shop")) == [2, 3]
    scene.collect(keep="1h")
    assert list(scene.kept("shop")) == [3], "from there the container's lines go on"
    road.down()
    scene.collect(keep="1h")
    assert scene.kept("shop") == {}


def test_the_oldest_goes_that_is_too_much_for_an_app_or_for_all(scene: Scene) -> None:
    for name in ("shop", "blog"):
        scene.road().up(app({"web": {}}, name=name))
    for name in ("blog", "shop", "shop", "blog", "shop"):
        scene.prints(name)
    scene.collect()  # with the usual limits nothing goes, and what is full is compressed
    assert (list(scene.kept("blog")), list(scene.kept("shop"))) == ([1, 2], [1, 2, 3])
    scene.collect(max_app=scene.size("shop"), max_total=scene.size("shop", "blog"))
    assert (list(scene.kept("blog")), list(scene.kept("shop"))) == ([1, 2], [1, 2, 3])
    scene.collect(max_app=scene.size("shop") - 1)
    assert (list(scene.kept("blog")), list(scene.kept("shop"))) == ([1, 2], [2, 3])
    scene.collect(max_total=scene.size("shop", "blog") - 1)
    assert (list(scene.kept("blog")), list(scene.kept("shop"))) == ([2], [2, 3])
    scene.collect(max_total=1)
    assert (list(scene.kept("blog")), list(scene.kept("shop"))) == ([2], [3])
    scene.road().down("blog")
    scene.collect(max_total=scene.size("shop"))
    assert (scene.kept("blog"), list(scene.kept("shop"))) == ({}, [3])


def age(path: Path, seconds: float) -> None:
    """Let a file be so old."""
    then = time.time() - seconds
    os.utime(path, (then, then))
