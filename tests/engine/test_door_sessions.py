"""Talking with processes in containers, over every kind of connection; export and commit."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nap_compose.cluster.engine import Conflict, EngineAway, NotFound, Talk
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.view import Absence
from tests.engine.certificates import Authority
from tests.engine.fake_engine import DETACHED, FakeEngine, Process

MANY = bytes(range(256)) * 4096 * 8
"""8 MiB: more than all the buffers on the way hold."""


def cat(process: Process) -> int:
    while data := process.read(65536):
        process.out(data)
    return 0


def count(process: Process) -> int:
    """Reads to the end and only then says something, on both outputs."""
    size = 0
    while data := process.read(65536):
        size += len(data)
    process.out(str(size).encode())
    process.err(b"done")
    return 7


def floods(process: Process) -> int:
    """Prints all the while, whether its input has ended or not, and then a lot more."""
    process.out(MANY)
    size = 0
    while data := process.read(65536):
        size += len(data)
    process.out(MANY)
    return size % 100


@pytest.fixture(params=["tcp", "tls", "unix"])
def engine(
    request: pytest.FixtureRequest, authority: Authority, tmp_path: Path
) -> Iterator[FakeEngine]:
    if request.param == "tls":
        context = authority.server_context(authority.issue("h1", addresses=("127.0.0.1",)))
        given = FakeEngine(tls=context, client_tls=authority.issue("nap"))
    elif request.param == "unix":
        given = FakeEngine(address=str(tmp_path / "engine.sock"))
    else:
        given = FakeEngine()
    with given as running:
        running.add_image("app:1")
        running.programs |= {"cat": cat, "count": count, "floods": floods}
        yield running


@pytest.fixture
def door(engine: FakeEngine) -> Iterator[DockerEngine]:
    client = DockerEngine(engine.host())
    client.create_container("web", {"Image": "app:1"})
    client.start_container("web")
    yield client
    client.close()


def talk(door: DockerEngine, *command: str, tty: bool = False) -> tuple[str, Talk]:
    made = door.create_exec("web", {"Cmd": list(command), "Tty": tty, "AttachStdin": True})
    return made, door.talk_to_exec(made, tty=tty)


def heard(talk: Talk) -> dict[str, bytes]:
    found: dict[str, bytes] = {"stdout": b"", "stderr": b""}
    for source, piece in talk.pieces():
        found[source] += piece
    talk.close()
    return found


def feed(talk: Talk, data: bytes) -> threading.Thread:
    def give() -> None:
        talk.write(data)
        talk.end_input()

    thread = threading.Thread(target=give)
    thread.start()
    return thread


def test_both_outputs_come_after_the_input_has_ended(door: DockerEngine) -> None:
    made, talking = talk(door, "count")
    feed(talking, b"hello").join()
    assert heard(talking) == {"stdout": b"5", "stderr": b"done"}
    shown = door.inspect_exec(made)
    assert (shown["Running"], shown["ExitCode"]) == (False, 7)


def test_much_goes_both_ways_at_once(door: DockerEngine) -> None:
    _, talking = talk(door, "cat")
    thread = feed(talking, MANY)
    assert heard(talking)["stdout"] == MANY
    thread.join()


def test_the_input_s_end_leaves_output_that_still_comes_alone(door: DockerEngine) -> None:
    """Over TLS the library would end both directions."""
    made, talking = talk(door, "floods")
    thread = feed(talking, b"x" * 42)
    assert heard(talking)["stdout"] == MANY + MANY
    thread.join()
    assert door.inspect_exec(made)["ExitCode"] == 42


def test_a_terminal_has_one_raw_stream(door: DockerEngine) -> None:
    _, talking = talk(door, "cat", tty=True)
    feed(talking, b"\x00\x01\x02raw").join()
    assert heard(talking) == {"stdout": b"\x00\x01\x02raw", "stderr": b""}


def test_a_terminal_s_size(engine: FakeEngine, door: DockerEngine) -> None:
    sized = threading.Event()

    def tells(process: Process) -> int:
        sized.wait(10)
        process.out("{}x{}".format(*process.size).encode())
        return 0

    engine.programs["tells"] = tells
    made, talking = talk(door, "tells", tty=True)
    door.resize_exec(made, 40, 120)
    sized.set()
    assert heard(talking)["stdout"] == b"40x120"


def test_one_that_detaches_goes_on(engine: FakeEngine, door: DockerEngine) -> None:
    engine.programs["detaches"] = lambda _: DETACHED
    made, talking = talk(door, "detaches", tty=True)
    assert heard(talking)["stdout"] == b""
    assert door.inspect_exec(made)["Running"]


def test_closing_wakes_the_reader(engine: FakeEngine, door: DockerEngine) -> None:
    _, talking = talk(door, "cat")
    threading.Timer(0.2, talking.close).start()
    began = time.monotonic()
    assert heard(talking) == {"stdout": b"", "stderr": b""}
    assert time.monotonic() - began < 30
    talking.write(b"dropped")  # nobody takes it, and nobody minds


def test_closing_the_door_breaks_a_talk_off(engine: FakeEngine, door: DockerEngine) -> None:
    _, talking = talk(door, "cat")
    threading.Timer(0.2, door.close).start()
    began = time.monotonic()
    try:
        assert heard(talking)["stdout"] == b""  # an end, or a fault: the exec tells them apart
    except EngineAway as away:
        assert away.why is Absence.BROKEN
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("cut", [3, 8, 12, 100])
def test_a_connection_that_breaks_within_a_frame(
    engine: FakeEngine, door: DockerEngine, cut: int
) -> None:
    engine.programs["says"] = lambda process: process.out(b"x" * 1000) or 0  # type: ignore[func-returns-value]
    engine.fault("POST", "/exec/.*/start", cut=cut)
    _, talking = talk(door, "says")
    with pytest.raises(EngineAway) as away:
        heard(talking)
    assert away.value.why is Absence.BROKEN


def test_what_can_t_be_talked_to(engine: FakeEngine, door: DockerEngine) -> None:
    with pytest.raises(NotFound):
        door.create_exec("nobody", {"Cmd": ["cat"]})
    with pytest.raises(NotFound):
        door.talk_to_exec("0" * 64, tty=False)
    door.stop_container("web", grace=0)
    with pytest.raises(Conflict, match="not running"):
        door.create_exec("web", {"Cmd": ["cat"]})


def test_attaching_to_the_container_s_own_process(engine: FakeEngine, door: DockerEngine) -> None:
    door.create_container("shell", {"Image": "app:1", "Cmd": ["count"], "OpenStdin": True})
    talking = door.attach_container("shell", tty=False, stdin=True)
    door.start_container("shell")
    feed(talking, b"four").join()
    assert heard(talking) == {"stdout": b"4", "stderr": b"done"}
    assert door.wait_container("shell", timeout=10) == 7


def test_a_process_that_nobody_talks_to(engine: FakeEngine, door: DockerEngine) -> None:
    made = door.create_exec("web", {"Cmd": ["count"]})
    door.start_exec(made)
    assert door.inspect_exec(made)["ExitCode"] == 7


def test_a_container_as_a_tar_and_as_an_image(engine: FakeEngine, door: DockerEngine) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("a")
        member.size = 5000
        archive.addfile(member, io.BytesIO(b"x" * 5000))
    door.put_archive("web", "/", [packed.getvalue()])
    whole = io.BytesIO(b"".join(door.export_container("web")))
    with tarfile.open(fileobj=whole) as archive:
        assert archive.getnames() == ["a"]
    image = door.commit_container(
        "web",
        repository="me/web",
        tag="2",
        comment="why",
        author="ada",
        changes=["CMD a", "USER b"],
    )
    assert door.inspect_image("me/web:2")["Id"] == image
    (asked,) = engine.calls("POST", "/commit")
    assert asked.query["changes"] == "CMD a\nUSER b"
    assert asked.query["pause"] == "1"
