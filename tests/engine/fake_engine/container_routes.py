"""A fake engine's calls about containers."""

from __future__ import annotations

import base64
import io
import json
import struct
import tarfile
import time
from collections.abc import Iterator

from tests.engine.fake_engine import shown
from tests.engine.fake_engine.faults import EngineFault
from tests.engine.fake_engine.routes import Answer, Call, has_labels, named, route
from tests.engine.fake_engine.things import Behaviour, Container, Json
from tests.engine.fake_engine.world import POLL, World

_STREAMS = {"stdout": 1, "stderr": 2}

AT_ONCE = 1000
"""Lines of a log that are sent at once."""


@route("GET", "/containers/json")
def containers(call: Call) -> Answer:
    wanted = call.filters(
        "label", "name", "id", "status", "health", "network", "volume", "ancestor", "exited"
    )
    every = call.flag("all") or "status" in wanted
    found = [
        each
        for each in call.world.containers.values()
        if (every or each.running) and _is_wanted(each, wanted)
    ]
    found.sort(key=lambda each: each.created, reverse=True)
    return Answer(body=[shown.listed(each, _networks(call.world, each)) for each in found])


def _is_wanted(container: Container, wanted: dict[str, list[str]]) -> bool:
    volumes = {mount.get("Name") or mount["Source"] for mount in container.mounts}
    health = container.health or "none"
    return (
        has_labels(container.labels, wanted.get("label", []))
        and named(wanted.get("name", []), f"/{container.name}")
        and named(wanted.get("id", []), container.id)
        and container.state in wanted.get("status", [container.state])
        and health in wanted.get("health", [health])
        and container.body.get("Image") in wanted.get("ancestor", [container.body.get("Image")])
        and (not wanted.get("network") or bool(set(wanted["network"]) & set(container.endpoints)))
        and (not wanted.get("volume") or bool(set(wanted["volume"]) & volumes))
    )


def _networks(world: World, container: Container) -> Json:
    shown_networks: Json = {}
    for name, endpoint in container.endpoints.items():
        try:
            network_id = world.network(name, reachable=True).id
        except EngineFault:
            network_id = ""
        shown_networks[name] = {
            "IPAMConfig": endpoint.get("IPAMConfig"),
            "Links": endpoint.get("Links"),
            "Aliases": endpoint.get("Aliases"),
            "MacAddress": endpoint.get("MacAddress", ""),
            "DriverOpts": endpoint.get("DriverOpts"),
            "GwPriority": endpoint.get("GwPriority", 0),
            "NetworkID": network_id,
            "EndpointID": container.id if container.running else "",
            "IPAddress": endpoint.get("IPAddress", "") if container.running else "",
            "DNSNames": [container.name, *(endpoint.get("Aliases") or ()), container.id[:12]],
        }
    return shown_networks


@route("POST", "/containers/create")
def create(call: Call) -> Answer:
    made = call.world.create(call.query.get("name", ""), call.json(), call.api)
    return Answer(201, {"Id": made.id, "Warnings": []})


