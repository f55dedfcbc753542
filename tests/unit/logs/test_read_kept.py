"""`nap logs` reads what is kept and what the engines have as one."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nap_compose.border import LogLine, LogRequest, Target
from nap_compose.logs import follow
from nap_compose.logs.kept.files import begin_draft, segments_of
from nap_compose.logs.kept.series import series_of
from nap_compose.logs.kept.tidy import compress
from nap_compose.logs.kept.writer import Writer
from tests.support.loglines import read_logs
from tests.unit.logs.scripted import Printed, ScriptedEngine, container, engines
from tests.unit.logs.test_collect import START, Scene, numbered, numbers


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "logs", ScriptedEngine("h1"), ScriptedEngine("h2"))


def shown(scene: Scene, **wanted: Any) -> list[LogLine]:
    request = LogRequest(Target(app="shop"), **wanted)
    lines = read_logs(
        engines(*scene.hosts.values()),
        scene.containers,
        request,
        kept=series_of(scene.logs, "", "shop"),
        warn=scene.told.append,
    )
    return list(lines)


def texts(scene: Scene, **wanted: Any) -> list[str]:
    return [line.text for line in shown(scene, **wanted)]


def test_kept_then_what_came_since(scene: Scene) -> None:
    printed = numbered(0, 50)
    web = scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    printed.lines += numbered(50, 50).lines
    assert texts(scene) == numbers(100)
    # The engine has let go of what is kept, and then the container is gone too.
    del printed.lines[:40]
    assert texts(scene) == numbers(100)
    scene.collector(follow=False).run_once()
    scene.containers.remove(web)
    assert texts(scene) == numbers(100)
    line = shown(scene)[0]
    assert (line.subject, line.host, line.source) == ("web.1", "h1", "stdout")


@pytest.mark.parametrize("tail", [0, 1, 5, 70, 120])
def test_a_tail_is_of_both_together(scene: Scene, tail: int) -> None:
    printed = numbered(0, 60)
    scene.prints("web.1", "h1", printed)
    for last in (20, 40, 60):
        printed.lines[:] = numbered(0, last).lines
        scene.collector(follow=False).run_once()
    printed.lines += numbered(60, 40).lines
    assert texts(scene, tail=tail) == numbers(100)[100 - min(tail, 100) :]


def test_a_container_s_successor_on_another_host(scene: Scene) -> None:
    old = scene.prints("web.1", "h1", numbered(0, 10))
    scene.collector(follow=False).run_once()
    scene.containers.remove(old)
    scene.prints("web.1", "h2", numbered(10, 10))
    assert texts(scene) == numbers(20)
    assert texts(scene, hosts=("h1",)) == numbers(10)
    assert texts(scene, services=("db",)) == []
    assert texts(scene, containers=False) == []


def test_a_host_that_is_away_has_lines_all_the_same(scene: Scene) -> None:
    scene.prints("web.1", "h1", numbered(0, 10))
    scene.collector(follow=False).run_once()
    scene.hosts["h1"].away = True
    assert texts(scene) == numbers(10)
    assert len(scene.told) == 1


def test_times_and_streams(scene: Scene) -> None:
    lines = [
        *numbered(0, 10, step=10**9).lines,
        *numbered(10, 5, step=10**9, stream="stderr").lines,
    ]
    scene.prints("web.1", "h1", Printed(lines))
    scene.collector(follow=False).run_once()
    scene.containers.clear()
    at = START / 1e9
    assert texts(scene, since=at + 8) == ["8", "9", "10", "11", "12", "13", "14"]
    assert texts(scene, until=at + 2) == ["0", "1", "2"]
    assert texts(scene, since=at + 4, until=at + 11, tail=3) == ["9", "10", "11"]
    assert texts(scene, stream="stderr") == ["10", "11", "12", "13", "14"]


def test_a_gap_is_shown_where_it_is(scene: Scene) -> None:
    printed = numbered(0, 2, step=10**9)
    scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    printed.lines[:] = numbered(90, 2, step=10**9).lines
    scene.collector(follow=False).run_once()
    found = shown(scene)
    assert [line.source for line in found] == ["stdout", "stdout", "gap", "stdout", "stdout"]
    assert "2023-11-14T22:13:21.000000000Z" in found[2].text


def test_a_damaged_or_foreign_file_costs_no_others(scene: Scene) -> None:
    scene.prints("web.1", "h1", numbered(0, 3))
    scene.prints("web.2", "h1", numbered(10, 3))
    scene.collector(follow=False).run_once()
    scene.containers.clear()
    first, _ = segments_of(scene.logs, "", "shop")
    first.path.write_bytes(b"\0" * 100)
    (first.path.parent / "notes.txt").write_text("mine")
    (first.path.parent.parent / "notes.txt").write_text("mine")
    (first.path.parent.parent.parent / "notes.txt").write_text("mine")
    assert texts(scene) == ["10", "11", "12"]


def test_of_a_damaged_compressed_file_what_is_whole_is_shown(scene: Scene) -> None:
    printed = numbered(0, 20_000)
    scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    printed.lines += numbered(20_000, 3).lines
    scene.collector(follow=False).run_once()
    scene.containers.clear()
    segment, _ = segments_of(scene.logs, "", "shop")
    compress(segment)
    (zipped,) = segment.folder.glob("*.gz")
    whole = bytearray(zipped.read_bytes())
    whole[len(whole) // 2 :] = b"\xff" * (len(whole) - len(whole) // 2)
    zipped.write_bytes(whole)
    found = shown(scene)
    assert [line.text for line in found[-3:]] == ["20000", "20001", "20002"]
    (gap,) = [line for line in found if line.source == "gap"]
    assert f"{zipped} is damaged" in gap.text


@given(st.lists(st.integers(1, 30), max_size=6), st.integers(0, 30), st.data())
@settings(deadline=None, max_examples=40)
def test_whatever_is_kept_and_whatever_is_live(
    tmp_path_factory: pytest.TempPathFactory, runs: list[int], rest: int, data: st.DataObject
) -> None:
    scene = Scene(tmp_path_factory.mktemp("any") / "logs", ScriptedEngine("h1"))
    printed = Printed()
    scene.prints("web.1", "h1", printed)
    step = data.draw(st.sampled_from([0, 1, 10**6, 10**9]))
    for count in runs:
        printed.lines += numbered(len(printed.lines), count, step=step).lines
        scene.collector(follow=False).run_once()
    total = len(printed.lines) + rest
    printed.lines += numbered(len(printed.lines), rest, step=step).lines
    for segment in segments_of(scene.logs, "", "shop"):
        if data.draw(st.booleans()):
            compress(segment)
    if step:  # lines that share one time can't be told from others that are gone
        del printed.lines[: data.draw(st.integers(0, total - rest))]
    assert texts(scene) == numbers(total)
    tail = data.draw(st.integers(0, total + 1))
    assert texts(scene, tail=tail) == numbers(total)[max(0, total - tail) :]


def test_followed_while_it_is_collected_and_made_anew(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "LOOK_AGAIN", 0.02)
    monkeypatch.setattr(follow, "PATIENCE", 0.05)
    printed = numbered(0, 20)
    scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    printed.lines += numbered(20, 20).lines
    found: list[str] = []
    stream = read_logs(
        engines(*scene.hosts.values()),
        list(scene.containers),
        LogRequest(Target(app="shop"), follow=True),
        kept=series_of(scene.logs, "", "shop"),
        warn=scene.told.append,
        refresh=lambda: list(scene.containers),
    )

    def collect() -> None:
        for line in stream:
            found.append(line.text)

    threading.Thread(target=collect, daemon=True).start()

    def until(count: int) -> None:
        deadline = time.monotonic() + 10
        while len(found) < count:
            assert time.monotonic() < deadline, found[-3:]
            time.sleep(0.01)

    until(40)
    printed.lines += numbered(40, 20).lines
    until(60)
    scene.collector(follow=False).run_once()
    printed.ended = True
    new = container("web.1", "h2", id="f" * 12, created=2**40)
    scene.hosts["h2"].printed[new.id] = numbered(60, 20)
    scene.containers[:] = [new]
    until(80)
    assert found == numbers(80)
    assert scene.told == []
    for host in scene.hosts.values():
        host.closing.set()


def test_writers_leave_nothing_behind_that_is_read(scene: Scene) -> None:
    scene.prints("web.1", "h1", numbered(0, 3))
    scene.collector(follow=False).run_once()
    (series,) = series_of(scene.logs, "", "shop")
    draft, file = begin_draft(series.parts[0].segment.next.path)
    os.write(file, b"half")
    os.close(file)
    scene.containers.clear()
    assert texts(scene) == numbers(3)
    assert Writer(scene.logs, series.whose).reached.lines == 3
    scene.collector(follow=False).run_once()
    assert draft.exists(), "somebody may still be at it"
    os.utime(draft, (0, 0))
    scene.collector(follow=False).run_once()
    assert not draft.exists()
