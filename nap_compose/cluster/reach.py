"""A way to any port of a container, published or not, through its engine alone.

A small container of an image that nap makes itself shares the network of the one that is meant. It
holds one program, which needs nothing of either image; each connection is a process of it, whose
input and output are the connection's bytes. It ends by itself when whoever made it is gone: its
input ends then.
"""

from __future__ import annotations

import base64
import contextlib
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from nap_compose.cluster import labels
from nap_compose.cluster.engine import Engine, Json, NotFound, Talk
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.own_images import entry, image, packed
from nap_compose.cluster.reach_program import PROGRAMS
from nap_compose.cluster.seal import Seal
from nap_compose.errors import NapError

IMAGE = "nap/reach:1"
ROLE = "reach"
PROGRAM = "/reach"
_NOBODY = "65534:65534"
_MEMORY = 64 << 20
_PROCESSES = 4096


class Reach:
    """The network of one container, for as long as it runs; see `opened`."""

    def __init__(self, engine: Engine, helper: str, held: Talk, addresses: Sequence[str]) -> None:
        self._engine = engine
        self._helper = helper
        self._held = held
        self._addresses = tuple(addresses)

    def connect(self, port: int) -> Talk:
        """A process that connects to the port, at the container's loopback or else at its own
        addresses, and passes bytes on; what it says of that stands in `tools/reach/reach.c`."""
        command = [PROGRAM, str(port), "127.0.0.1", *self._addresses, "::1"]
        made = self._engine.create_exec(
            self._helper,
            {"Cmd": command, "AttachStdin": True, "AttachStdout": True, "AttachStderr": True},
        )
        return self._engine.talk_to_exec(made, tty=False)

    def close(self) -> None:
        """Let go of the network."""
        self._held.close()
        with contextlib.suppress(NapError):
            self._engine.remove_container(self._helper, force=True)


def open_reach(
    engine: Engine, inspected: Json, *, cluster: str, owner: str, seal: Seal | None
) -> Reach:
    """Reach into the network of a container, given as inspected. Raises NapError where its host's
    kind of processor is none that nap has the program for."""
    name = f"nap-reach-{uuid.uuid4().hex[:12]}"
    identity = Identity(cluster=cluster, owner=owner, app="", role=ROLE)
    marks = labels.write(identity, name=name, seal=seal)
    helper = _created(engine, name, str(inspected["Id"]), marks)
    try:
        held = engine.attach_container(helper, tty=False, stdin=True)
        engine.start_container(helper)
    except BaseException:
        with contextlib.suppress(NapError):
            engine.remove_container(helper, force=True)
        raise
    return Reach(engine, helper, held, list(_addresses(inspected)))


def body(image_name: str, target: str, marks: Mapping[str, str]) -> dict[str, Any]:
    """What makes the container beside `target`; the policy lets users have just this one."""
    return {
        "Image": image_name,
        "Entrypoint": [PROGRAM],
        "User": _NOBODY,
        "AttachStdin": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "Labels": dict(marks),
        "HostConfig": {
            "NetworkMode": f"container:{target}",
            "AutoRemove": True,
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": _MEMORY,
            "PidsLimit": _PROCESSES,
            "LogConfig": {"Type": "none"},
        },
    }


def image_names() -> frozenset[str]:
    """What an engine may call the image: by its content, or the name that it was just loaded as."""
    return frozenset({IMAGE, *(_image(architecture)[0] for architecture in PROGRAMS)})


def _created(engine: Engine, name: str, target: str, marks: Mapping[str, str]) -> str:
    architecture = str(engine.version().get("Arch") or "amd64")
    if architecture not in PROGRAMS:
        raise NapError(
            f"nap has no program for {architecture} that reaches into a container's network",
            host=engine.host,
            hint="publish the port, or run what needs it with `nap run` in the app",
        )
    by_content, tar = _image(architecture)
    with contextlib.suppress(NotFound):
        return engine.create_container(name, body(by_content, target, marks))
    engine.load_image([tar])
    try:
        return engine.create_container(name, body(by_content, target, marks))
    except NotFound:  # an engine that knows images by something else than their configuration
        return engine.create_container(name, body(IMAGE, target, marks))


@cache
def _image(architecture: str) -> tuple[str, bytes]:
    program = zlib.decompress(base64.b64decode(PROGRAMS[architecture]))
    layer = packed([(entry(PROGRAM.lstrip("/"), 0o755), program)])
    return image(IMAGE, architecture, layer, {"Entrypoint": [PROGRAM]})


def _addresses(inspected: Json) -> Iterator[str]:
    """Its own IPv4 addresses, for what doesn't listen on its loopback."""
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    for each in networks.values():
        if each and each.get("IPAddress"):
            yield str(each["IPAddress"])