@route("GET", "/containers/{}/json")
def inspect(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    return Answer(body=shown.inspected(found, _networks(call.world, found)))


@route("POST", "/containers/{}/start")
def start(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    if found.running:
        return Answer(304)
    call.world.start(found)
    return Answer(204)


@route("POST", "/containers/{}/stop")
def stop(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    if not found.running:
        return Answer(304)
    _stop(call, found)
    return Answer(204)


@route("POST", "/containers/{}/restart")
def restart(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    if found.running:
        _stop(call, found)
    call.world.start(found)
    return Answer(204)


def _stop(call: Call, container: Container) -> None:
    """Ask, wait as long as its grace, kill. The engine serves others meanwhile."""
    grace = float(call.query["t"]) if "t" in call.query else container.grace
    behaviour, takes = container.behaviour, container.behaviour.stops_in
    run, ends = container.started, time.time() + (takes if grace < 0 else min(takes, grace))
    call.world.lock.release()
    try:
        call.wait(lambda: time.time() >= ends)
    finally:
        call.world.lock.acquire()
    if container.running and container.started == run and takes > grace >= 0 and behaviour.stuck:
        container.dies = time.time() + behaviour.stuck
        raise EngineFault(
            500,
            f"cannot stop container: {container.id}: container {container.id[:12]} PID 1698 is "
            "zombie and can not be killed. Use the --init option when creating containers to run "
            "an init inside the container that forwards signals and reaps processes",
        )
    if container.running and container.started == run:
        call.world.end(container, 137 if 0 <= grace < takes else 0)
        _clear_up(call, behaviour)


def _clear_up(call: Call, behaviour: Behaviour) -> None:
    """Let go of an ended container's networks, which the others see happen."""
    done = time.time() + behaviour.clears_in
    call.world.lock.release()
    try:
        call.wait(lambda: time.time() >= done)
    finally:
        call.world.lock.acquire()
    if behaviour.clears_badly:
        raise EngineFault(500, behaviour.clears_badly)


@route("POST", "/containers/{}/kill")
def kill(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    if not found.running:
        raise EngineFault(
            409, f"cannot kill container: {name}: container {found.id} is not running"
        )
    signal = call.query.get("signal", "").upper().removeprefix("SIG")
    if signal in ("", "KILL", "9"):
        call.world.end(found, 137)
    elif signal in ("TERM", "INT", "QUIT", "15", "2", "3"):
        call.world.end(found, 0)
    return Answer(204)


@route("POST", "/containers/{}/pause")
def pause(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    if found.state != "running":
        raise EngineFault(409, f"Container {found.id} is not running")
    found.state = "paused"
    return Answer(204)


@route("POST", "/containers/{}/unpause")
def unpause(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    if found.state != "paused":
        raise EngineFault(500, f"Container {found.id} is not paused")
    found.state = "running"
    return Answer(204)


@route("POST", "/containers/{}/update")
def update(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    found.body.setdefault("HostConfig", {}).update(call.json())
    return Answer(200, {"Warnings": []})


@route("POST", "/containers/{}/rename")
def rename(call: Call, name: str) -> Answer:
    found, wanted = call.world.container(name), call.query.get("name", "")
    if any(each.name == wanted and each is not found for each in call.world.containers.values()):
        raise EngineFault(
            409,
            f'Error when allocating new name: Conflict. The container name "/{wanted}" is already '
            "in use by another container.",
        )
    if found.running and any(call.world.network(each).scope == "swarm" for each in found.endpoints):
        # As engine 20.10 does; the real one then holds on to the network for ever.
        raise EngineFault(
            500,
            f"Could not add service state for endpoint {wanted} to cluster on rename: cannot "
            "create entry in table endpoint_table, already exists",
        )
    found.name = wanted
    return Answer(204)


@route("DELETE", "/containers/{}")
def remove(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    if found.running:
        if not call.flag("force"):
            raise EngineFault(
                409,
                f'cannot remove container "/{found.name}": container is running: stop the '
                "container before removing or force remove",
            )
        call.world.end(found, 137)
    call.world.remove(found, volumes=call.flag("v"))
    return Answer(204)


@route("POST", "/containers/{}/wait")
def wait(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    removed = call.query.get("condition") == "removed"
    run = found.started if call.query.get("condition") == "next-exit" else None

    def over() -> bool:
        if removed:
            return found.id not in call.world.containers
        return not found.running and (run is None or bool(found.finished > run))

    def stream() -> Iterator[bytes]:
        yield b""  # an engine sends its headers at once
        call.wait(over)
        if not call.alive():
            raise ConnectionAbortedError
        yield json.dumps({"StatusCode": found.exit_code}).encode()

    return Answer(body=stream())


@route("GET", "/containers/{}/logs")
def logs(call: Call, name: str) -> Answer:
    found = call.world.container(name)
    tty = bool(found.body.get("Tty"))
    wanted = {source for source in _STREAMS if call.flag(source)}
    since, until = (float(call.query.get(key) or 0) for key in ("since", "until"))
    tail = call.query.get("tail", "all")

    def bounded(at: float) -> bool:
        return at >= since and (not until or at <= until)

    def stream() -> Iterator[bytes]:
        yield b""
        with call.world.lock:
            run, at = found.started, len(found.log)
            lines = [line for line in found.log if line[1] in wanted and bounded(line[0])]
        lines = lines[-int(tail) :] if tail.isdecimal() and int(tail) else lines
        told = [_line(line, stamps=call.flag("timestamps"), tty=tty) for line in lines]
        for first in range(0, len(told), AT_ONCE):
            yield b"".join(told[first : first + AT_ONCE])
        while call.flag("follow") and call.alive():
            with call.world.lock:
                call.world.tick()
                fresh = found.log[at:]
                at += len(fresh)
                over = not found.running or found.started != run
            for line in fresh:
                if line[1] in wanted:
                    yield _line(line, stamps=call.flag("timestamps"), tty=tty)
            if (over and not fresh) or call.engine.ends_logs:
                return
            time.sleep(POLL)
        if not call.alive():
            raise ConnectionAbortedError

    kind = "raw" if tty else "multiplexed"
    typed = f"application/vnd.docker.{kind}-stream" if call.api >= (1, 42) else ""
    return Answer(body=stream(), typed=typed or "application/vnd.docker.raw-stream")


def _line(line: tuple[float, str, str], *, stamps: bool, tty: bool) -> bytes:
    at, source, text = line
    payload = (f"{shown.stamp(at)} " if stamps else "").encode() + text.encode()
    payload += b"\r\n" if tty else b"\n"
    return payload if tty else struct.pack(">BxxxL", _STREAMS[source], len(payload)) + payload


def _where(world: World, container: Container, path: str) -> tuple[dict[str, bytes], str]:
    """The files among which a path of a container lies, and what it is called there: in a volume
    or a bound folder it is the host's."""
    for mount in container.mounts:
        inner = str(mount["Destination"]).rstrip("/")
        if path == inner or path.startswith(inner + "/"):
            outer = str(mount.get("Name") or mount["Source"])
            return world.disk, outer + path[len(inner) :]
    return container.files, path


def _folder_size(disk: dict[str, bytes], path: str) -> int:
    """What a folder counts: on a tmpfs 20 for each entry and the two that each has."""
    if not path.startswith("/run/"):
        return 4096
    below = {key[len(path) + 1 :].partition("/")[0] for key in disk if key.startswith(path + "/")}
    return 20 * (2 + len(below - {""}))


@route("PUT", "/containers/{}/archive")
def put_archive(call: Call, name: str) -> Answer:
    found, folder = call.world.container(name), call.query["path"].rstrip("/")
    if found.host_config.get("ReadonlyRootfs"):
        raise EngineFault(403, "container rootfs is marked read-only")
    try:
        with tarfile.open(fileobj=io.BytesIO(call.body)) as archive:
            for member in archive.getmembers():
                content = archive.extractfile(member)
                disk, path = _where(call.world, found, f"{folder}/{member.name.lstrip('./')}")
                if content or not member.isdir():
                    for below in [key for key in disk if key.startswith(path + "/")]:
                        del disk[below]  # what is unpacked replaces what was there
                    disk[path] = content.read() if content else b""
                else:
                    disk.pop(path, None)
                    disk[f"{path}/"] = b""
    except tarfile.TarError as error:
        raise EngineFault(400, f"Error processing tar file: {error}") from None
    return Answer(200)


@route("GET", "/containers/{}/archive")
def get_archive(call: Call, name: str) -> Answer:
    found, asked = call.world.container(name), call.query["path"].rstrip("/")
    disk, path = _where(call.world, found, asked)
    inside = {key: value for key, value in disk.items() if key == path}
    inside |= {key: value for key, value in disk.items() if key.startswith(path + "/")}
    if not inside:
        raise EngineFault(404, f"Could not find the file {path} in container {name}")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for key, content in inside.items():
            if key.endswith("/"):
                continue
            # Names begin with the last part of the path in the container, wherever that lies.
            member = tarfile.TarInfo(asked.rpartition("/")[2] + key.removeprefix(path))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return Answer(body=iter([packed.getvalue()]), typed="application/x-tar")


@route("HEAD", "/containers/{}/archive")
def stat_archive(call: Call, name: str) -> Answer:
    found, path = call.world.container(name), call.query["path"].rstrip("/")
    disk, path = _where(call.world, found, path)
    content = disk.get(path)
    folder = any(key.startswith(path + "/") for key in disk)
    if content is None and not folder:
        raise EngineFault(404, f"Could not find the file {path} in container {name}")
    stat = {
        "name": path.rpartition("/")[2] or "/",
        "size": _folder_size(disk, path) if content is None else len(content),
        "mode": 0o644 if content is not None else 0o755 | 1 << 31,
        "mtime": shown.stamp(found.created),
        "linkTarget": "",
    }
    told = base64.b64encode(json.dumps(stat).encode()).decode()
    return Answer(headers={"X-Docker-Container-Path-Stat": told})
