"""The state of one fake engine: what it holds, and what time does to it.

Nothing ticks by itself: whoever looks brings it up to date (`tick`), and streams look often.
"""

from __future__ import annotations

import fnmatch
import itertools
import secrets
import threading
import time
from typing import Any

from tests.engine.fake_engine.faults import EngineFault
from tests.engine.fake_engine.overlay import Overlay, Registry
from tests.engine.fake_engine.things import (
    Behaviour,
    Container,
    Image,
    Json,
    Network,
    Volume,
    full_name,
)

POLL = 0.01


class World:
    """Images, containers, networks and volumes; every method is to be called under `lock`."""

    def __init__(self, name: str, registry: Registry, overlay: Overlay | None) -> None:
        self.name = name
        self.node = secrets.token_hex(12)
        self.registry = registry
        self.overlay = overlay
        self.lock: threading.RLock = threading.RLock()
        self.images: dict[str, Image] = {}
        self.containers: dict[str, Container] = {}
        self.volumes: dict[str, Volume] = {}
        self.disk: dict[str, bytes] = {}
        self.whole_images = False
        self.local_networks: dict[str, Network] = {}
        self.behaviours: list[tuple[str, Behaviour]] = []
        self.taken_ports: set[tuple[int, str]] = set()
        self.events: list[Json] = []
        self._ephemeral = itertools.count(32768)
        for built_in, driver in (("bridge", "bridge"), ("host", "host"), ("none", "null")):
            network = Network(built_in, driver, built_in=True)
            self.local_networks[network.id] = network
        if overlay:
            overlay.join(self)

    # -- finding

    def container(self, name: str) -> Container:
        """By id, name or the beginning of an id."""
        bare = name.lstrip("/")
        for container in self.containers.values():
            if bare in (container.id, container.name):
                return container
        for container in self.containers.values():
            if len(bare) >= 4 and container.id.startswith(bare):
                return container
        raise EngineFault(404, f"No such container: {name}")

    def networks(self) -> list[Network]:
        """Those that this engine lists."""
        far = self.overlay.seen_by(self) if self.overlay else []
        return [*self.local_networks.values(), *far]

    def network(self, name: str, *, reachable: bool = False) -> Network:
        """By id, name or the beginning of an id; `reachable` also those it would learn of."""
        known = self.networks()
        if reachable and self.overlay:
            known += self.overlay.reachable()
        for network in known:
            if name in (network.id, network.name):
                return network
        for network in known:
            if len(name) >= 4 and network.id.startswith(name):
                return network
        raise EngineFault(404, f"network {name} not found")

    def attachable(self, name: str) -> Network:
        """A network to attach a container to; a swarm's node asks a manager for one it lacks."""
        try:
            return self.network(name, reachable=True)
        except EngineFault as missing:
            if self.overlay is None or self.overlay.kind != "swarm":
                raise
            self.overlay.check_quorum()
            raise EngineFault(
                500,
                f"Could not attach to network {name}: rpc error: code = NotFound desc = "
                f"{missing.message}",
            ) from None

    def image(self, reference: str) -> Image:
        """By name, digest, id or the beginning of an id."""
        full = full_name(reference)
        for image in self.images.values():
            if reference == image.id or full in image.tags or full in image.digests:
                return image
        bare = reference.removeprefix("sha256:")
        for image in self.images.values():
            if len(bare) >= 4 and image.id.removeprefix("sha256:").startswith(bare):
                return image
        raise EngineFault(404, f"No such image: {full}")

    # -- containers

    def create(self, name: str, body: Json, api: tuple[int, int]) -> Container:
        """Make a container as `POST /containers/create` does."""
        name = name or f"fake_{secrets.token_hex(4)}"
        for other in self.containers.values():
            if other.name == name:
                raise EngineFault(
                    409,
                    f'Conflict. The container name "/{name}" is already in use by container '
                    f'"{other.id}". You have to remove (or rename) that container to be able to '
                    "reuse that name.",
                )
        image = self.image(str(body.get("Image") or ""))
        container = Container(name, body, image, self._behaviour(name, body))
        attached = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
        if len(attached) > 1 and api < (1, 44):
            raise EngineFault(
                400, f"Container cannot be connected to network endpoints: {', '.join(attached)}"
            )
        mode = container.host_config.get("NetworkMode") or "bridge"
        wanted: dict[str, Json] = {} if mode in ("host", "none") else {self._network_name(mode): {}}
        wanted |= {self._network_name(key): value or {} for key, value in attached.items()}
        if ":" not in mode:
            container.endpoints = wanted or {mode: {}}
        container.mounts = self._mounts(container)
        self.containers[container.id] = container
        self.tell("container", "create", container.id, self._attributes(container))
        return container

    def start(self, container: Container) -> None:
        """Start it; raises EngineFault where a port is taken or a network is missing."""
        if container.behaviour.refuses:
            container.error = container.behaviour.refuses
            container.exit_code = 127
            raise EngineFault(400, container.behaviour.refuses)
        for name in container.endpoints:
            network = self.attachable(name)
            if network.scope != "local" and self.overlay:
                self.overlay.check_quorum()
        container.ports = self._bind(container)
        for name, endpoint in container.endpoints.items():
            endpoint["IPAddress"] = self.network(name, reachable=True).address()
        container.state = "running"
        container.started = time.time()
        container.exit_code = 0
        container.error = ""
        container.health = "starting" if container.healthcheck else ""
        for source, lines in (
            ("stdout", container.behaviour.output),
            ("stderr", container.behaviour.errors),
        ):
            container.log += [(time.time(), source, line) for line in lines]
        self.tell("container", "start", container.id, self._attributes(container))

    def end(self, container: Container, code: int) -> None:
        """Its processes are gone."""
        container.state = "exited"
        container.exit_code, container.dies = code, 0.0
        container.finished = time.time()
        container.ports = {}
        container.health = "unhealthy" if container.health else ""
        attributes = {**self._attributes(container), "exitCode": str(code)}
        self.tell("container", "die", container.id, attributes)

    def remove(self, container: Container, *, volumes: bool) -> None:
        """Take it away, and with `volumes` its anonymous ones."""
        del self.containers[container.id]
        if volumes:
            for mount in container.mounts:
                volume = self.volumes.get(mount.get("Name", ""))
                if volume and volume.anonymous:
                    del self.volumes[volume.name]
        self.tell("container", "destroy", container.id, self._attributes(container))

    def tick(self) -> None:
        """Let happen what is due: exits, and changes of health."""
        now = time.time()
        for container in list(self.containers.values()):
            if container.state == "restarting":
                self._come_back(container)
            if container.state != "running":
                continue
            age, behaviour = now - container.started, container.behaviour
            if container.healthcheck:
                self._grow_older(container, age)
            if 0 < container.dies <= now:
                self.end(container, 137)
            elif behaviour.exits_after is not None and age >= behaviour.exits_after:
                self.end(container, behaviour.exit_code)
                if behaviour.loops:
                    container.state = "restarting"

    def _come_back(self, container: Container) -> None:
        if time.time() - container.finished < 0.1 * 2**container.restarts:
            return
        container.state, container.started = "running", time.time()
        container.restarts += 1
        self.tell("container", "start", container.id, self._attributes(container))

    def _grow_older(self, container: Container, age: float) -> None:
        behaviour, health = container.behaviour, "starting"
        if behaviour.healthy_after is not None and age >= behaviour.healthy_after:
            health = "healthy"
        if behaviour.unhealthy_after is not None and age >= behaviour.unhealthy_after:
            health = "unhealthy"
        if health != container.health:
            container.health = health
            attributes = self._attributes(container)
            self.tell("container", f"health_status: {health}", container.id, attributes)

    # -- events

    def tell(self, kind: str, action: str, subject: str, attributes: Json) -> None:
        """Write an event down; streams of events pick it up."""
        now = time.time()
        event = {
            "Type": kind,
            "Action": action,
            "Actor": {"ID": subject, "Attributes": attributes},
            "scope": "local",
            "time": int(now),
            "timeNano": int(now * 1e9),
        }
        if kind == "container":
            event |= {"status": action, "id": subject, "from": attributes.get("image", "")}
        self.events.append(event)

    def _attributes(self, container: Container) -> Json:
        image = container.body.get("Image", "")
        return {**container.labels, "image": image, "name": container.name}

    # -- how

    def _behaviour(self, name: str, body: Json) -> Behaviour:
        """The newest one that was set for the container's name or its image."""
        for pattern, behaviour in reversed(self.behaviours):
            if any(fnmatch.fnmatch(each, pattern) for each in (name, body.get("Image", ""))):
                return behaviour
        return Behaviour()

    def _network_name(self, name: str) -> str:
        """Endpoints go by the network's name; one that isn't there yet is missed at the start."""
        try:
            return self.network("bridge" if name == "default" else name, reachable=True).name
        except EngineFault:
            return name

    def _bind(self, container: Container) -> dict[str, list[Json]]:
        exposed = {**(container.image.config.get("ExposedPorts") or {})}
        exposed |= container.body.get("ExposedPorts") or {}
        ports: dict[str, list[Json]] = {target: [] for target in exposed}
        for target, bindings in (container.host_config.get("PortBindings") or {}).items():
            protocol = target.partition("/")[2] or "tcp"
            ports[target] = [
                {
                    "HostIp": each.get("HostIp") or "0.0.0.0",
                    "HostPort": str(self._free(container, each.get("HostPort") or "", protocol)),
                }
                for each in bindings or [{}]
            ]
        return ports

    def _free(self, container: Container, wanted: str, protocol: str) -> int:
        held = self.taken_ports | {
            (int(each["HostPort"]), target.partition("/")[2] or "tcp")
            for other in self.containers.values()
            if other.running and other is not container
            for target, bindings in other.ports.items()
            for each in bindings
        }
        first, _, last = wanted.partition("-")
        choices: Any = range(int(first), int(last or first) + 1) if first else self._ephemeral
        for port in choices:
            if (port, protocol) not in held:
                return int(port)
        raise EngineFault(
            500,
            f"driver failed programming external connectivity on endpoint {container.name} "
            f"({secrets.token_hex(32)}): Bind for 0.0.0.0:{wanted} failed: port is already "
            "allocated",
        )

    def _mounts(self, container: Container) -> list[Json]:
        found: dict[str, Json] = {}
        for path in {**(container.image.config.get("Volumes") or {})}:
            found[path] = {"Type": "volume", "Source": "", "Target": path}
        for path in container.body.get("Volumes") or {}:
            found[path] = {"Type": "volume", "Source": "", "Target": path}
        for bind in container.host_config.get("Binds") or ():
            source, _, rest = bind.partition(":")
            target, _, mode = rest.partition(":")
            kind = "bind" if source.startswith("/") else "volume"
            read_only = "ro" in mode.split(",")
            mount = {"Type": kind, "Source": source, "Target": target, "ReadOnly": read_only}
            found[target] = mount
        for mount in container.host_config.get("Mounts") or ():
            found[mount["Target"]] = mount
        return [self._mounted(mount) for mount in found.values()]

    def _mounted(self, mount: Json) -> Json:
        shown: Json = {
            "Type": mount["Type"],
            "Source": mount.get("Source") or "",
            "Destination": mount["Target"],
            "RW": not mount.get("ReadOnly"),
        }
        if mount["Type"] != "volume":
            return shown
        name = mount.get("Source") or secrets.token_hex(32)
        if name not in self.volumes:
            options = (mount.get("VolumeOptions") or {}).get("Labels") or {}
            anonymous = not mount.get("Source")
            self.volumes[name] = Volume(name, labels=options, anonymous=anonymous)
        source = f"/var/lib/docker/volumes/{name}/_data"
        return {**shown, "Name": name, "Driver": "local", "Source": source}
