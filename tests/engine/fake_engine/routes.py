"""What a fake engine answers: one function for each call of the Engine API that it knows."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.fake_engine.faults import EngineFault
from tests.engine.fake_engine.things import Container, Json, Network, Volume
from tests.engine.fake_engine.world import POLL, World


@dataclass
class Call:
    """One request on its way through the engine. `alive` ends streams when the engine stops."""

    world: World
    engine: Any
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    api: tuple[int, int]
    alive: Callable[[], bool]
    all_queries: list[tuple[str, str]] = field(default_factory=list)

    def queries(self, name: str) -> list[str]:
        """Every value of a query that may come several times."""
        return [value for key, value in self.all_queries if key == name]

    def json(self) -> Any:
        """The body as JSON; a broken one is the caller's fault."""
        try:
            return json.loads(self.body) if self.body else {}
        except ValueError:
            raise EngineFault(400, "invalid JSON") from None

    def flag(self, name: str) -> bool:
        """A query's boolean, as engines read it."""
        return self.query.get(name, "") not in ("", "0", "no", "false", "none")

    def filters(self, *known: str) -> dict[str, list[str]]:
        """The filters; one that isn't `known` is refused as a real engine does."""
        given = json.loads(self.query.get("filters") or "{}")
        for key in given:
            if key not in known:
                raise EngineFault(400, f"invalid filter '{key}'")
        return {
            key: list(value) if isinstance(value, list) else [each for each in value if value[each]]
            for key, value in given.items()
        }

    def wait(self, ready: Callable[[], bool]) -> None:
        """Wait, without holding the engine up, until something is so."""
        while self.alive():
            with self.world.lock:
                self.world.tick()
                if ready():
                    return
            time.sleep(POLL)


@dataclass
class Answer:
    """`body` None is no content, bytes go as they are, an iterator is streamed, the rest is JSON.

    `typed` is the content type where it isn't JSON. With `talk` the connection is given over to it:
    what comes can be read from its first argument, and its second writes.
    """

    status: int = 200
    body: Any = None
    typed: str = "application/json"
    headers: Mapping[str, str] | None = None
    talk: Callable[[Any, Callable[[bytes], None]], None] | None = None


