"""Collecting: from where it stopped, over every kind of death, each line once."""

from __future__ import annotations

import errno
import queue
import threading
import time
from collections.abc import Collection, Iterator
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nap_compose.cluster import state_keys as keys
from nap_compose.cluster.cluster import Logs
from nap_compose.cluster.engine import EngineError
from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.cluster.view import Absence, ContainerView, HostView, Unseen, View
from nap_compose.logs.collect import collector as collecting
from nap_compose.logs.collect import reports
from nap_compose.logs.collect import source as sources
from nap_compose.logs.collect.collector import Collector
from nap_compose.logs.collect.held import HeldHosts, is_dead, this_process
from nap_compose.logs.collect.reports import Reports, skews_before
from nap_compose.logs.collect.saying import Saying
from nap_compose.logs.collect.share import share
from nap_compose.logs.kept import files, writer
from nap_compose.logs.kept.series import series_of
from nap_compose.logs.kept.stored import read_note
from nap_compose.logs.kept.tidy import File, files_in, too_many
from tests.unit.logs.scripted import Printed, ScriptedEngine, container, engines

SECOND = 10**9
START = 1_700_000_000 * SECOND


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "LOOK", 0.05)
    monkeypatch.setattr(collecting, "SYNC", 0.02)
    monkeypatch.setattr(sources, "RETRY_FIRST", 0.02)
    monkeypatch.setattr(sources, "RETRY_LAST", 0.05)


class Scene:
    """Hosts whose containers print, and collectors that come and go."""

    def __init__(self, logs: Path, *hosts: ScriptedEngine) -> None:
        self.logs = logs
        self.hosts = {host.host: host for host in hosts}
        self.containers: list[ContainerView] = []
        self.skews: dict[str, float] = {}
        self.away: set[str] = set()
        self.told: list[str] = []

    def prints(self, name: str, host: str, printed: Printed, **more: Any) -> ContainerView:
        """A container that prints so."""
        made = container(name, host, id=f"{len(self.containers):012x}", **more)
        self.hosts[host].printed[made.id] = printed
        self.containers.append(made)
        return made

    def look(self, hosts: Collection[str]) -> View:
        seen = {
            name: HostView(
                name,
                "",
                skew=self.skews.get(name, 0.0),
                containers=tuple(each for each in self.containers if each.host == name),
            )
            for name in hosts
            if name not in self.away
        }
        unseen = [Unseen(name, Absence.UNREACHABLE, "no route") for name in self.away]
        return View(datetime.now(timezone.utc), seen, tuple(unseen))

    def collector(self, **more: Any) -> Collector:
        return Collector(
            engines(*self.hosts.values()),
            Logs(self.logs),
            look=self.look,
            mine=lambda: set(self.hosts),
            say=Saying(self.told.append),
            **more,
        )

    def texts(self, name: str = "web.1") -> list[str]:
        """What is kept of a slot's containers, in turn."""
        return [
            line[33:].decode()
            for series in series_of(self.logs, "", "shop")
            if series.whose.subject == name
            for line in series.lines()
            if line[:1] != b"#"
        ]

    def notes(self, kind: str) -> list[dict[str, Any]]:
        return [
            found[1]
            for series in series_of(self.logs, "", "shop")
            for line in series.lines()
            if (found := read_note(line)) and found[0] == kind
        ]


class Running:
    """A collector at work in a thread. `kill` is what SIGKILL does: nothing is tidied up."""

    def __init__(self, scene: Scene, **more: Any) -> None:
        self.scene = scene
        self.collector = scene.collector(**more)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self.collector.run, args=(self._over.is_set,))
        self._thread.daemon = True
        self._thread.start()

    def until(self, count: int, name: str = "web.1") -> list[str]:
        deadline = time.monotonic() + 20
        while len(found := self.scene.texts(name)) < count:
            assert time.monotonic() < deadline, (found[-3:], self.scene.told)
            time.sleep(0.01)
        return found

    def end(self) -> None:
        self._over.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def kill(self) -> None:
        for source in self.collector.sources.values():
            source._stop.set()
        self._over.set()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path / "logs", ScriptedEngine("h1"), ScriptedEngine("h2"))
    yield scene
    for host in scene.hosts.values():
        host.closing.set()


def numbered(first: int, count: int, *, step: int = 1000, stream: str = "stdout") -> Printed:
    numbers = range(first, first + count)
    return Printed([(START + n * step, stream, b"%d" % n) for n in numbers])


