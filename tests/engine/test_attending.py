"""An app in the foreground: its lines and ends, from engines over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from nap_compose.border import AttendRequest, Ended, LogLine, RunRequest, Target
from nap_compose.compose.oneoff import Changes, oneoff_app
from nap_compose.errors import WrongUse
from nap_compose.logs import follow
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.console import ScriptedConsole
from tests.support.road import Hand, Road
from tests.support.views import app

TWO = {"web": {"deploy": {"replicas": 2}}, "db": {}}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "RETRY_FIRST", 0.05)
    monkeypatch.setattr(follow, "RETRY_LAST", 0.2)


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    fake = fake_cluster(3)
    for image in ("web:1", "db:1"):
        fake.add_image(image)
    return fake


@pytest.fixture
def road(fake: FakeCluster) -> Road:
    return Road.on(fake)


class Held:
    held = True


class Attended:
    """Attends in a thread; `held` as the person's side has it."""

    def __init__(
        self, road: Road, shown: tuple[str, ...], awaited: tuple[str, ...], *, held: bool = False
    ) -> None:
        self.held = held
        self.items: list[LogLine | Ended] = []
        self.warnings: list[str] = []
        self.control = road.control()
        request = AttendRequest(Target("shop"), shown, awaited)
        stream = self.control.attend(request, self, self.warnings.append)
        self.thread = threading.Thread(target=self._collect, args=(stream,), daemon=True)
        self.thread.start()

    def _collect(self, stream: Iterator[LogLine | Ended]) -> None:
        self.items.extend(stream)

    @property
    def said(self) -> list[str]:
        return [
            each.text if isinstance(each, LogLine) else f"{each.subject} ends {each.code}"
            for each in self.items
        ]

    def until(self, found: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 15
        while not found():
            assert time.monotonic() < deadline, (self.said, self.warnings)
            time.sleep(0.01)

    def over(self) -> list[str]:
        """All that came, once it is over by itself."""
        self.thread.join(15)
        assert not self.thread.is_alive(), self.said
        return self.said


@pytest.fixture
def attend(road: Road) -> Iterator[Callable[..., Attended]]:
    made: list[Attended] = []

    def begin(
        *services: str, awaited: tuple[str, ...] | None = None, held: bool = False
    ) -> Attended:
        made.append(Attended(road, services, services if awaited is None else awaited, held=held))
        return made[-1]

    yield begin
    for each in made:
        each.control.close()


def where(road: Road, slot: str) -> tuple[str, str]:
    row = road.rows()[slot]
    return row.host, row.id


def say(fake: FakeCluster, road: Road, slot: str, text: str) -> None:
    host, container = where(road, slot)
    fake[host].say(container, text)


def end(fake: FakeCluster, road: Road, slot: str, code: int) -> None:
    host, container = where(road, slot)
    fake[host].exit(container, code)


def test_what_is_printed_from_now_on_and_how_it_ends(
    fake: FakeCluster, road: Road, attend: Callable[..., Attended]
) -> None:
    road.up(app(TWO))
    say(fake, road, "web.1", "long ago")
    attended = attend("web", "db")
    for slot in ("web.1", "db.1", "web.2"):
        say(fake, road, slot, f"{slot} speaks")
    attended.until(lambda: len(attended.items) == 3)
    for slot, code in (("web.1", 3), ("web.2", 0)):
        say(fake, road, slot, f"{slot} goes")
        end(fake, road, slot, code)
    attended.until(lambda: len(attended.items) == 7)
    assert attended.thread.is_alive()  # db runs
    end(fake, road, "db.1", 1)
    said = attended.over()
    assert "long ago" not in said
    for slot, code in (("web.1", 3), ("web.2", 0)):
        assert said.index(f"{slot} goes") < said.index(f"{slot} ends {code}")
    assert said[-1] == "db.1 ends 1"
    assert attended.warnings == []


def test_what_is_awaited_and_what_is_shown_are_two_things(
    fake: FakeCluster, road: Road, attend: Callable[..., Attended]
) -> None:
    road.up(app(TWO))
    attended = attend("web", awaited=("db",))
    say(fake, road, "db.1", "unheard")
    say(fake, road, "web.1", "heard")
    attended.until(lambda: bool(attended.items))
    end(fake, road, "db.1", 4)
    assert attended.over() == ["heard", "db.1 ends 4"]


def test_the_end_of_what_run_makes_is_no_replica_s(
    fake: FakeCluster, road: Road, attend: Callable[..., Attended]
) -> None:
    for engine in fake:
        engine.programs["leaves"] = lambda _: 7
    whole = app(TWO)
    road.up(whole)
    attended = attend("web")
    wanted = oneoff_app(whole, "web", Changes(command=("leaves",)), folder="/")
    request = RunRequest(app=wanted, whole=whole, service="web")
    made = attended.control.make_oneoff(request, lambda _: None, Hand())
    assert attended.control.run_oneoff(made, ScriptedConsole()).code == 7
    for slot in ("web.1", "web.2"):
        end(fake, road, slot, 0)
    assert sorted(attended.over()) == ["web.1 ends 0", "web.2 ends 0"]


def test_held_it_waits_for_containers_that_are_still_to_come(
    fake: FakeCluster, road: Road, attend: Callable[..., Attended]
) -> None:
    attended = attend("web", held=True)
    time.sleep(0.5)
    assert attended.thread.is_alive()
    road.up(app({"web": {}}))
    say(fake, road, "web.1", "its first line")
    attended.held = False
    attended.until(lambda: attended.said == ["its first line"])
    first = where(road, "web.1")[1]
    road.up(app({"web": {"environment": {"A": "1"}}}))
    assert where(road, "web.1")[1] != first
    say(fake, road, "web.1", "its successor's")
    attended.until(lambda: "its successor's" in attended.said)
    end(fake, road, "web.1", 0)
    assert attended.over()[-1] == "web.1 ends 0"


def test_a_host_that_goes_away_costs_a_warning_and_its_lines_come_later(
    fake: FakeCluster, road: Road, attend: Callable[..., Attended]
) -> None:
    road.up(app(TWO))
    attended = attend("web", "db")
    say(fake, road, "web.1", "one")
    attended.until(lambda: attended.said == ["one"])
    host, container = where(road, "web.1")
    fault = fake[host].fault(drop=True)
    fake[host].cut()
    attended.until(lambda: any(f"host {host}" in each for each in attended.warnings))
    fake[host].say(container, "two")
    fault.lift()
    attended.until(lambda: "two" in attended.said)
    assert attended.thread.is_alive()


def test_closing_ends_it(road: Road, attend: Callable[..., Attended]) -> None:
    road.up(app(TWO))
    attended = attend("web")
    attended.control.close()
    attended.over()
    assert attended.warnings == []


def test_without_an_app_nothing_is_told(road: Road) -> None:
    """It would be of the ends of everybody's containers, of whatever app."""
    with pytest.raises(WrongUse, match="which app"):
        road.control().attend(AttendRequest(Target(), ("web",), ("web",)), Held(), print)
