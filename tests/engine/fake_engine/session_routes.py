"""A fake engine's calls that open a container up: exec, attach, export and commit.

What a command does is a Python function, a Program, in `engine.programs` under the command's first
word. What nobody set isn't found, as on a real engine.
"""

from __future__ import annotations

import io
import secrets
import struct
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.engine.fake_engine.faults import EngineFault
from tests.engine.fake_engine.routes import Answer, Call, route
from tests.engine.fake_engine.things import Image, Json


@dataclass
class Process:
    """What a program has: its words, its input, its outputs, and its terminal's size."""

    words: list[str]
    body: Json
    read: Callable[[int], bytes] = lambda size: b""
    out: Callable[[bytes], None] = lambda data: None
    err: Callable[[bytes], None] = lambda data: None
    size: tuple[int, int] = (0, 0)


Program = Callable[[Process], int]


@dataclass
class Exec:
    """Another process in a container."""

    container: str
    process: Process
    running: bool = False
    code: int | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(32))


def _typed(tty: bool) -> str:
    return f"application/vnd.docker.{'raw' if tty else 'multiplexed'}-stream"


def _framed(write: Callable[[bytes], None], kind: int, tty: bool) -> Callable[[bytes], None]:
    def out(data: bytes) -> None:
        write(data if tty else struct.pack(">BxxxL", kind, len(data)) + data)

    return out


@route("POST", "/containers/{}/exec")
def create_exec(call: Call, name: str) -> Answer:
    found, body = call.world.container(name), call.json()
    if found.state == "paused":
        raise EngineFault(409, f"Container {name} is paused, unpause the container before exec")
    if not found.running:
        raise EngineFault(409, f"Container {found.id} is not running")
    made = Exec(found.id, Process(list(body["Cmd"]), body))
    call.engine.execs[made.id] = made
    return Answer(201, {"Id": made.id})


def _exec(call: Call, exec_id: str) -> Exec:
    found: Exec | None = call.engine.execs.get(exec_id)
    if found is None:
        raise EngineFault(404, f"No such exec instance: {exec_id}")
    return found


@route("POST", "/exec/{}/start")
def start_exec(call: Call, exec_id: str) -> Answer:
    made, tty = _exec(call, exec_id), bool(call.json().get("Tty"))
    program = call.engine.programs.get(made.process.words[0])
    made.running = True
    if call.json().get("Detach"):
        made.code = program(made.process) if program else 127
        made.running = False
        return Answer(200)

    def talk(incoming: Any, write: Callable[[bytes], None]) -> None:
        process = made.process
        process.read = lambda size: bytes(incoming.read1(size))
        process.out, process.err = _framed(write, 1, tty), _framed(write, 2, tty)
        if program is None:
            process.out(b"OCI runtime exec failed: executable file not found in $PATH\r\n")
            made.code = 127
        else:
            made.code = program(process)
        made.running = made.code == DETACHED

    return Answer(typed=_typed(tty), talk=talk)


DETACHED = -1
"""What a program returns that goes on while its talk is over, as after the detach keys."""


@route("GET", "/exec/{}/json")
def inspect_exec(call: Call, exec_id: str) -> Answer:
    made = _exec(call, exec_id)
    code = None if made.running else made.code
    return Answer(body={"ID": made.id, "Running": made.running, "ExitCode": code})


@route("POST", "/exec/{}/resize")
def resize_exec(call: Call, exec_id: str) -> Answer:
    made = _exec(call, exec_id)
    made.process.size = (int(call.query["h"]), int(call.query["w"]))
    return Answer(200)


@route("POST", "/containers/{}/resize")
def resize_container(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    if not found.running:
        raise EngineFault(409, f"Container {found.id} is not running")
    return Answer(200)


@route("POST", "/containers/{}/attach")
def attach(call: Call, name: str) -> Answer:
    """The container's process is the program of its first word; without one nothing is said."""
    found = call.world.container(name)
    tty = bool(found.body.get("Tty"))
    words = [*(found.body.get("Entrypoint") or ()), *(found.body.get("Cmd") or ())]
    program = call.engine.programs.get(words[0] if words else "")

    def talk(incoming: Any, write: Callable[[bytes], None]) -> None:
        out, err = _framed(write, 1, tty), _framed(write, 2, tty)
        stdin = call.flag("stdin")
        read = (lambda size: bytes(incoming.read1(size))) if stdin else (lambda size: b"")
        call.wait(lambda: found.state != "created" or found.id not in call.world.containers)
        if program is None:
            call.wait(lambda: not found.running)
            return
        code = program(Process(words, found.body, read, out, err))
        with call.world.lock:
            if found.running and code != DETACHED:
                call.world.end(found, code)

    return Answer(typed=_typed(tty), talk=talk)


@route("GET", "/containers/{}/export")
def export(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in found.files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

    def stream() -> Iterator[bytes]:
        whole = packed.getvalue()
        yield from (whole[at : at + 1000] for at in range(0, len(whole), 1000))

    return Answer(body=stream(), typed="application/octet-stream")


@route("POST", "/commit")
def commit(call: Call) -> Answer:
    found = call.world.container(call.query["container"])
    name = f"{call.query.get('repo', '')}:{call.query.get('tag') or 'latest'}"
    image = Image(name if call.query.get("repo") else f"made-of-{found.id[:12]}", {}, 1000)
    call.world.images[image.id] = image
    return Answer(201, {"Id": image.id})
