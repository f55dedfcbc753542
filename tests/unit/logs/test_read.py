"""`read_logs`: many containers on many hosts as one stream, past and to come."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import LogLine, LogRequest, Target
from nap_compose.cluster.view import ContainerView
from nap_compose.logs import fetch, follow
from nap_compose.logs.container_lines import ContainerLog
from nap_compose.logs.deployment_lines import DeploymentLines
from nap_compose.logs.deployment_log import DeploymentLog, Head
from tests.support.loglines import read_logs
from tests.unit.logs.scripted import Printed, ScriptedEngine, container, engines

SECOND = 10**9
START = 1_700_000_000 * SECOND


def numbered(first: int, count: int, *, step: int = SECOND, stream: str = "stdout") -> Printed:
    """Lines `first`, `first` + 1 … , one each `step` nanoseconds."""
    numbers = range(first, first + count)
    return Printed([(START + n * step, stream, b"%d" % n) for n in numbers])


def request(**changes: object) -> LogRequest:
    return LogRequest(Target(app="shop"), **changes)  # type: ignore[arg-type]


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits, so that the tests needn't wait as people do."""
    monkeypatch.setattr(fetch, "SILENCE", 0.3)
    monkeypatch.setattr(follow, "LOOK_AGAIN", 0.02)
    monkeypatch.setattr(follow, "LINGER", 0.4)
    monkeypatch.setattr(follow, "RETRY_FIRST", 0.02)
    monkeypatch.setattr(follow, "RETRY_LAST", 0.1)
    monkeypatch.setattr(follow, "PATIENCE", 0.1)


def test_hosts_and_containers_in_one_order(warnings: list[str]) -> None:
    web, db = container("web.1", "h1"), container("db.1", "h2")
    h1 = ScriptedEngine("h1", {web.id: Printed([(START + n, "stdout", b"w") for n in (1, 3, 4)])})
    h2 = ScriptedEngine("h2", {db.id: Printed([(START + n, "stderr", b"d") for n in (2, 5)])})
    lines = read_logs(engines(h1, h2), [db, web], request(), warn=warnings.append)
    assert [(line.host, line.subject, line.source) for line in lines] == [
        ("h1", "web.1", "stdout"),
        ("h2", "db.1", "stderr"),
        ("h1", "web.1", "stdout"),
        ("h1", "web.1", "stdout"),
        ("h2", "db.1", "stderr"),
    ]
    assert warnings == []


def test_many_lines_come_whole(warnings: list[str]) -> None:
    web, db = container("web.1", "h1"), container("db.1", "h2")
    h1 = ScriptedEngine("h1", {web.id: numbered(0, 20_000, step=7)}, cuts=[7_777, 3_000])
    h2 = ScriptedEngine("h2", {db.id: numbered(0, 20_000, step=11)})
    lines = list(read_logs(engines(h1, h2), [web, db], request(), warn=warnings.append))
    assert all(one.at <= other.at for one, other in pairwise(lines))
    for subject in ("web.1", "db.1"):
        numbers = [int(line.text) for line in lines if line.subject == subject]
        assert numbers == list(range(20_000))
    assert warnings == []


@pytest.mark.parametrize("tail", [0, 1, 3, 50])
def test_tail_is_for_each_container(tail: int, warnings: list[str]) -> None:
    web, db = container("web.1", "h1"), container("db.1", "h2")
    h1 = ScriptedEngine("h1", {web.id: numbered(0, 10)})
    h2 = ScriptedEngine("h2", {db.id: numbered(100, 5)})
    lines = list(read_logs(engines(h1, h2), [web, db], request(tail=tail), warn=warnings.append))
    assert [line.text for line in lines if line.subject == "web.1"] == [
        str(number) for number in range(10)
    ][10 - min(tail, 10) :]
    assert sum(line.subject == "db.1" for line in lines) == min(tail, 5)


def test_services_and_replicas(warnings: list[str]) -> None:
    views = [container(name, "h1") for name in ("web.1", "web.2", "db.1")]
    engine = ScriptedEngine("h1", {view.id: numbered(1, 1) for view in views})

    def subjects(wanted: LogRequest) -> set[str]:
        lines = read_logs(engines(engine), views, wanted, warn=warnings.append)
        return {line.subject for line in lines}

    assert subjects(request(services=("web",))) == {"web.1", "web.2"}
    assert subjects(LogRequest(Target(app="shop", service="web", replica=2))) == {"web.2"}
    assert subjects(LogRequest(Target(app="shop", service="db"), services=("web",))) == {
        "web.1",
        "web.2",
        "db.1",
    }
    assert subjects(request(containers=False)) == set()


