"""Logs of real containers on real engines, while the hosts have real faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from bed import containers, docker_api, hosts
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.border import LogLine, LogRequest, Target
from nap_compose.cluster import config
from nap_compose.cluster.engines import ClusterEngines, engines_of
from nap_compose.cluster.view import ContainerView
from tests.support.loglines import read_logs
from tests.unit.logs.scripted import container

pytestmark = pytest.mark.bed

NUMBERS = """
i=0
while [ $i -lt {count} ]; do
    i=$((i + 1)); echo $i
    if [ $((i % 5)) = 0 ]; then echo $i >&2; fi
    if [ $((i % {rest})) = 0 ]; then sleep 0.1; fi
done
sleep 1000000
"""


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("logs1", hosts=2) as bed:
        yield bed


@pytest.fixture
def engines(bed: Bed) -> ClusterEngines:
    return engines_of(config.read(bed.cluster_file))


@pytest.fixture
def start(bed: Bed) -> Iterator[object]:
    """Starts a shell script as a container: (slot, host, script) → its view."""
    started: list[tuple[Host, str]] = []

    def start(slot: str, host: str, script: str) -> ContainerView:
        name = slot.replace(".", "-")
        on = bed.host(host)
        made = containers.run(on, name, "sh", "-c", script)
        started.append((on, name))
        return container(slot, host, id=made, created=int(time.time()))

    yield start
    for host, name in started:
        containers.remove(host, name)


class Follower:
    """Follows in a thread until it is told to stop."""

    def __init__(self, engines: ClusterEngines, views: list[ContainerView]) -> None:
        self.lines: list[LogLine] = []
        self.warnings: list[str] = []
        request = LogRequest(Target(app="shop"), follow=True)
        self._lines = read_logs(
            engines, views, request, warn=self.warnings.append, refresh=lambda: views
        )
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        for line in self._lines:
            self.lines.append(line)

    def until(self, count: int, within: float = 60.0) -> None:
        deadline = time.monotonic() + within
        while len(self.lines) < count:
            assert time.monotonic() < deadline, f"{len(self.lines)} of {count}: {self.warnings}"
            time.sleep(0.05)

    def numbers(self, subject: str, source: str) -> list[int]:
        return [
            int(line.text)
            for line in self.lines
            if (line.subject, line.source) == (subject, source)
        ]


def expected(count: int, source: str) -> list[int]:
    return list(range(1, count + 1)) if source == "stdout" else list(range(5, count + 1, 5))


def test_two_hosts_at_full_speed(start, engines: ClusterEngines) -> None:  # type: ignore[no-untyped-def]
    count = 20_000
    views = [start(f"web.{n}", f"h{n}", NUMBERS.format(count=count, rest=count)) for n in (1, 2)]
    follower = Follower(engines, views)
    follower.until(2 * (count + count // 5))
    time.sleep(1)
    for view in views:
        for source in ("stdout", "stderr"):
            assert follower.numbers(view.name, source) == expected(count, source)
    assert follower.warnings == []

    # And the same once more, from what the engines have kept.
    request = LogRequest(Target(app="shop"))
    lines = list(read_logs(engines, views, request, warn=pytest.fail))
    assert len(lines) == len(follower.lines)
    turned = sum(one.at > other.at for one, other in pairwise(lines))
    assert turned < len(lines) / 100  # an engine's own two streams, microseconds apart


def test_a_host_without_its_cable(start, bed: Bed, engines: ClusterEngines) -> None:  # type: ignore[no-untyped-def]
    count = 3_000
    views = [start(f"web.{n}", f"h{n}", NUMBERS.format(count=count, rest=30)) for n in (1, 2)]
    follower = Follower(engines, views)
    follower.until(500)
    hosts.partition(bed, bed.host("h1"))
    time.sleep(4)
    hosts.heal(bed, bed.host("h1"))
    follower.until(2 * (count + count // 5), within=120)
    for view in views:
        for source in ("stdout", "stderr"):
            assert follower.numbers(view.name, source) == expected(count, source)


def test_a_host_that_crashes(start, bed: Bed, engines: ClusterEngines) -> None:  # type: ignore[no-untyped-def]
    web = start("web.1", "h1", "echo first life; sleep 1000000")
    other = start("web.2", "h2", "while sleep 0.5; do echo tick; done")
    follower = Follower(engines, [web, other])
    follower.until(3)
    hosts.kill(bed, bed.host("h1"))
    seen = len(follower.lines)
    follower.until(seen + 4)  # the other host's lines come on
    hosts.restart(bed, bed.host("h1"))
    docker_api.call(bed.host("h1"), "POST", f"/containers/{web.id}/start")
    deadline = time.monotonic() + 90
    while True:
        lives = [line.text for line in follower.lines if line.host == "h1"]
        if len(lives) >= 2:
            break
        assert time.monotonic() < deadline, (lives, follower.warnings)
        time.sleep(0.1)
    assert lives == ["first life", "first life"]
    assert len([text for text in follower.warnings if "h1" in text]) == 1


def test_lines_that_are_hard_to_read(start, engines: ClusterEngines) -> None:  # type: ignore[no-untyped-def]
    script = r"""
        head -c 100000 /dev/zero | tr '\0' x; echo
        printf 'bytes \377\376 and \033[31mred\033[0m\n'
        echo; echo '  spaces  '
        printf 'no end'
    """
    view = start("odd.1", "h1", script)
    deadline = time.monotonic() + 20
    request = LogRequest(Target(app="shop"))
    texts: list[str] = []
    while len(texts) < 5:
        assert time.monotonic() < deadline, [text[:50] for text in texts]
        texts = [line.text for line in read_logs(engines, [view], request, warn=pytest.fail)]
        time.sleep(0.2)
    assert texts == [
        "x" * 100_000,
        # The engine's own json-file has no room for bytes that are no text.
        "bytes \ufffd\ufffd and \x1b[31mred\x1b[0m",
        "",
        "  spaces  ",
        "no end",
    ]
