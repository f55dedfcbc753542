"""The border as a stream: the same calls over two pipes, and what somebody sends by hand."""

from __future__ import annotations

import json
import os
import queue
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from nap_compose import border as b
from nap_compose.border import Control
from nap_compose.control.stream import serving
from nap_compose.control.stream.codec import Encoder, Refs
from nap_compose.control.stream.frames import MOST, VERSION, Frames, StreamBroken
from nap_compose.errors import BadFile, NapError, NotAllowed, WrongUse
from nap_compose.exits import Exit
from nap_compose.orchestration.events import Event
from nap_compose.orchestration.plan import Verb
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import Behaviour, FakeCluster, Process
from tests.support.console import ScriptedConsole, typed
from tests.support.road import OVER_STREAM, Hand, Road
from tests.support.stream import connected, over_stream
from tests.support.views import app

WEB = b.Target("shop", service="web")


def cat(process: Process) -> int:
    while data := process.read(65536):
        process.out(data)
    return 7


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db"):
        cluster.add_image(f"{name}:1")
    cluster.behave("*", Behaviour())
    for engine in cluster:
        engine.programs |= {"cat": cat}
    return cluster


@pytest.fixture(autouse=True)
def _one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test here makes its stream itself."""
    monkeypatch.delenv(OVER_STREAM, raising=False)


@pytest.fixture
def complaints() -> list[str]:
    """What the broker's log has: nothing, where nobody sent it what it doesn't foresee."""
    return []


@pytest.fixture
def control(road: Road, complaints: list[str]) -> Iterator[Control]:
    control = over_stream(road.control(), complaints)
    yield control
    control.close()
    assert complaints == []


def test_an_app_comes_and_goes(control: Control) -> None:
    heard: list[Event] = []
    hand = Hand()
    shop = app({"web": {"scale": 2}, "db": {}})
    outcome = control.up(b.UpRequest(shop), heard.append, hand)
    assert (outcome.state, outcome.exit_code) == ("done", Exit.DONE)
    assert [event.seq for event in heard] == sorted(event.seq for event in heard)
    assert {event.subject for event in heard} >= {"web.1", "web.2", "db.1"}
    rows = control.ps(b.Target("shop")).rows
    assert [(row.service, row.replica) for row in rows] == [("db", 1), ("web", 1), ("web", 2)]
    assert all(isinstance(row, b.Row) for row in rows)
    assert control.whoami() == b.Who("ada", "ada")
    assert control.up(b.UpRequest(shop), heard.append, hand).state == "unchanged"
    assert control.history(b.Target("shop")).rows[0].revision == 1
    assert control.down(b.DownRequest("shop"), heard.append, hand).state == "done"


class Held:
    """Somebody who stays in the foreground."""

    held = True


def test_who_is_in_the_foreground_stays_for_as_long_as_they_hold(
    fake: FakeCluster, road: Road, control: Control
) -> None:
    control.up(b.UpRequest(app({"web": {}})), lambda event: None, Hand())
    hold, ends = Held(), queue.SimpleQueue[object]()
    stream = control.attend(b.AttendRequest(b.Target("shop"), ("web",), ("web",)), hold, print)

    def follow() -> None:
        for item in stream:
            ends.put(item)
        ends.put("over")

    threading.Thread(target=follow, daemon=True).start()
    (row,) = control.ps(b.Target("shop")).rows
    fake[row.host].exit(row.id, 3)
    assert ends.get(timeout=20) == b.Ended("web.1", row.host, 3)
    assert ends.empty()
    hold.held = False
    assert ends.get(timeout=20) == "over"


def test_a_talk_and_files(road: Road, control: Control) -> None:
    road.up(app({"web": {}}))
    console = ScriptedConsole(*typed("hello" * 100_000))
    ended = control.execute(b.ExecRequest(WEB, ("cat",)), console)
    assert (ended.code, ended.subject) == (7, "web.1")
    assert console.shown["stdout"] == b"hello" * 100_000
    assert console.closed
    (target,) = control.replicas(WEB)
    with pytest.raises(NapError):
        control.stat(target, "/nowhere")


def test_an_error_is_the_same_on_both_sides(control: Control) -> None:
    with pytest.raises(WrongUse) as caught:
        control.replicas(b.Target("none", service="web"))
    assert caught.value.hint
    bad = app({"web": {"labels": {"io.nap.owner": "x"}}})
    with pytest.raises(BadFile) as refused:
        control.up(b.UpRequest(bad), lambda _: None, Hand())
    assert refused.value.path[:3] == ("services", "web", "labels")


def test_what_a_persons_side_raises_comes_out_there(road: Road, control: Control) -> None:
    class Closed(Exception):
        pass

    def listen(event: Event) -> None:
        raise Closed

    with pytest.raises(Closed):
        control.up(b.UpRequest(app({"web": {}})), listen, Hand())


def test_ctrl_c_crosses(fake: FakeCluster, control: Control) -> None:
    hand = Hand()
    behaviour = Behaviour(healthy_after=None)
    fake.behave("*", behaviour)
    check = {"test": ["CMD", "true"], "interval": "1s"}

    def listen(event: Event) -> None:
        if event.text == "waiting" or event.phase.value == "running":
            hand.level = 1

    outcome = control.up(b.UpRequest(app({"web": {"healthcheck": check}})), listen, hand)
    assert outcome.state == "interrupted"


def test_who_leaves_ends_what_runs_for_them(road: Road, complaints: list[str]) -> None:
    frames, thread, end = connected(road.control(), complaints)
    call(frames, "usage", b.Chosen(b.Target("shop")), greet=True)
    end()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_who_is_shut_out_gets_no_more_of_a_stream(road: Road) -> None:
    road.up(app({"web": {}}))

    class Shut:
        """A control that knows its caller for a moment only."""

        def __init__(self, inner: Control) -> None:
            self.inner, self.since = inner, time.monotonic()

        def __getattr__(self, name: str) -> Any:
            if name == "whoami" and time.monotonic() > self.since + 0.5:
                raise NotAllowed("you are out")
            return getattr(self.inner, name)

    control = over_stream(Shut(road.control()), recheck=0.2)  # type: ignore[arg-type]
    console = ScriptedConsole()
    with pytest.raises(NotAllowed, match="you are out"):
        control.execute(b.ExecRequest(WEB, ("cat",)), console)
    control.close()


class Nobody(Refs):
    """Hands over whatever it is told to, under a number that means nothing."""

    def put(self, kind: str, thing: Any) -> int:
        return 77


def call(frames: Frames, name: str, *args: Any, greet: bool = False, of: int = 0) -> None:
    if greet:
        frames.send({"nap": VERSION, "token": ""})
        assert frames.receive() is not None
    encoder = Encoder(Nobody())
    told = encoder.encode(list(args))
    frames.send({"call": 5, "of": of, "name": name, "args": told, "more": {}}, encoder.blobs)


def answer(frames: Frames) -> dict[str, Any]:
    received = frames.receive()
    assert received is not None
    return received[0]


@pytest.fixture
def by_hand(road: Road, complaints: list[str]) -> Iterator[Frames]:
    """Frames to a broker that was greeted."""
    frames, thread, end = connected(road.control(), complaints)
    frames.send({"nap": VERSION, "token": ""})
    frames.receive()
    yield frames
    end()
    thread.join(timeout=10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    "name",
    [
        "parts",
        "acts_for",
        "_parts",
        "__init__",
        "__class__",
        "close",
        "close_streams",
        "",
        "nothing",
    ],
)
def test_what_is_no_call_of_the_borders(by_hand: Frames, name: str) -> None:
    call(by_hand, name)
    assert "knows no call" in answer(by_hand)["error"]["message"]


@pytest.mark.parametrize(
    "args",
    [
        [{"$": ["object", "nap_compose.border.words", "Target", {"app": ["a"]}]}],
        [{"$": ["object", "nap_compose.border.words", "Target", {"owner": None}]}],
        [{"$": ["object", "nap_compose.border.words", "Target", {"replica": "1"}]}],
        [{"$": ["object", "nap_compose.border.words", "Target", {"__class__": 1}]}],
        [{"$": ["object", "nap_compose.border.looking", "Chosen", {"target": "shop"}]}],
        [{"$": ["object", "nap_compose.control.parts", "Parts", {"cluster": 1}]}],
        [{"$": ["object", "nap_compose.cluster.seal", "Seal", {"key": {"$": ["bytes", 0]}}]}],
        [{"$": ["object", "os", "system", {}]}],
        [{"$": ["object", "subprocess", "Popen", {"args": "id"}]}],
        [{"$": ["enum", "nap_compose.orchestration.plan", "Verb", "rm -rf"]}],
        [{"$": ["bytes", 9]}],
        [{"$": ["bytes", -1]}],
        [{"$": ["callable", -3]}],
        [{"$": ["magic"]}],
        [{"$": []}],
        [{"$": 5}],
        ["shop"],
        [None],
        [],
        [1, 2, 3, 4],
    ],
    ids=lambda args: json.dumps(args)[:60],
)
def test_arguments_that_nobody_would_make(by_hand: Frames, args: list[Any]) -> None:
    by_hand.send({"call": 5, "of": 0, "name": "ps", "args": args, "more": {}})
    told = answer(by_hand)
    assert told["to"] == 5
    assert told["error"]["class"] == "WrongUse", told


def test_an_app_is_what_its_document_says_and_nothing_else(
    fake: FakeCluster, by_hand: Frames
) -> None:
    """The document is harmless, the typed fields are not: only the document crosses."""
    fine, evil = app({"web": {}}), app({"web": {"privileged": True}})
    mixed = replace(fine, services=evil.services)
    call(by_hand, "check", mixed)
    assert "answer" in answer(by_hand)
    told = Encoder(Nobody()).encode(b.UpRequest(mixed))
    assert "privileged" not in json.dumps(told)


@pytest.mark.parametrize(
    "document",
    [
        {"name": "shop", "services": {"web": {"image": "x", "cap_add": "ALL"}}},
        {"name": "shop", "services": {"web": {"image": "x", "privileged": [1]}}},
        {"name": "shop", "services": {"web": {"image": "x", "volumes": [{"type": "bind"}]}}},
        {"name": "shop", "services": {"../web": {"image": "x"}}},
        {"name": "shop\n", "services": {}},
        {"name": "../shop", "services": {}},
        {"name": "bob_shop/../x", "services": {}},
        {"name": 5, "services": {}},
        {"services": {}},
        [],
    ],
    ids=lambda document: json.dumps(document)[:60],
)
def test_a_document_made_by_hand_is_checked(by_hand: Frames, document: Any) -> None:
    empty = {"$": ["tuple"]}
    told = {"$": ["app", document, "", empty, empty, {}]}
    by_hand.send({"call": 5, "of": 0, "name": "check", "args": [told], "more": {}})
    assert answer(by_hand)["error"]["class"] in ("BadFile", "WrongUse")


def test_a_deep_value_ends_nothing(by_hand: Frames) -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    by_hand.send({"call": 5, "of": 0, "name": "ps", "args": deep, "more": {}})
    assert "deeply" in answer(by_hand)["error"]["message"]
    call(by_hand, "whoami")
    assert "answer" in answer(by_hand)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack("!II", MOST + 1, 2) + b"{}",
        struct.pack("!II", 2, 100) + b"{}",
        struct.pack("!II", 4, 4) + b"null",
        struct.pack("!II", 8, 8) + b"\xff" * 8,
        struct.pack("!II", 9, 9) + b'{"b":[5]}',
        struct.pack("!II", 10, 10) + b'{"b":[-1]}',
        b"\0",
    ],
    ids=repr,
)
def test_what_is_no_frame_ends_the_talk(road: Road, data: bytes) -> None:
    said: list[str] = []
    frames, thread, end = connected(road.control(), said)
    os.write(frames._writes, data)
    end()
    thread.join(timeout=10)
    assert not thread.is_alive()
    with pytest.raises(StreamBroken):
        if frames.receive() is None:
            raise StreamBroken("ended")


def test_who_never_says_a_word_is_not_waited_for(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "GREETING", 0.1)
    _, thread, end = connected(road.control(), [])
    thread.join(timeout=10)
    assert not thread.is_alive()
    end()


def test_another_version_is_told_the_own(road: Road) -> None:
    frames, thread, end = connected(road.control(), [])
    frames.send({"nap": VERSION + 1, "token": ""})
    assert answer(frames)["nap"] == VERSION
    thread.join(timeout=10)
    assert not thread.is_alive()
    end()


def test_calls_at_once_have_a_bound(road: Road, complaints: list[str]) -> None:
    before = threading.active_count()  # what other tests left behind in this process
    frames, thread, end = connected(road.control(), complaints)
    call(frames, "whoami", greet=True)
    answer(frames)
    for _ in range(300):
        call(frames, "hosts")
    at_once = threading.active_count() - before
    told = [answer(frames) for _ in range(300)]
    assert at_once < 120
    assert {"answer" in each for each in told} <= {True, False}
    end()
    thread.join(timeout=20)


class Told:
    """Remembers how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def called(*args: Any, **kwargs: Any) -> b.Listing:
            self.calls.append((args, kwargs))
            return b.Listing(())

        return called


