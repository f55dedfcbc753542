"""`nap logs -f` of containers that go: what their engines don't tell any more was kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import LogRequest, Target
from nap_compose.logs import follow
from nap_compose.logs.kept.series import series_of, series_of_one
from nap_compose.logs.kept.stored import store
from nap_compose.logs.kept.writer import Writer
from tests.support.loglines import read_logs
from tests.unit.logs.scripted import Printed, ScriptedEngine, container, engines, stamp
from tests.unit.logs.test_collect import Scene, numbered, numbers


class Following:
    """`nap logs -f` of the scene's app, in a thread of its own."""

    def __init__(self, scene: Scene, **wanted: Any) -> None:
        self.texts: list[str] = []
        self._scene = scene
        self._stream = read_logs(
            engines(*scene.hosts.values()),
            list(scene.containers),
            LogRequest(Target(app="shop"), follow=True, **wanted),
            kept=series_of(scene.logs, "", "shop"),
            kept_of=lambda one: series_of_one(scene.logs, "", "shop", one.id),
            warn=scene.told.append,
            refresh=lambda: list(scene.containers),
            skews=scene.skews,
        )
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        for line in self._stream:
            self.texts.append(line.text)

    def until(self, count: int) -> list[str]:
        deadline = time.monotonic() + 20
        while len(self.texts) < count:
            assert time.monotonic() < deadline, (" ".join(self.texts), self._scene.told)
            time.sleep(0.01)
        return self.texts


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "logs", ScriptedEngine("h1"), ScriptedEngine("h2"))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, scene: Scene) -> Iterator[None]:
    monkeypatch.setattr(follow, "LOOK_AGAIN", 0.02)
    monkeypatch.setattr(follow, "PATIENCE", 0.05)
    monkeypatch.setattr(follow, "QUIET", 2.0)
    monkeypatch.setattr(follow, "RETRY_FIRST", 0.02)
    yield
    for host in scene.hosts.values():
        host.closing.set()


def keep_more(scene: Scene, printed: Printed) -> None:
    """A collector keeps these lines of the one container of which it has kept some."""
    (series,) = series_of(scene.logs, "", "shop")
    Writer(scene.logs, series.whose).append(
        [store(stream, stamp(at) + b" " + text) for at, stream, text in printed.lines]
    )


def made_anew(scene: Scene, printed: Printed) -> None:
    """The app's only container is replaced by one on host h2."""
    new = container("web.1", "h2", id="f" * 12, created=2**40)
    scene.hosts["h2"].printed[new.id] = printed
    scene.containers[:] = [new]


def test_a_container_that_is_gone_before_it_is_followed(scene: Scene) -> None:
    printed = numbered(0, 20)
    web = scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    there = list(scene.containers)
    printed.lines += numbered(20, 20).lines
    kept = series_of(scene.logs, "", "shop")
    scene.collector(follow=False).run_once()
    # What was read of it ends with the first of the lines that were kept meanwhile.
    del printed.lines[21:]
    stream = read_logs(
        engines(*scene.hosts.values()),
        there,
        LogRequest(Target(app="shop"), follow=True),
        kept=kept,
        kept_of=lambda one: series_of_one(scene.logs, "", "shop", one.id),
        warn=scene.told.append,
        refresh=lambda: list(scene.containers),
    )
    found = [next(stream).text for _ in range(21)]
    del scene.hosts["h1"].printed[web.id]
    made_anew(scene, numbered(40, 5))
    found += [next(stream).text for _ in range(24)]
    assert found == numbers(45)
    stream.close()


@pytest.mark.parametrize("skew", [0.0, 7.0])
def test_the_end_of_a_container_that_is_gone_is_what_was_kept(scene: Scene, skew: float) -> None:
    printed = numbered(0, 20)
    web = scene.prints("web.1", "h1", printed)
    scene.skews["h1"] = skew
    scene.collector(follow=False).run_once()
    following = Following(scene)
    following.until(20)
    # Its engine's answer ends before it has come to the last lines. The collector is late too.
    del scene.hosts["h1"].printed[web.id]
    printed.ended = True
    made_anew(scene, numbered(40, 5))
    for number in range(20, 40):
        time.sleep(0.05)
        keep_more(scene, numbered(number, 1))
    assert following.until(45) == numbers(45)


def test_nobody_waits_for_the_end_of_a_container_of_which_nothing_is_kept(scene: Scene) -> None:
    printed = numbered(0, 20)
    web = scene.prints("web.1", "h1", printed)
    following = Following(scene)
    following.until(20)
    del scene.hosts["h1"].printed[web.id]
    printed.ended = True
    made_anew(scene, numbered(20, 5))
    assert following.until(25) == numbers(25)


def test_after_a_clock_was_set_back_what_was_kept_since_counts(scene: Scene) -> None:
    printed = numbered(100, 20, step=10**9)
    printed.lines += numbered(0, 20, step=10**9).lines
    web = scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    following = Following(scene)
    texts = [*map(str, range(100, 120)), *map(str, range(30))]
    assert following.until(40) == texts[:40]
    keep_more(scene, numbered(20, 10, step=10**9))
    del scene.hosts["h1"].printed[web.id]
    printed.ended = True
    scene.containers.clear()
    assert following.until(50) == texts


def test_of_a_host_that_is_away_what_was_kept_is_followed(scene: Scene) -> None:
    printed = numbered(0, 20)
    scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    following = Following(scene)
    following.until(20)
    scene.hosts["h1"].away = True
    more = numbered(20, 20)
    keep_more(scene, more)
    following.until(40)
    printed.lines += [*more.lines, *numbered(40, 20).lines]
    scene.hosts["h1"].away = False
    assert following.until(60) == numbers(60)
