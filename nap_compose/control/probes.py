"""Probes: one small container on each host, all on one network, that try the roads between them.

They are there for as long as the block lasts, and end by themselves should nap be killed in it.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace

from nap_compose.cluster import labels, turns
from nap_compose.cluster.engine import Engine, EngineError, Json
from nap_compose.cluster.images import familiar
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.networks import NetworkKind, network_offer
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.view import HostView, View
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.health.doctor.hosts import Disk
from nap_compose.orchestration.bodies.shared import network_body, network_options
from nap_compose.orchestration.steps.passing import until_it_passes
from nap_compose.orchestration.steps.shared import (
    create_network,
    remove_network_at_last,
    wait_forgotten,
    wait_known,
)
from nap_compose.plaindata import dataclass

LONE_LASTS = 60
LASTS = 600
"""Seconds after which a probe ends by itself: one alone, and those that try roads."""

ROLE = "helper"

_NO_SUCH_COMMAND = (126, 127)
"""How a command that can't be run ends (POSIX, Exit Status for Commands)."""


@dataclass(frozen=True)
class Probe:
    """One container, on one host. `address` is its own on the network, empty without one."""

    engine: Engine
    container: str
    name: str
    address: str

    def run(self, *command: str) -> tuple[int, str]:
        """Run a command in it to its end: the exit code and all that it printed.

        Raises NapError where the image has no such command, or another one of that name.
        """
        made = self.engine.create_exec(
            self.container, {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True}
        )
        talk = self.engine.talk_to_exec(made, tty=False)
        try:
            said = b"".join(piece for _, piece in talk.pieces())
        finally:
            talk.close()
        code = int(self.engine.inspect_exec(made).get("ExitCode") or 0)
        text = said.decode(errors="replace")
        if code in _NO_SUCH_COMMAND or "usage:" in text.lower():
            raise NapError(
                f"the probes' image has no `{command[0]}` of busybox's kind",
                host=self.engine.host,
                hint="name another with --image, or as placement.probe_image in the cluster file",
            )
        return code, text


@dataclass(frozen=True)
class Probes:
    """Those that run, by host, and why there is none on the others."""

    ready: dict[str, Probe] = field(default_factory=dict)
    failed: dict[str, NapError] = field(default_factory=dict)


@contextmanager
def probes(
    parts: Parts, view: View, image: str, go_on: Callable[[], None], *, plain: bool = False
) -> Iterator[Probes]:
    """A probe on each host that was seen; nothing stays behind. Their network is made as the apps'
    are; `plain`: without encryption, whatever the cluster file says.

    `go_on` is called before each and raises where no more shall be made. Raises NapError where no
    network reaches across, or can be made.
    """
    offer = network_offer(view, parts.cluster)
    overlay = offer.kind is not NetworkKind.BRIDGE
    network = f"nap-probe-{uuid.uuid4().hex[:8]}"
    makers = [offer.host] if overlay else list(view.hosts)
    settings = parts.cluster.network
    if plain:
        settings = replace(settings, encrypted=False)
    body = network_body(
        network,
        {},
        _marks(parts, network),
        overlay=overlay,
        options=network_options(settings, overlay=overlay),
    )
    found = Probes()
    made: list[tuple[Engine, str]] = []
    networks: list[tuple[Engine, str]] = []
    try:
        for maker in makers:
            on = parts.engines.on(maker)
            networks.append((on, create_network(on, body)))
        for name, host in view.hosts.items():
            go_on()
            engine = parts.engines.on(name)
            try:
                _have(engine, host, view, parts, image)
                if offer.kind is NetworkKind.CONSUL:
                    wait_known(engine, network)
                container = engine.create_container(
                    f"{network}-{name}", _body(image, network, _marks(parts, f"{network}-{name}"))
                )
                made.append((engine, container))
                _start(parts, engine, container, offer.kind)
                address = _address(engine, container, network)
                found.ready[name] = Probe(engine, container, f"{network}-{name}", address)
            except NapError as error:
                found.failed[name] = error
        yield found
    finally:
        for probed, container in made:
            with contextlib.suppress(NapError):
                probed.remove_container(container, force=True)
        for there, id_ in networks:
            with contextlib.suppress(NapError):
                remove_network_at_last(there, id_)
            for probed, _ in made:
                with contextlib.suppress(NapError):
                    wait_forgotten(probed, id_)


@contextmanager
def lone_probe(engine: Engine, image: str, cluster: str, seal: Seal | None) -> Iterator[Probe]:
    """A probe on one host, without a network, of an image that is there."""
    name = f"nap-probe-{uuid.uuid4().hex[:8]}"
    identity = Identity(cluster=cluster, owner="", app="", role=ROLE)
    body = {
        "Image": familiar(image),
        "Entrypoint": ["sleep"],
        "Cmd": [str(LONE_LASTS)],
        "Labels": labels.write(identity, name=name, seal=seal),
        # It goes by itself should nap be killed meanwhile.
        "HostConfig": {"NetworkMode": "none", "AutoRemove": True, "Init": False},
    }
    container = engine.create_container(name, body)
    try:
        engine.start_container(container)
        yield Probe(engine, container, name, "")
    finally:
        with contextlib.suppress(NapError):
            engine.remove_container(container, force=True)


def disk_of(probe: Probe) -> Disk | None:
    """The disk below the container's own file system, which is the engine's."""
    _, said = probe.run("df", "-P", "-k", "/")
    numbers = re.findall(r"\s(\d+)\s+(\d+)\s+(\d+)\s+\d+%", said)
    if not numbers:
        return None
    size, _, free = numbers[-1]
    return Disk(int(size) * 1024, int(free) * 1024)


def _marks(parts: Parts, name: str) -> dict[str, str]:
    """The labels of nap's own helpers: they belong to no app."""
    identity = Identity(cluster=parts.cluster.name, owner="", app="", role=ROLE)
    return labels.write(identity, name=name, seal=parts.seal)


def _body(image: str, network: str, marks: Mapping[str, str]) -> Json:
    return {
        "Image": image,
        "Entrypoint": ["sleep"],
        "Cmd": [str(LASTS)],
        "Labels": marks,
        "NetworkingConfig": {"EndpointsConfig": {network: {}}},
        "HostConfig": {"NetworkMode": network, "AutoRemove": False, "Init": False},
    }


def _start(parts: Parts, engine: Engine, container: str, kind: NetworkKind) -> None:
    def start() -> None:
        until_it_passes(lambda: engine.start_container(container), kind.value)

    if kind is NetworkKind.SWARM:
        with turns.joining(parts.store, engine.host):
            start()
    else:
        start()


def _address(engine: Engine, container: str, network: str) -> str:
    settings = engine.inspect_container(container).get("NetworkSettings") or {}
    there = (settings.get("Networks") or {}).get(network) or {}
    return str(there.get("IPAddress") or "")


def _have(engine: Engine, host: HostView, view: View, parts: Parts, image: str) -> None:
    """Have the image on the host: from one that has it, else pulled."""
    wanted = familiar(image)
    if host.has_image(wanted):
        return
    sources = [name for name, other in view.hosts.items() if other.has_image(wanted)]
    if sources:
        engine.load_image(parts.engines.on(sources[0]).save_image(wanted))
        return
    try:
        for _ in engine.pull_image(wanted):
            pass
    except EngineError as error:
        raise NapError(
            f"the probes' image {image} can't be pulled: {error.message}",
            host=engine.host,
            hint="name one that a host has, with ping, nc, df and sleep: as placement.probe_image "
            "in the cluster file, or with --image",
        ) from error