def test_what_a_call_is_about_stands_first_whichever_way_it_was_given(
    complaints: list[str],
) -> None:
    """The guard judges by the first argument: by name it would be passed over."""
    told = Told()
    frames, thread, end = connected(told, complaints)  # type: ignore[arg-type]
    frames.send({"nap": VERSION, "token": ""})
    frames.receive()
    carols = Encoder(Nobody()).encode(b.Target("web", "carol"))
    more = {"target": carols, "stopped": True}
    frames.send({"call": 5, "of": 0, "name": "ps", "args": [], "more": more})
    assert "answer" in answer(frames)
    assert told.calls == [((b.Target("web", "carol"),), {"stopped": True})]
    end()
    thread.join(timeout=10)


def test_the_guard_takes_nothing_by_name(road: Road) -> None:
    from nap_compose.control.guard import Guard
    from nap_compose.control.local import LocalControl

    inner = LocalControl(road.cluster, b.Who("bob", "bob", "user"))
    guard = Guard(inner, None, shares=Told())  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="first argument"):
        guard.fetch(target=b.Target("web", "carol", "web"), path="/etc/passwd")
    with pytest.raises(NotAllowed, match="which app"):
        guard.fetch(b.Target(service="web"), "/etc/passwd")
    inner.close()


@pytest.mark.parametrize(
    ("call_", "asked"),
    [
        ("ps", b.Target("../carol/web")),
        ("ps", b.Target("web", "../carol")),
        ("ps", b.Target("web", "", "../../x")),
        ("ps", b.Target("web", "", "..")),
        ("logs", b.LogRequest(b.Target("../../carol/web"))),
        ("usage", b.Chosen(b.Target("/etc"))),
        ("down", b.DownRequest("../carol/web")),
        ("down", b.DownRequest("web\n")),
        ("act", b.ActRequest(Verb.STOP, "web", targets=(b.Target("web", "", "a/../b"),))),
        ("logs", b.LogRequest(b.Target("web"), services=("../../carol/web/x",))),
        ("stored", b.StoredRequest(b.Target("web"), key="../../carol/web/data")),
        ("history", b.Target("web?x=1")),
        ("history", b.Target("web%2f..")),
        ("history", b.Target("w" * 256)),
        ("history", b.Target("web", "c" * 256)),
    ],
    ids=repr,
)
def test_a_name_leads_nowhere_else(by_hand: Frames, call_: str, asked: Any) -> None:
    rest = {"logs": [print], "down": [print, Hand()], "act": [print, Hand()]}.get(call_, [])
    call(by_hand, call_, asked, *rest)
    assert "can't be the name" in answer(by_hand)["error"]["message"]