def numbers(count: int) -> list[str]:
    return [str(n) for n in range(count)]


def test_once_keeps_what_there_is(scene: Scene) -> None:
    scene.prints("web.1", "h1", numbered(0, 100), state="exited")
    scene.prints("db.1", "h2", numbered(0, 5, stream="stderr"))
    scene.collector(follow=False).run_once()
    assert scene.texts() == numbers(100)
    assert scene.texts("db.1") == numbers(5)
    (cursor,) = [note for note in scene.notes("C") if "e" in note["last"]]
    assert cursor["last"]["e"][1] == 1
    # And again, with more: what is kept already isn't kept twice.
    scene.hosts["h1"].printed[scene.containers[0].id].lines += numbered(100, 50).lines
    scene.collector(follow=False).run_once()
    scene.collector(follow=False).run_once()
    assert scene.texts() == numbers(150)


def test_killed_again_and_again(scene: Scene) -> None:
    printed = Printed()
    scene.prints("web.1", "h1", printed)
    for first in range(0, 300, 60):
        running = Running(scene)
        printed.lines += numbered(first, 60).lines
        running.until(first + 30)
        running.kill()
        printed.lines += numbered(first + 60, 0).lines
    last = Running(scene)
    assert last.until(300) == numbers(300)
    last.end()
    assert scene.texts() == numbers(300)
    assert scene.notes("G") == []
    assert scene.told == []


def test_two_at_once_keep_each_line_once(scene: Scene) -> None:
    printed = Printed()
    scene.prints("web.1", "h1", printed)
    both = [Running(scene), Running(scene)]
    for first in range(0, 200, 20):
        printed.lines += numbered(first, 20).lines
        time.sleep(0.02)
    both[0].kill()
    assert both[1].until(200) == numbers(200)
    both[1].end()


def test_over_lost_connections_and_a_host_that_is_away(scene: Scene) -> None:
    printed = numbered(0, 200)
    scene.prints("web.1", "h1", printed)
    scene.prints("db.1", "h2", numbered(0, 3))
    scene.hosts["h1"].cuts = [5, 0, 17, 100, 3]
    running = Running(scene)
    running.until(200)
    scene.hosts["h1"].away = True
    scene.away.add("h1")
    printed.lines += numbered(200, 100).lines
    time.sleep(0.1)
    scene.hosts["h1"].away = False
    scene.away.clear()
    assert running.until(300) == numbers(300)
    assert running.until(3, "db.1") == numbers(3)
    running.end()
    assert len([text for text in scene.told if "h1" in text]) <= 3
    assert not [text for text in scene.told if "h2" in text]


def test_lines_that_the_engine_let_go_leave_a_gap(scene: Scene) -> None:
    printed = numbered(0, 10, step=SECOND)
    scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    printed.lines[:] = numbered(50, 10, step=SECOND).lines
    scene.collector(follow=False).run_once()
    assert scene.texts() == [*numbers(10), *map(str, range(50, 60))]
    (gap,) = scene.notes("G")
    assert gap["after"] == "2023-11-14T22:13:29.000000000Z"
    assert gap["before"] == "2023-11-14T22:14:10.000000000Z"


def test_lines_that_were_let_go_are_not_kept_again(scene: Scene) -> None:
    """The engine still has them, and they are of the seconds that are asked for again."""
    printed = Printed()
    scene.prints("web.1", "h1", printed)
    for first in (0, 10, 20):
        if first == 20:
            files.segments_of(scene.logs, "", "shop")[0].path.unlink()
        printed.lines += numbered(first, 10).lines
        scene.collector(follow=False).run_once()
    assert scene.texts() == numbers(30)[10:]
    assert scene.notes("G") == scene.notes("E") == []


def test_nor_are_they_when_a_clock_is_set_back_and_all_is_read_anew(scene: Scene) -> None:
    printed = numbered(0, 10)
    scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    printed.lines += numbered(10, 10).lines
    scene.collector(follow=False).run_once()
    files.segments_of(scene.logs, "", "shop")[0].path.unlink()
    for first in (20, 30):
        printed.lines += [(at - 3600 * SECOND, *rest) for at, *rest in numbered(first, 10).lines]
        scene.skews["h1"] = -3600
        scene.collector(follow=False, skews={"h1": 0.0}).run_once()
        assert scene.texts() == numbers(first + 10)[10:]
    assert [note["epoch"] for note in scene.notes("E")] == [1]
    assert scene.notes("G") == []