def test_deployment_lines_stand_among_the_others(tmp_path: Path, warnings: list[str]) -> None:
    log = DeploymentLog(
        tmp_path, Head("d1", "", "shop", "up", 1, "ada", "ada@desk"), warnings.append
    )
    log.end("done")
    web = container("web.1", "h1")
    now = time.time_ns()
    printed = Printed([(now - 10**12, "stdout", b"old"), (now + 10**12, "stdout", b"new")])
    engine = ScriptedEngine("h1", {web.id: printed})

    def texts(wanted: LogRequest) -> list[str]:
        deployments = DeploymentLines(tmp_path, "", "shop")
        lines = read_logs(
            engines(engine), [web], wanted, deployments=deployments, warn=warnings.append
        )
        return [line.text for line in lines]

    up = "up shop, revision 1, by ada from ada@desk"
    assert texts(request()) == ["old", up, "done", "new"]
    assert texts(request(tail=1)) == ["done", "new"]
    assert texts(request(deploy=False)) == ["old", "new"]
    assert texts(request(containers=False)) == [up, "done"]


def test_a_host_that_is_away_costs_one_warning(warnings: list[str]) -> None:
    there = container("web.1", "h1")
    gone = [container("web.2", "h2"), container("web.3", "h2")]
    h1 = ScriptedEngine("h1", {there.id: numbered(0, 3)})
    h2 = ScriptedEngine("h2", away=True)
    lines = list(read_logs(engines(h1, h2), [*gone, there], request(), warn=warnings.append))
    assert [line.text for line in lines] == ["0", "1", "2"]
    assert warnings == ["the lines of host h2 are missing: connection lost"]


def test_hosts_and_streams(warnings: list[str]) -> None:
    views = [container("web.1", "h1"), container("web.2", "h2")]
    printed = [(START, "stdout", b"out"), (START + 1, "stderr", b"err")]
    hosts = [ScriptedEngine(view.host, {view.id: Printed(list(printed))}) for view in views]

    def seen(**wanted: object) -> list[tuple[str, str]]:
        lines = read_logs(engines(*hosts), views, request(**wanted), warn=warnings.append)
        return [(line.host, line.text) for line in lines]

    assert seen(hosts=("h2",)) == [("h2", "out"), ("h2", "err")]
    assert seen(stream="stderr") == [("h1", "err"), ("h2", "err")]
    assert seen(stream="stdout", hosts=("h1",), tail=1) == [("h1", "out")]


def test_clocks_that_are_apart_are_compared(warnings: list[str]) -> None:
    early, late = container("web.1", "h1"), container("web.2", "h2")
    # Host h2 is five seconds ahead: what it says was printed after was printed in between.
    h1 = ScriptedEngine("h1", {early.id: numbered(0, 3)})
    h2 = ScriptedEngine("h2", {late.id: Printed([(START + 5 * SECOND + 1, "stdout", b"h2")])})
    lines = read_logs(
        engines(h1, h2), [early, late], request(), warn=warnings.append, skews={"h2": 5.0}
    )
    found = list(lines)
    assert [line.text for line in found] == ["0", "h2", "1", "2"]
    assert found[1].at == pytest.approx(START / 1e9 + 5)


@pytest.mark.parametrize("tail", [None, 2])
@pytest.mark.usefixtures("quick")
def test_a_host_that_hangs_costs_one_warning(tail: int | None, warnings: list[str]) -> None:
    there = container("web.1", "h1")
    stuck = [container("web.2", "h2"), container("web.3", "h2")]
    h1 = ScriptedEngine("h1", {there.id: numbered(0, 2)})
    h2 = ScriptedEngine("h2", hangs=True)
    began = time.monotonic()
    lines = list(
        read_logs(engines(h1, h2), [*stuck, there], request(tail=tail), warn=warnings.append)
    )
    assert time.monotonic() - began < 20
    h2.closing.set()
    assert [line.text for line in lines] == ["0", "1"]
    assert len(warnings) == 1
    assert "h2" in warnings[0]


def test_a_container_that_is_gone_meanwhile_is_passed_over(warnings: list[str]) -> None:
    gone = container("web.1", "h1")
    lines = list(read_logs(engines(ScriptedEngine("h1")), [gone], request(), warn=warnings.append))
    assert (lines, warnings) == ([], [])


