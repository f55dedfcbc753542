"""What a fake engine holds: images, containers, networks, volumes, and how containers behave."""

from __future__ import annotations

import hashlib
import itertools
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Behaviour:
    """What a container does once it is started; times in seconds.

    `exits_after` None: it runs until it is stopped. With a healthcheck it is healthy after
    `healthy_after` (None: never) and unhealthy after `unhealthy_after`. `stops_in` is how long it
    takes to obey; longer than its grace, it is killed (137), and takes `stuck` to end by that: the
    engine is tired of waiting before. When it has ended the engine clears up for `clears_in` before
    it answers to the stop, and where it `clears_badly` it answers with that message. `output` and
    `errors` are lines on its two streams. `refuses` makes its start fail with that message. With
    `loops` its engine starts it again when it exits, after pauses as an engine's own.
    """

    exits_after: float | None = None
    exit_code: int = 0
    loops: bool = False
    healthy_after: float | None = 0.0
    unhealthy_after: float | None = None
    stops_in: float = 0.0
    stuck: float = 0.0
    clears_in: float = 0.0
    clears_badly: str = ""
    output: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    probe: str = "probed"
    refuses: str = ""


def full_name(reference: str) -> str:
    """A reference as an engine lists it: `docker.io/library/` left out, a tag put in."""
    for prefix in ("docker.io/library/", "docker.io/", "index.docker.io/"):
        reference = reference.removeprefix(prefix)
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in last else f"{reference}:latest"


@dataclass
class Image:
    """An image; `config` is what containers inherit (Env, Cmd, Labels, Healthcheck …).

    It has one layer of its own, below which may lie one of `base` bytes that others have too.
    """

    name: str
    config: Json = field(default_factory=dict)
    size: int = 1_000_000
    architecture: str = "amd64"
    tags: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    base: int = 0

    def __post_init__(self) -> None:
        if not self.tags and self.name:
            self.tags = [full_name(self.name)]

    @property
    def document(self) -> bytes:
        """The image's configuration as it stands in an archive; its digest is the image's id."""
        document = {"architecture": self.architecture, "os": "linux", "config": self.config}
        return json.dumps({**document, "fake": self.name}, sort_keys=True).encode()

    @property
    def id(self) -> str:
        """As every engine that has it would call it."""
        return "sha256:" + hashlib.sha256(self.document).hexdigest()

    @property
    def layers(self) -> dict[str, bytes]:
        """What its layers hold, the lowest first, by their digests."""
        below = [b"\1" * self.base] if self.base else []
        contents = [*below, self.id.encode().ljust(self.size - self.base, b"\0")]
        return {"sha256:" + hashlib.sha256(each).hexdigest(): each for each in contents}

    def listed(self) -> Json:
        """As in `GET /images/json`."""
        return {
            "Id": self.id,
            "ParentId": "",
            "RepoTags": list(self.tags),
            "RepoDigests": list(self.digests),
            "Created": 1_700_000_000,
            "Size": self.size,
            "SharedSize": -1,
            "Labels": self.config.get("Labels"),
            "Containers": -1,
        }

    def inspected(self) -> Json:
        """As in `GET /images/NAME/json`."""
        return {
            "Id": self.id,
            "RepoTags": list(self.tags),
            "RepoDigests": list(self.digests),
            "Created": "2024-01-01T00:00:00Z",
            "Architecture": self.architecture,
            "Os": "linux",
            "Size": self.size,
            "Config": self.config,
            "RootFS": {"Type": "layers", "Layers": list(self.layers)},
            "Metadata": {"LastTagTime": "2024-01-01T00:00:00Z"},
        }


@dataclass
class Volume:
    """A volume; `anonymous` ones go with their container."""

    name: str
    driver: str = "local"
    options: Json = field(default_factory=dict)
    labels: Json = field(default_factory=dict)
    anonymous: bool = False

    def listed(self) -> Json:
        """As an engine lists and inspects it."""
        return {
            "Name": self.name,
            "Driver": self.driver,
            "Mountpoint": f"/var/lib/docker/volumes/{self.name}/_data",
            "Scope": "local",
            "Options": self.options or None,
            "Labels": self.labels or None,
            "CreatedAt": "2024-01-01T00:00:00Z",
        }


@dataclass
class Network:
    """A network; one of scope swarm or global is the same object on every engine that has it."""

    name: str
    driver: str = "bridge"
    scope: str = "local"
    body: Json = field(default_factory=dict)
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    built_in: bool = False
    number: int = field(default_factory=itertools.count(18).__next__)
    addresses: Any = field(default_factory=lambda: itertools.count(2))

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.body.get("Labels") or {}

    def address(self) -> str:
        """The next free address in it."""
        host = next(self.addresses)
        return f"172.{16 + self.number % 200}.{host // 256}.{host % 256}"

    def listed(self) -> Json:
        """As in `GET /networks`."""
        prefix = f"172.{16 + self.number % 200}.0"
        config = {"Subnet": f"{prefix}.0/16", "Gateway": f"{prefix}.1"}
        return {
            "Name": self.name,
            "Id": self.id,
            "Created": "2024-01-01T00:00:00Z",
            "Scope": self.scope,
            "Driver": self.driver,
            "EnableIPv4": True,
            "EnableIPv6": bool(self.body.get("EnableIPv6")),
            "IPAM": self.body.get("IPAM")
            or {"Driver": "default", "Options": None, "Config": [config]},
            "Internal": bool(self.body.get("Internal")),
            "Attachable": bool(self.body.get("Attachable")),
            "Ingress": False,
            "ConfigFrom": {"Network": ""},
            "ConfigOnly": False,
            "Containers": {},
            "Options": self.body.get("Options") or {},
            "Labels": dict(self.labels),
        }


@dataclass
class Container:
    """A container and what became of it. Times are seconds since 1970, 0 for "never"."""

    name: str
    body: Json
    image: Image
    behaviour: Behaviour
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    created: float = field(default_factory=time.time)
    started: float = 0.0
    finished: float = 0.0
    dies: float = 0.0
    state: str = "created"
    exit_code: int = 0
    restarts: int = 0
    health: str = ""
    error: str = ""
    ports: dict[str, list[Json]] = field(default_factory=dict)
    endpoints: dict[str, Json] = field(default_factory=dict)
    mounts: list[Json] = field(default_factory=list)
    log: list[tuple[float, str, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def labels(self) -> Json:
        """Its labels, those of its image included."""
        return {**(self.image.config.get("Labels") or {}), **(self.body.get("Labels") or {})}

    @property
    def host_config(self) -> Json:
        """What it asks of its host."""
        found: Json = self.body.get("HostConfig") or {}
        return found

    @property
    def healthcheck(self) -> Json:
        """Its own healthcheck, else its image's; empty where there is none."""
        check = self.body.get("Healthcheck") or self.image.config.get("Healthcheck") or {}
        return {} if check.get("Test", ["NONE"])[:1] == ["NONE"] else check

    @property
    def running(self) -> bool:
        """Whether it has processes."""
        return self.state in ("running", "paused", "restarting")

    @property
    def grace(self) -> float:
        """Its own stop timeout."""
        own = self.body.get("StopTimeout")
        return 10.0 if own is None else float(own)