def test_a_clock_that_is_set_back_while_nobody_collects(scene: Scene) -> None:
    printed = numbered(0, 10, step=SECOND)
    scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    # An hour back: asked since its last line, the engine would leave these out.
    printed.lines += [(at - 3600 * SECOND, *rest) for at, *rest in numbered(10, 10).lines]
    scene.skews["h1"] = -3600
    scene.collector(follow=False, skews={"h1": 0.0}).run_once()
    assert scene.texts() == numbers(20)
    # From now on the lines of the first epoch are later than what comes.
    printed.lines += [(at - 3600 * SECOND, *rest) for at, *rest in numbered(20, 10).lines]
    scene.collector(follow=False, skews={"h1": -3600}).run_once()
    assert scene.texts() == numbers(30)
    assert [note["epoch"] for note in scene.notes("E")] == [1]
    assert any("set back" in text for text in scene.told)


def test_a_clock_that_is_set_back_while_somebody_collects(scene: Scene) -> None:
    printed = numbered(0, 10, step=SECOND)
    scene.prints("web.1", "h1", printed)
    scene.collector(follow=False).run_once()
    running = Running(scene)
    time.sleep(0.1)
    printed.lines += [(at - 3600 * SECOND, *rest) for at, *rest in numbered(10, 10).lines]
    scene.skews["h1"] = -3600
    assert running.until(20) == numbers(20)
    running.end()


def test_a_full_disk_is_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = Printed()
    scene.prints("web.1", "h1", printed)
    real = files.os.write
    full = threading.Event()

    def write(file: int, data: bytes) -> int:
        if full.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data)

    monkeypatch.setattr(files.os, "write", write)
    running = Running(scene)
    printed.lines += numbered(0, 50).lines
    running.until(50)
    full.set()
    printed.lines += numbered(50, 100).lines
    time.sleep(0.3)
    assert len(scene.texts()) <= 150
    full.clear()
    assert running.until(150) == numbers(150)
    running.end()
    assert len([text for text in scene.told if "No space left" in text]) == 1


def test_a_container_that_starts_again(scene: Scene) -> None:
    printed = numbered(0, 5)
    printed.ended = True
    scene.prints("web.1", "h1", printed, state="exited", status="Exited (0)")
    running = Running(scene)
    running.until(5)
    printed.lines += numbered(5, 5).lines
    scene.containers[0] = container("web.1", "h1", id=scene.containers[0].id, status="Up 1 second")
    assert running.until(10) == numbers(10)
    running.end()


def test_made_anew_the_lines_of_both_are_kept(scene: Scene) -> None:
    scene.prints("web.1", "h1", numbered(0, 5))
    running = Running(scene)
    running.until(5)
    scene.containers.clear()
    scene.hosts["h1"].printed.clear()
    new = container("web.1", "h2", id="f" * 12)
    scene.hosts["h2"].printed[new.id] = numbered(5, 5)
    scene.containers.append(new)
    assert running.until(10) == numbers(10)
    running.end()
    assert {series.whose.host for series in series_of(scene.logs, "", "shop")} == {"h1", "h2"}


def test_a_container_that_is_heard_to_start_is_read_before_the_next_look(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "LOOK", 3600.0)
    scene.away.add("h2")
    started: queue.Queue[set[str]] = queue.Queue()

    def heard(wait: float) -> set[str]:
        try:
            return started.get(timeout=wait)
        except queue.Empty:
            return set()

    running = Running(scene, heard=heard)
    eventually_told(scene, "host h2: no route")  # so the one look that there will be is past
    scene.prints("web.1", "h1", numbered(0, 5))
    started.put({"h1", "one that is another's"})
    assert running.until(5) == numbers(5)
    assert running.collector.unseen == {"h2": "no route"}
    running.end()


