"""`exec` and `attach` across the border, on fake engines: how they end, and what breaks."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nap_compose.border import (
    AttachRequest,
    Control,
    ExecRequest,
    Resized,
    Signalled,
    Target,
    Typed,
)
from nap_compose.cluster.engine import EngineAway
from nap_compose.control import replicas
from nap_compose.errors import Away, NapError, WrongUse
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster, FakeEngine, Process
from tests.support.console import ScriptedConsole, typed
from tests.support.road import Road
from tests.support.views import app

WEB = Target("shop", service="web")


def second(number: int) -> Target:
    return Target("shop", service="web", replica=number)


def cat(process: Process) -> int:
    while data := process.read(65536):
        process.out(data)
    process.err(b"done")
    return 7


def waits(process: Process) -> int:
    """Goes on until its input ends, as a shell does that nobody types to."""
    process.out(b"ready")
    while process.read(65536):
        pass
    return 0


def stays(process: Process) -> int:
    """Doesn't mind that nobody listens any more."""
    threading.Event().wait(20)
    return 0


def wait_for(happens: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < ends
        time.sleep(0.01)


def then(act: Callable[[], None]) -> Callable[[Process], int]:
    """Says that it is ready, and then that happens to its engine."""

    def program(process: Process) -> int:
        process.out(b"ready")
        act()
        return stays(process)

    return program


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    cluster.behave("*", Behaviour())
    for engine in cluster:
        engine.programs |= {"cat": cat, "waits": waits, "stays": stays}
    return cluster


@pytest.fixture
def road(fake: FakeCluster) -> Road:
    road = Road.on(fake)
    road.up(app({"web": {"scale": 3}, "db": {"command": ["waits"], "stdin_open": True}}))
    return road


@pytest.fixture
def control(road: Road) -> Iterator[Control]:
    control = road.control()
    yield control
    control.close()


def at(fake: FakeCluster, road: Road, slot: str) -> FakeEngine:
    """The engine on which a replica runs."""
    return fake[road.rows("shop")[slot].host]


def test_a_command_s_outputs_and_its_end(control: Control) -> None:
    console = ScriptedConsole(*typed("hello"))
    result = control.execute(ExecRequest(WEB, ("cat",)), console)
    assert (result.code, result.subject, result.detached) == (7, "web.1", False)
    assert console.shown == {"stdout": b"hello", "stderr": b"done"}
    assert console.opened == [False]
    assert console.closed


def test_what_the_engine_is_asked(fake: FakeCluster, road: Road, control: Control) -> None:
    request = ExecRequest(
        second(2),
        ("cat", "-n"),
        environment=("A=1",),
        user="7:8",
        workdir="/srv",
        privileged=True,
        detach_keys="ctrl-x",
    )
    control.execute(request, ScriptedConsole(*typed("")))
    (asked,) = fake.calls("POST", ".*/exec")
    assert asked.body == {
        "Cmd": ["cat", "-n"],
        "Tty": False,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Privileged": True,
        "Env": ["A=1"],
        "User": "7:8",
        "WorkingDir": "/srv",
        "DetachKeys": "ctrl-x",
    }
    assert road.rows("shop")["web.2"].id in asked.path


def test_one_that_is_left_alone(fake: FakeCluster, control: Control) -> None:
    console = ScriptedConsole()
    assert control.execute(ExecRequest(WEB, ("cat",), detach=True), console).detached
    assert console.opened == []
    (asked,) = fake.calls("POST", "/exec/.*/start")
    assert asked.body["Detach"] is True


def test_a_terminal_s_size_at_first_and_later(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    console = ScriptedConsole(size=Resized(24, 80))

    def watches(process: Process) -> int:
        wait_for(lambda: process.size == (24, 80))
        console.say(Resized(50, 160))
        wait_for(lambda: process.size == (50, 160))
        return 5

    at(fake, road, "web.1").programs["watches"] = watches
    assert control.execute(ExecRequest(WEB, ("watches",), tty=True), console).code == 5
    assert console.opened == [True]


def test_the_detach_keys_leave_a_process(control: Control) -> None:
    console = ScriptedConsole(Typed(b"abc\x10"), Typed(b"\x11more"))
    result = control.execute(ExecRequest(WEB, ("waits",), tty=True), console)
    assert (result.detached, result.code) == (True, 0)


def test_without_a_terminal_the_keys_are_input(control: Control) -> None:
    console = ScriptedConsole(*typed("\x10\x11"))
    result = control.execute(ExecRequest(WEB, ("cat",)), console)
    assert (result.code, console.shown["stdout"]) == (7, b"\x10\x11")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_talk(control: Control, number: int) -> None:
    result = control.execute(ExecRequest(WEB, ("waits",)), ScriptedConsole(Signalled(number)))
    assert result.code == 128 + number


def test_a_connection_that_breaks_in_the_middle(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    engine = at(fake, road, "web.1")
    engine.programs["breaks"] = then(engine.cut)
    console = ScriptedConsole()
    with pytest.raises(NapError) as broken:
        control.execute(ExecRequest(WEB, ("breaks",)), console)
    assert broken.value.host == engine.name
    assert console.shown["stdout"] == b"ready"
    assert console.closed


def test_an_engine_that_dies_in_the_middle(fake: FakeCluster, road: Road, control: Control) -> None:
    engine = at(fake, road, "web.1")
    engine.programs["breaks"] = then(engine.stop)
    with pytest.raises(EngineAway):
        control.execute(ExecRequest(WEB, ("breaks",)), ScriptedConsole())


def test_a_container_that_vanishes(fake: FakeCluster, road: Road, control: Control) -> None:
    at(fake, road, "web.1").fault("POST", ".*/exec", status=404, message="No such container")
    with pytest.raises(NapError, match=r"web\.1 was removed in the meantime"):
        control.execute(ExecRequest(WEB, ("cat",)), ScriptedConsole())


def stop_replica(fake: FakeCluster, road: Road, slot: str) -> None:
    at(fake, road, slot).exit(road.rows("shop")[slot].name, 3)


def test_the_first_that_runs_is_meant_where_none_is_named(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    stop_replica(fake, road, "web.1")
    assert (
        control.execute(ExecRequest(WEB, ("cat",)), ScriptedConsole(*typed(""))).subject == "web.2"
    )
    with pytest.raises(NapError, match=r"shop/web\.1 doesn't run: it is exited") as stopped:
        control.execute(ExecRequest(second(1), ("cat",)), ScriptedConsole())
    assert "nap start" in str(stopped.value.hint)


@pytest.mark.parametrize(
    ("target", "said", "hint"),
    [
        (Target("shop", service="wep"), "no service 'wep'", "did you mean 'web'?"),
        # One that stands in the file alone, which isn't known here.
        (
            Target("shop", service="mail"),
            "'mail' in the app shop, or it has no cont",
            "nap up makes",
        ),
        (Target("shop", service="web", replica=9), r"no replica shop/web\.9", "web has 1, 2, 3"),
        (Target("nope", service="web"), "no app nope", "nap up makes"),
    ],
)
def test_whom_there_isn_t(control: Control, target: Target, said: str, hint: str) -> None:
    for ask in (
        lambda: control.execute(ExecRequest(target, ("cat",)), ScriptedConsole()),
        lambda: control.attach(AttachRequest(target), ScriptedConsole()),
    ):
        with pytest.raises(WrongUse, match=said) as wrong:
            ask()
        assert hint in str(wrong.value.hint)


def test_one_that_may_stand_on_a_host_that_was_not_seen(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    engine = at(fake, road, "web.3")
    engine.stop()
    with pytest.raises(Away, match=f"{engine.name} was not seen"):
        control.execute(ExecRequest(second(3), ("cat",)), ScriptedConsole())


def test_a_host_that_does_not_answer_is_not_waited_for_when_another_has_it(
    fake: FakeCluster, road: Road, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = road.rows("shop")
    silent = fake[rows["web.3"].host]
    assert rows["web.1"].host != silent.name
    silent.fault(hang=True)
    monkeypatch.setattr(replicas, "DEADLINE", 50.0)
    began = time.monotonic()
    for target in (WEB, second(1)):
        ended = control.execute(ExecRequest(target, ("cat",)), ScriptedConsole(*typed("")))
        assert ended.subject == "web.1"
    assert time.monotonic() - began < 40
    monkeypatch.setattr(replicas, "DEADLINE", 2.0)
    with pytest.raises(Away, match=f"{silent.name} was not seen"):
        control.execute(ExecRequest(second(3), ("cat",)), ScriptedConsole())


# -- attach


def db(**more: Any) -> AttachRequest:
    return AttachRequest(Target("shop", service="db"), **more)


def test_attaching_ends_with_the_process(fake: FakeCluster, road: Road, control: Control) -> None:
    at(fake, road, "db.1").programs["waits"] = cat
    console = ScriptedConsole(*typed("to it"))
    result = control.attach(db(), console)
    assert (result.code, result.detached) == (7, False)
    assert console.shown == {"stdout": b"to it", "stderr": b"done"}


def test_attaching_without_input(fake: FakeCluster, road: Road, control: Control) -> None:
    console = ScriptedConsole(*typed("to nobody"))
    assert control.attach(db(stdin=False), console).code == 0
    (asked,) = fake.calls("POST", ".*/attach")
    assert "stdin" not in asked.query


def test_a_signal_is_passed_on_and_a_second_one_leaves(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    engine = at(fake, road, "db.1")
    engine.programs["waits"] = stays
    engine.fault("POST", ".*/kill", status=204)  # the process heeds no signal
    console = ScriptedConsole(Signalled(signal.SIGINT), Signalled(signal.SIGINT))
    result = control.attach(db(), console)
    assert (result.code, result.detached) == (130, True)
    (asked,) = fake.calls("POST", ".*/kill")
    assert asked.query["signal"] == "SIGINT"
    assert road.rows("shop")["db.1"].state == "running"


def test_signals_of_one_s_own(fake: FakeCluster, control: Control) -> None:
    result = control.attach(db(pass_signals=False), ScriptedConsole(Signalled(signal.SIGINT)))
    assert (result.code, result.detached) == (130, True)
    assert fake.calls("POST", ".*/kill") == []


def test_an_engine_that_dies_while_attached(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    engine = at(fake, road, "db.1")
    engine.programs["waits"] = then(engine.stop)
    with pytest.raises(EngineAway):
        control.attach(db(), ScriptedConsole())