Handler = Callable[..., Answer]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler; `{}` in the path stands for a name, `{+}` for one with slashes."""

    def register(handler: Handler) -> Handler:
        pattern = re.escape(path).replace(r"\{\}", "([^/]+)").replace(r"\{\+\}", "(.+)")
        ROUTES.append((method, re.compile(pattern), handler))
        return handler

    return register


def find(method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
    """The handler for a request and the names in its path."""
    for verb, pattern, handler in ROUTES:
        match = pattern.fullmatch(path)
        if match and verb == method:
            return handler, match.groups()
    raise EngineFault(404, "page not found")


def has_labels(labels: Mapping[str, str], wanted: list[str]) -> bool:
    """Whether labels hold every `key` or `key=value` of a filter."""
    pairs = (each.partition("=") for each in wanted)
    return all(key in labels and (not has or labels[key] == value) for key, has, value in pairs)


def named(pattern: list[str], name: str) -> bool:
    """Whether a name filter finds a name: a regular expression, anywhere in it."""
    return not pattern or any(re.search(each, name) for each in pattern)


# -- the engine


@route("HEAD", "/_ping")
@route("GET", "/_ping")
def ping(call: Call) -> Answer:
    return Answer(body=b"OK", typed="text/plain; charset=utf-8")


@route("GET", "/version")
def version(call: Call) -> Answer:
    body = {
        "Platform": {"Name": "Docker Engine - Community"},
        "Components": [{"Name": "Engine", "Version": call.engine.release, "Details": {}}],
        "Version": call.engine.release,
        "ApiVersion": call.engine.api,
        "MinAPIVersion": call.engine.oldest_api,
        "Os": "linux",
        "Arch": "amd64",
        "KernelVersion": "6.1.0",
    }
    return Answer(body=body)


@route("GET", "/info")
def info(call: Call) -> Answer:
    states = [each.state for each in call.world.containers.values()]
    body = {
        "ID": call.world.node,
        "Name": call.world.name,
        "Containers": len(states),
        "ContainersRunning": states.count("running"),
        "Images": len(call.world.images),
        "Driver": "overlay2",
        "ServerVersion": call.engine.release,
        "OSType": "linux",
        "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
        "Architecture": call.engine.architecture,
        "NCPU": call.engine.cpus,
        "MemTotal": call.engine.memory,
        "SystemTime": call.engine.clock(),
        "Labels": list(call.engine.labels),
        "Swarm": {"NodeID": "", "LocalNodeState": "inactive", "ControlAvailable": False},
        "ClusterStore": "",
        **(call.world.overlay.info(call.world) if call.world.overlay else {}),
    }
    return Answer(body=body)


@route("GET", "/system/df")
def disk_usage(call: Call) -> Answer:
    images = [each.listed() for each in call.world.images.values()]
    volumes = [each.listed() for each in call.world.volumes.values()]
    size = sum(each["Size"] for each in images)
    body = {"LayersSize": size, "Images": images, "Containers": [], "Volumes": volumes}
    return Answer(body=body)


@route("GET", "/events")
def events(call: Call) -> Answer:
    wanted = call.filters("type", "event", "container", "label", "network", "volume", "image")
    since = float(call.query.get("since") or 0) or time.time()
    until = float(call.query.get("until") or 0)

    def stream() -> Iterator[bytes]:
        at = 0
        yield b""  # an engine sends its headers at once
        while call.alive():
            with call.world.lock:
                call.world.tick()
                fresh = call.world.events[at:]
                at += len(fresh)
            for event in fresh:
                if event["timeNano"] / 1e9 >= since and _is_wanted(event, wanted):
                    yield json.dumps(event).encode() + b"\n"
            if until and time.time() >= until:
                return
            time.sleep(POLL)
        raise ConnectionAbortedError

    return Answer(body=stream())


def _is_wanted(event: Json, wanted: dict[str, list[str]]) -> bool:
    attributes = event["Actor"]["Attributes"]
    actions = wanted.get("event", [event["Action"]])
    return (
        event["Type"] in wanted.get("type", [event["Type"]])
        and any(
            event["Action"] == each or event["Action"].startswith(each + ":") for each in actions
        )
        and has_labels(attributes, wanted.get("label", []))
        and bool(
            {event["Actor"]["ID"], attributes.get("name")}
            & set(wanted.get("container", [event["Actor"]["ID"]]))
        )
    )


# -- networks


@route("GET", "/networks")
def networks(call: Call) -> Answer:
    wanted = call.filters("name", "id", "label", "driver", "scope", "type", "dangling")
    found = [
        each.listed()
        for each in call.world.networks()
        if named(wanted.get("name", []), each.name)
        and each.id in wanted.get("id", [each.id])
        and has_labels(each.labels, wanted.get("label", []))
        and each.driver in wanted.get("driver", [each.driver])
        and each.scope in wanted.get("scope", [each.scope])
        and (wanted.get("type") != ["custom"] or not each.built_in)
    ]
    return Answer(body=found)


@route("GET", "/networks/{}")
def network(call: Call, name: str) -> Answer:
    found = call.world.network(name)
    attached = {
        each.id: {"Name": each.name, "EndpointID": each.id, "IPv4Address": ""}
        for each in call.world.containers.values()
        if each.running and found.name in each.endpoints
    }
    if found.scope == "global" and call.world.overlay:
        # The store knows those on the other hosts as well, dead ones among them.
        attached |= {
            f"ep-{each.id}": {"Name": each.name, "EndpointID": each.id, "IPv4Address": ""}
            for each in call.world.overlay.attached(found)
            if each.id not in call.world.containers
        }
    return Answer(body={**found.listed(), "Containers": attached})


@route("POST", "/networks/create")
def create_network(call: Call) -> Answer:
    body = call.json()
    unique = call.api >= (1, 44) or body.get("CheckDuplicate")
    if unique and any(each.name == body["Name"] for each in call.world.networks()):
        raise EngineFault(409, f"network with name {body['Name']} already exists")
    made = Network(body["Name"], body.get("Driver") or "bridge", body=body)
    if made.driver == "overlay":
        if call.world.overlay is None:
            raise EngineFault(
                503,
                'This node is not a swarm manager. Use "docker swarm init" or "docker swarm '
                'join" to connect this node to swarm and try again.',
            )
        made.scope = call.world.overlay.scope
        call.world.overlay.add(call.world, made)
    else:
        call.world.local_networks[made.id] = made
    call.world.tell("network", "create", made.id, {"name": made.name, "type": made.driver})
    return Answer(201, {"Id": made.id, "Warning": ""})


@route("DELETE", "/networks/{}")
def remove_network(call: Call, name: str) -> Answer:
    found = call.world.network(name)
    if found.built_in:
        raise EngineFault(403, f"{found.name} is a pre-defined network and cannot be removed")
    here = [
        each.name
        for each in call.world.containers.values()
        if each.running and found.name in each.endpoints
    ]
    users = (
        call.world.overlay.users(found) if found.scope != "local" and call.world.overlay else here
    )
    if users:
        held = ", ".join(f'name:"{each}"' for each in users)
        raise EngineFault(
            403,
            f"error while removing network: network {found.name} has active endpoints ({held})",
        )
    call.world.local_networks.pop(found.id, None)
    if call.world.overlay:
        call.world.overlay.networks.pop(found.id, None)
    call.world.tell("network", "destroy", found.id, {"name": found.name, "type": found.driver})
    return Answer(204)


@route("POST", "/networks/{}/connect")
def connect(call: Call, name: str) -> Answer:
    body, found = call.json(), call.world.attachable(name)
    container: Container = call.world.container(body["Container"])
    if found.name in container.endpoints:
        raise EngineFault(
            403, f"endpoint with name {container.name} already exists in network {found.name}"
        )
    endpoint = dict(body.get("EndpointConfig") or {})
    if container.running:
        asked = (endpoint.get("IPAMConfig") or {}).get("IPv4Address")
        endpoint["IPAddress"] = asked or found.address()
    container.endpoints[found.name] = endpoint
    return Answer(200)


@route("POST", "/networks/{}/disconnect")
def disconnect(call: Call, name: str) -> Answer:
    body, found = call.json(), _known_network(call, name)
    forced = bool(body.get("Force"))
    try:
        container = call.world.container(body["Container"])
    except EngineFault:
        if forced and found:
            raise EngineFault(404, f"endpoint {body['Container']} not found") from None
        raise
    if found is None and not forced:
        raise EngineFault(404, f"network {name} not found")
    if found is None or found.name not in container.endpoints:
        shown = found.name if found else f"the network {name}"
        raise EngineFault(500, f"container {container.id} is not connected to {shown}")
    del container.endpoints[found.name]
    return Answer(200)


def _known_network(call: Call, name: str) -> Network | None:
    try:
        return call.world.network(name, reachable=True)
    except EngineFault:
        return None


# -- volumes


@route("GET", "/volumes")
def volumes(call: Call) -> Answer:
    wanted = call.filters("name", "label", "driver", "dangling")
    found = [
        each.listed()
        for each in call.world.volumes.values()
        if named(wanted.get("name", []), each.name)
        and has_labels(each.labels, wanted.get("label", []))
        and each.driver in wanted.get("driver", [each.driver])
    ]
    return Answer(body={"Volumes": found, "Warnings": None})


@route("GET", "/volumes/{}")
def volume(call: Call, name: str) -> Answer:
    if name not in call.world.volumes:
        raise EngineFault(404, f"get {name}: no such volume")
    return Answer(body=call.world.volumes[name].listed())


@route("POST", "/volumes/create")
def create_volume(call: Call) -> Answer:
    body = call.json()
    name = body.get("Name") or secrets.token_hex(32)
    if name not in call.world.volumes:
        call.world.volumes[name] = Volume(
            name,
            body.get("Driver") or "local",
            body.get("DriverOpts") or {},
            body.get("Labels") or {},
        )
    return Answer(201, call.world.volumes[name].listed())


@route("DELETE", "/volumes/{}")
def remove_volume(call: Call, name: str) -> Answer:
    if name not in call.world.volumes:
        if call.flag("force"):
            return Answer(204)
        raise EngineFault(404, f"get {name}: no such volume")
    users = [
        each.id
        for each in call.world.containers.values()
        if any(mount.get("Name") == name for mount in each.mounts)
    ]
    if users:
        raise EngineFault(409, f"remove {name}: volume is in use - [{', '.join(users)}]")
    del call.world.volumes[name]
    for path in [path for path in call.world.disk if path.startswith(f"{name}/")]:
        del call.world.disk[path]
    return Answer(204)