class Scene:
    """An app that changes while its logs are followed, in a thread of its own."""

    def __init__(self, *hosts: ScriptedEngine) -> None:
        self.hosts = hosts
        self.containers: list[ContainerView] = []
        self.lines: list[LogLine] = []
        self.warnings: list[str] = []
        self._thread: threading.Thread | None = None

    def begin(self, wanted: LogRequest, deployments: DeploymentLines | None = None) -> None:
        stream = read_logs(
            engines(*self.hosts),
            list(self.containers),
            wanted,
            deployments=deployments,
            warn=self.warnings.append,
            refresh=lambda: list(self.containers),
        )
        self._thread = threading.Thread(target=self._collect, args=(stream,), daemon=True)
        self._thread.start()

    def _collect(self, stream: Iterator[LogLine]) -> None:
        for line in stream:
            self.lines.append(line)

    def until(self, count: int) -> None:
        """Wait until so many lines have come."""
        deadline = time.monotonic() + 10
        while len(self.lines) < count:
            assert time.monotonic() < deadline, [line.text for line in self.lines]
            time.sleep(0.01)

    def end(self) -> list[str]:
        """All containers end; the lines that came, once the stream has ended by itself."""
        for host in self.hosts:
            for printed in host.printed.values():
                printed.ended = True
        self.containers = [
            container(view.name, view.host, id=view.id, state="exited", status="Exited (0)")
            for view in self.containers
        ]
        assert self._thread
        self._thread.join(10)
        assert not self._thread.is_alive()
        return [line.text for line in self.lines]