def eventually_told(scene: Scene, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in scene.told:
        assert time.monotonic() < deadline, scene.told
        time.sleep(0.01)


def test_what_can_not_be_read_is_told_once(scene: Scene) -> None:
    class Dumb(ScriptedEngine):
        def logs(self, container: str, **_: Any) -> Iterator[tuple[str, bytes]]:
            raise EngineError(self.host, 501, "configured logging driver does not support reading")

    scene.hosts["h1"] = Dumb("h1")
    scene.prints("web.1", "h1", Printed())
    scene.prints("db.1", "h2", numbered(0, 2))
    running = Running(scene)
    running.until(2, "db.1")
    time.sleep(0.2)
    assert scene.told == ["shop/web.1: configured logging driver does not support reading"]
    running.end()


def test_what_nobody_thought_of_costs_one_container_alone(scene: Scene) -> None:
    class Odd(ScriptedEngine):
        def logs(self, container: str, **_: Any) -> Iterator[tuple[str, bytes]]:
            raise RuntimeError("what is this?")

    scene.hosts["h1"] = Odd("h1")
    scene.prints("web.1", "h1", Printed())
    scene.prints("db.1", "h2", numbered(0, 2))
    running = Running(scene)
    running.until(2, "db.1")
    time.sleep(0.1)
    assert scene.told == ["shop/web.1: RuntimeError: what is this?"]
    running.end()


@given(
    st.lists(st.integers(0, 3), max_size=30),
    st.lists(st.tuples(st.integers(1, 8), st.integers(0, 60)), max_size=5),
)
@settings(deadline=None, max_examples=40)
def test_whatever_is_cut_and_when(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], runs: list[tuple[int, int]]
) -> None:
    """Lines at equal and later times, collected in runs that each see more of them, with the
    file cut at any place in between."""
    scene = Scene(tmp_path_factory.mktemp("any") / "logs", ScriptedEngine("h1"))
    times = [sum(steps[: n + 1]) for n in range(len(steps))]
    lines = [(START + at * SECOND, "stdout", b"%d" % n) for n, at in enumerate(times)]
    printed = Printed()
    scene.prints("web.1", "h1", printed)
    for more, cut in runs:
        printed.lines += lines[len(printed.lines) : len(printed.lines) + more]
        scene.collector(follow=False).run_once()
        segments = files.segments_of(scene.logs, "", "shop")
        if segments:
            path = segments[-1].path
            whole = path.read_bytes()
            path.write_bytes(whole[: max(whole.index(b"\n") + 1, len(whole) - cut)])
    printed.lines[:] = lines
    scene.collector(follow=False).run_once()
    assert scene.texts() == numbers(len(lines))


# --- what is let go


def test_what_is_old_or_too_much_goes(tmp_path: Path) -> None:
    scene = Scene(tmp_path, ScriptedEngine("h1"))
    for app in range(3):
        scene.prints(f"web.{app + 1}", "h1", numbered(0, 100))
    scene.collector(follow=False).run_once()
    files = files_in(tmp_path)
    (files[0].segment.folder.parent / "made-while-the-disk-was-full").mkdir()
    found = files_in(tmp_path)
    assert found == files
    assert len(found) == 3 and all(each.last for each in found)
    sizes = [each.size for each in found]

    def going(**limits: Any) -> int:
        usual = {"before": 0.0, "max_app": 1 << 40, "max_total": 1 << 40, "live": frozenset()}
        return len(too_many(found, **{**usual, **limits}))

    assert going() == 0
    assert going(before=time.time() + 5) == 3
    assert going(max_app=sum(sizes) - 1) == 1
    assert going(max_total=sizes[0]) == 2
    assert going(max_total=0, live=frozenset({scene.containers[0].id})) == 2


def test_nobodys_lines_go_because_others_print_much() -> None:
    def file(app_of: str, number: int, size: int = 10) -> File:
        app = Path("/logs", app_of)
        segment = files.Segment("c", number, app / "services/web/1")
        return File(segment, app, size, float(number), last=False)

    adas = [file("ada/shop", number) for number in range(3)]
    bobs = [file(f"bob/{number % 4}", number) for number in range(10, 30)]
    eves = [file("eve/shop", 5, 60)]
    usual = {"before": 0.0, "max_app": 100, "live": frozenset[str]()}
    going = too_many([*adas, *bobs, *eves], max_total=160, **usual)
    assert going == bobs[:13], "the oldest of whoever has most"
    going = too_many([*adas, *bobs, *eves], max_total=90, **usual)
    assert set(adas).isdisjoint(going) and set(eves) <= set(going)
    assert len(too_many([*adas, *bobs, *eves], max_total=0, **usual)) == 24


