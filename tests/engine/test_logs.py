"""Reading logs from engines over real sockets, through the engine's door."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from nap_compose.border import LogLine, LogRequest, Target
from nap_compose.cluster.engines import engines_of
from nap_compose.cluster.view import ContainerView
from nap_compose.logs import follow
from tests.engine.fake_engine import FakeCluster, fake_cluster
from tests.support.loglines import read_logs
from tests.unit.logs.scripted import container


@pytest.fixture
def bed() -> Iterator[FakeCluster]:
    with fake_cluster(3) as cluster:
        cluster.add_image("web:1")
        yield cluster


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LOOK_AGAIN", 0.1)
    monkeypatch.setattr(follow, "RETRY_FIRST", 0.05)
    monkeypatch.setattr(follow, "RETRY_LAST", 0.2)


def run(bed: FakeCluster, name: str, host: str, **body: object) -> ContainerView:
    """A running container of the slot `name`."""
    engine = engines_of(bed.cluster).on(host)
    made = engine.create_container(name.replace(".", "-"), {"Image": "web:1", **body})
    engine.start_container(made)
    return container(name, host, id=made, created=int(time.time()))


class Reader:
    """Follows in a thread, and can be waited for."""

    def __init__(self, bed: FakeCluster, views: list[ContainerView], **wanted: object) -> None:
        self.views = views
        self.lines: list[LogLine] = []
        self.warnings: list[str] = []
        request = LogRequest(Target(app="shop"), follow=True, **wanted)  # type: ignore[arg-type]
        self._stream = read_logs(
            engines_of(bed.cluster),
            list(views),
            request,
            warn=self.warnings.append,
            refresh=lambda: list(self.views),
        )
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        for line in self._stream:
            self.lines.append(line)

    def until(self, count: int) -> list[str]:
        deadline = time.monotonic() + 15
        while len(self.lines) < count:
            assert time.monotonic() < deadline, [line.text for line in self.lines]
            time.sleep(0.01)
        return [line.text for line in self.lines]


def test_three_hosts_two_streams_one_order(bed: FakeCluster) -> None:
    views = [run(bed, f"web.{n}", f"h{n}") for n in (1, 2, 3)]
    for number in range(30):
        stream = "stderr" if number % 2 else "stdout"
        bed[f"h{number % 3 + 1}"].say(views[number % 3].id, str(number), stream)
    request = LogRequest(Target(app="shop"))
    lines = list(read_logs(engines_of(bed.cluster), views, request, warn=pytest.fail))
    assert [line.text for line in lines] == [str(number) for number in range(30)]
    assert [line.source for line in lines[:2]] == ["stdout", "stderr"]
    assert [line.host for line in lines[:3]] == ["h1", "h2", "h3"]
    assert abs(lines[-1].at - time.time()) < 60


def test_a_terminal_and_text_that_is_none(bed: FakeCluster) -> None:
    shell = run(bed, "shell.1", "h1", Tty=True)
    bed["h1"].say(shell.id, "grüße\x1b[0m")
    request = LogRequest(Target(app="shop"))
    (line,) = read_logs(engines_of(bed.cluster), [shell], request, warn=pytest.fail)
    assert (line.source, line.text) == ("stdout", "grüße\x1b[0m")


def test_connections_that_break_lose_and_double_nothing(bed: FakeCluster) -> None:
    web = run(bed, "web.1", "h1")
    reader = Reader(bed, [web])
    for number in range(300):
        bed["h1"].say(web.id, str(number), "stderr" if number % 3 else "stdout")
        if number % 60 == 30:
            reader.until(1)
            bed["h1"].cut()
        time.sleep(0.001)
    reader.until(300)
    time.sleep(0.5)
    assert sorted(map(int, reader.until(300))) == list(range(300))


def test_a_host_that_crashes_and_comes_back(bed: FakeCluster) -> None:
    views = [run(bed, "web.1", "h1"), run(bed, "web.2", "h2")]
    for view in views:
        bed[view.host].say(view.id, "before")
    reader = Reader(bed, views)
    reader.until(2)
    bed["h1"].stop()
    bed["h2"].say(views[1].id, "meanwhile")
    reader.until(3)
    bed["h1"].start()
    bed["h1"].say(views[0].id, "after")
    assert reader.until(4) == ["before", "before", "meanwhile", "after"]
    assert len(reader.warnings) == 1
    assert "host h1" in reader.warnings[0]


def test_made_anew_on_another_host(bed: FakeCluster) -> None:
    old = run(bed, "web.1", "h1")
    bed["h1"].say(old.id, "old")
    reader = Reader(bed, [old], tail=0)
    time.sleep(0.3)
    bed["h1"].say(old.id, "last words")
    reader.until(1)
    engines_of(bed.cluster).on("h1").remove_container(old.id, force=True)
    new = run(bed, "web.1", "h3")
    bed["h3"].say(new.id, "first words")
    reader.views = [new]
    assert reader.until(2) == ["last words", "first words"]
    assert reader.lines[-1].host == "h3"
    assert reader.warnings == []


def test_an_engine_that_can_not_read_a_log_is_named(bed: FakeCluster) -> None:
    web, dumb = run(bed, "web.1", "h1"), run(bed, "web.2", "h2")
    bed["h1"].say(web.id, "fine")
    message = "configured logging driver does not support reading"
    bed["h2"].fault("GET", ".*/logs", status=501, message=message)
    warnings: list[str] = []
    request = LogRequest(Target(app="shop"))
    lines = read_logs(engines_of(bed.cluster), [web, dumb], request, warn=warnings.append)
    assert [line.text for line in lines] == ["fine"]
    (warning,) = warnings
    assert "web.2" in warning
    assert "does not support reading" in warning


def test_one_call_for_each_container(bed: FakeCluster) -> None:
    views = [run(bed, f"web.{n}", "h1") for n in range(1, 6)]
    bed["h1"].forget()
    request = LogRequest(Target(app="shop"), tail=10)
    assert list(read_logs(engines_of(bed.cluster), views, request, warn=pytest.fail)) == []
    assert len(bed["h1"].calls("GET", ".*/logs")) == 5