@pytest.mark.usefixtures("quick")
class TestFollow:
    def test_what_is_there_and_what_comes(self) -> None:
        web = container("web.1", "h1")
        host = ScriptedEngine("h1", {web.id: numbered(0, 5)})
        scene = Scene(host)
        scene.containers = [web]
        scene.begin(request(follow=True))
        scene.until(5)
        host.printed[web.id].lines += numbered(5, 5).lines
        scene.until(10)
        assert scene.end() == [str(number) for number in range(10)]
        assert scene.warnings == []

    @pytest.mark.parametrize("tail", [0, 2])
    def test_a_tail_and_all_that_comes(self, tail: int) -> None:
        web, late = container("web.1", "h1"), container("db.1", "h1")
        host = ScriptedEngine("h1", {web.id: numbered(0, 5), late.id: Printed()})
        scene = Scene(host)
        scene.containers = [web, late]
        scene.begin(request(follow=True, tail=tail))
        scene.until(tail)
        time.sleep(0.1)
        host.printed[web.id].lines += numbered(5, 30).lines
        host.printed[late.id].lines += numbered(100, 30).lines
        scene.until(tail + 60)
        texts = [str(number) for number in range(5 - tail, 35)]
        assert [text for text in scene.end() if int(text) < 100] == texts

    def test_over_lost_connections(self) -> None:
        web = container("web.1", "h1")
        host = ScriptedEngine("h1", {web.id: numbered(0, 300, step=1000)})
        host.cuts = [5, 10, 0, 150, 3]
        scene = Scene(host)
        scene.containers = [web]
        scene.begin(request(follow=True))
        scene.until(300)
        host.cuts = [1, 0, 1]
        host.printed[web.id].lines += numbered(300, 100, step=1000).lines
        scene.until(400)
        assert scene.end() == [str(number) for number in range(400)]

    def test_a_host_that_goes_and_comes_back(self) -> None:
        web, other = container("web.1", "h1"), container("web.2", "h2")
        h1 = ScriptedEngine("h1", {web.id: numbered(0, 3)})
        h2 = ScriptedEngine("h2", {other.id: numbered(100, 3)})
        scene = Scene(h1, h2)
        scene.containers = [web, other]
        scene.begin(request(follow=True))
        scene.until(6)
        h1.away = True
        h1.printed[web.id].lines += numbered(3, 3).lines
        h2.printed[other.id].lines += numbered(103, 3).lines
        scene.containers = [other]
        scene.until(9)
        time.sleep(0.2)
        h1.away = False
        scene.containers = [web, other]
        scene.until(12)
        texts = scene.end()
        assert sorted(map(int, texts)) == [*range(6), *range(100, 106)]
        assert len(scene.warnings) == 1

    def test_a_container_that_is_made_anew_elsewhere(self) -> None:
        old, new = container("web.1", "h1"), container("web.1", "h2", created=2**40)
        h1, h2 = ScriptedEngine("h1", {old.id: numbered(0, 9)}), ScriptedEngine("h2")
        scene = Scene(h1, h2)
        scene.containers = [old]
        scene.begin(request(follow=True, tail=1))
        scene.until(1)
        h1.printed[old.id].lines += numbered(9, 1).lines
        h1.printed[old.id].ended = True
        scene.until(2)
        del h1.printed[old.id]
        h2.printed[new.id] = numbered(20, 5)
        scene.containers = [new]
        scene.until(7)
        assert scene.end() == ["8", "9", "20", "21", "22", "23", "24"]
        assert scene.lines[-1].host == "h2"

    def test_a_container_that_ran_between_two_looks(self) -> None:
        web = container("web.1", "h1")
        job = container("job.1", "h1", state="exited", status="Exited (0) 5 minutes ago")
        host = ScriptedEngine("h1", {web.id: numbered(100, 1), job.id: numbered(0, 2)})
        host.printed[job.id].ended = True
        scene = Scene(host)
        scene.containers = [web, job]
        scene.begin(request(follow=True))
        scene.until(3)
        host.printed[job.id].lines += numbered(2, 2).lines
        ran = container("job.1", "h1", state="exited", status="Exited (0) 1 second ago")
        scene.containers = [web, ran]
        scene.until(5)
        assert sorted(map(int, scene.end())) == [0, 1, 2, 3, 100]

    def test_more_than_is_taken_at_once_comes_the_next_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Handles(follow.Follow):
            def _handle(self, news: object) -> None:
                handled.append(news)

        handled: list[object] = []
        away = fetch.HostsAway(print)
        follows = Handles(
            engines(),
            [],
            deployments=None,
            refresh=None,
            log_of=ContainerLog,
            away=away,
            warn=print,
        )
        monkeypatch.setattr(follow, "WAITING", 10)
        for number in range(25):
            follows._tell(number)
        for _ in range(3):
            follows._take_news()
        assert handled == list(range(25))

    def test_a_container_that_restarts(self) -> None:
        web = container("web.1", "h1")
        host = ScriptedEngine("h1", {web.id: numbered(0, 2)})
        scene = Scene(host)
        scene.containers = [web]
        scene.begin(request(follow=True))
        scene.until(2)
        host.printed[web.id].ended = True
        time.sleep(0.1)
        host.printed[web.id].ended = False
        host.printed[web.id].lines += numbered(2, 3).lines
        scene.until(5)
        assert scene.end() == ["0", "1", "2", "3", "4"]

    def test_an_engine_that_ends_too_early_is_asked_again(self) -> None:
        class PrintsMore(ScriptedEngine):
            """Half of the lines are only there when somebody follows."""

            def logs(self, container: str, **wanted: Any) -> Iterator[tuple[str, bytes]]:
                if wanted["follow"]:
                    self.printed[container].lines[50:] = numbered(50, 50).lines
                return super().logs(container, **wanted)

        web = container("web.1", "h1")
        host = PrintsMore("h1", {web.id: numbered(0, 50)})
        host.printed[web.id].ended = True
        host.early = [7, 20]
        scene = Scene(host)
        scene.containers = [web]
        scene.begin(request(follow=True))
        # Nobody would look at it again, for it is no longer among the app's.
        scene.containers = []
        scene.until(100)
        assert scene.end() == [str(number) for number in range(100)]
        assert host.early == []

    def test_lines_of_several_hosts_that_come_late(self) -> None:
        views = [container("web.1", "h1"), container("web.2", "h2"), container("web.3", "h3")]
        hosts = [ScriptedEngine(view.host, {view.id: Printed()}) for view in views]
        scene = Scene(*hosts)
        scene.containers = views
        scene.begin(request(follow=True))
        time.sleep(0.1)
        for number in range(60):
            for late, (host, view) in enumerate(zip(hosts, views, strict=True)):
                # Each host's line arrives some milliseconds after the one before it was printed.
                at = START + number * 10 * 10**6 - late * 10**6
                host.printed[view.id].lines.append((at, "stdout", b"%d" % number))
                time.sleep(0.001)
        scene.until(180)
        scene.end()
        assert all(one.at <= other.at for one, other in pairwise(scene.lines))

    def test_deployments_that_begin_meanwhile(self, tmp_path: Path) -> None:
        web = container("web.1", "h1")
        scene = Scene(ScriptedEngine("h1", {web.id: numbered(0, 1)}))
        scene.containers = [web]
        scene.begin(request(follow=True), DeploymentLines(tmp_path, "", "shop"))
        scene.until(1)
        log = DeploymentLog(tmp_path, Head("d1", "", "shop", "down", 4, "", ""), print)
        scene.until(2)
        log.end("done")
        scene.until(3)
        assert scene.end() == ["0", "down shop, revision 4", "done"]

    def test_closing_ends_the_reading(self) -> None:
        web = container("web.1", "h1")
        host = ScriptedEngine("h1", {web.id: numbered(0, 3)})
        before = threading.active_count()
        stream = read_logs(
            engines(host), [web], request(follow=True), warn=print, refresh=lambda: [web]
        )
        assert next(stream).text == "0"
        assert [next(stream).text, next(stream).text] == ["1", "2"]
        stream.close()  # type: ignore[attr-defined]
        host.closing.set()
        deadline = time.monotonic() + 5
        while threading.active_count() > before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