def test_full_segments_are_compressed_beside_the_work(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SEGMENT", 4000)
    monkeypatch.setattr(collecting.Tidying, "pause", 0.05)
    printed = Printed()
    scene.prints("web.1", "h1", printed)
    running = Running(scene)
    for first in range(0, 1000, 100):
        printed.lines += numbered(first, 100).lines
        running.until(first + 100)
        time.sleep(0.05)
    deadline = time.monotonic() + 10
    while not any(each.compressed for each in files.segments_of(scene.logs, "", "shop")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.end()
    assert scene.texts() == numbers(1000)


# --- who collects what


def test_hosts_are_shared_without_talking() -> None:
    hosts = [f"h{n}" for n in range(30)]
    three = {name: share(hosts, ["a", "b", "c"], name) for name in "abc"}
    assert sorted(host for part in three.values() for host in part) == sorted(hosts)
    assert all(three.values())
    two = {name: share(hosts, ["a", "b"], name) for name in "ab"}
    assert all(three[name] <= two[name] for name in "ab")


def test_leases_follow_who_is_there(tmp_path: Path) -> None:
    told: list[str] = []
    store = SqliteStore(tmp_path / "state.sqlite")

    def collector(pid: int) -> HeldHosts:
        held = HeldHosts(store, hosts, Saying(told.append))
        held.name = f"{held._me['machine']}:{pid}"
        return held

    hosts = [f"h{n}" for n in range(8)]
    one, two = collector(1), collector(2)
    assert one.refresh() == set(hosts)
    two.refresh()
    one.refresh()
    mine, theirs = one.refresh(), two.refresh()
    assert mine | theirs == set(hosts)
    assert not mine & theirs
    assert mine and theirs
    two.release()
    assert one.refresh() == set(hosts)
    one.release()
    assert list(store.list(keys.COLLECTED)) == []
    assert told == []
    store.close()


def test_a_process_that_died_here_is_seen_to_be_dead() -> None:
    me = this_process()
    assert not is_dead(me)
    assert is_dead({**me, "pid": 2**22 - 3})
    assert is_dead({**me, "boot": "another"})
    assert not is_dead({**me, "machine": "elsewhere", "pid": 2**22 - 3})
    assert not is_dead("nobody")


def test_reports_are_hints_in_the_store(scene: Scene, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state.sqlite")
    scene.prints("web.1", "h1", numbered(0, 10))
    scene.skews["h1"] = 0.25
    collector = scene.collector(follow=False)
    collector.run_once()
    Reports(store, "here:1", Saying(scene.told.append))(collector)
    replica = store.get("logs/-/shop/web/1")
    host = store.get("logs-host/h1")
    assert replica and host
    assert replica.value["to"] == "2023-11-14T22:13:20.000009000Z"
    assert (host.value["containers"], host.value["collector"]) == (1, "here:1")
    assert host.value["lines"] > 0
    assert skews_before(store) == {"h1": 0.25, "h2": 0.0}
    store.close()


def test_how_fast_lines_come_and_how_late_they_are_kept_is_told(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: passed, time=lambda: now)
    monkeypatch.setattr(reports, "time", clock)
    monkeypatch.setattr(sources, "time", clock)
    passed, now = 1000.0, START / SECOND + 100.0
    store = SqliteStore(tmp_path / "state.sqlite")
    printed = numbered(0, 10)
    scene.prints("web.1", "h1", printed)
    collector = scene.collector(follow=False)
    report = Reports(store, "here:1", Saying(scene.told.append))

    def told(key: str) -> dict[str, Any]:
        collector.step()
        deadline = time.monotonic() + 20
        while any(source.reading for source in collector.sources.values()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        report(collector)
        entry = store.get(key)
        assert entry is not None
        return dict(entry.value)

    assert told("logs/-/shop/web/1")["behind"] == 100.0
    passed += 20
    now += 20
    printed.lines += [(round((now - 3) * SECOND), "stdout", b"%d" % n) for n in range(50)]
    replica = told("logs/-/shop/web/1")
    assert (replica["lines"], replica["behind"]) == (2.5, 3.0)
    passed += 1
    assert told("logs-host/h1")["lines"] == 2.5, "no more often than every few seconds"
    passed += 9
    host = told("logs-host/h1")
    assert (host["lines"], host["behind"]) == (0.0, 3.0)
    passed += 10
    now += 60
    scene.hosts["h1"].away = True
    host = told("logs-host/h1")
    assert host["behind"] == 60.0, "since then nothing could be kept"
    assert "connection lost" in host["problem"]
    store.close()
