"""The App: what a Compose file asks for, in one frozen form that every later step reads.

The canonical document (what `nap config --format json` prints) is the whole truth; the typed
fields are a reading of it, for the parts that decide. So an App crosses the border to the broker
and rests in a revision as plain JSON, and comes back equal: `App.of(app.document, ...) == app`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from nap_compose.plaindata import dataclass

Json = Mapping[str, Any]
"""A JSON object. Nobody who is handed one changes it."""


class Condition(str, Enum):
    """When a dependency counts as met (Compose Specification, `depends_on`)."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"


class Dependency(NamedTuple):
    """`service` must reach `condition` before the dependent starts.

    `restart`: the dependent is restarted when `service` is recreated. `required` false: a
    dependency that isn't part of the app is passed over.
    """

    service: str
    condition: Condition = Condition.STARTED
    restart: bool = False
    required: bool = True


class Port(NamedTuple):
    """A container's port and where a host publishes it.

    `published` is a number, a range "8000-8010" or empty (the engine chooses); `host_ip` is empty
    for every address of the host.
    """

    target: int
    published: str = ""
    protocol: str = "tcp"
    host_ip: str = ""

    def fixed(self) -> int | None:
        """The one port that the host must have free; None where there is a choice."""
        return int(self.published) if self.published.isdecimal() else None


class Mount(NamedTuple):
    """Something mounted into the container; `spec` is its canonical long form.

    `source` is the key of a named volume, a path, or empty (an anonymous volume, a tmpfs).
    """

    type: str
    target: str
    source: str = ""
    read_only: bool = False
    spec: Json = MappingProxyType({})


@dataclass(frozen=True)
class Service:
    """One service of the file; `spec` is its canonical form, the rest is read from it.

    `replicas` is how many containers there shall be: `deploy.replicas`, `scale`, or 1; for mode
    `global` it is 1 on each host. `networks` names the app's networks by key, with the canonical
    attachment (aliases, addresses …) of each.
    """

    name: str
    spec: Json
    image: str = ""
    replicas: int = 1
    mode: str = "replicated"
    depends_on: tuple[Dependency, ...] = ()
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    networks: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, spec: Json) -> Service:
        """Read a service's canonical form."""
        deploy = spec.get("deploy") or {}
        replicas = deploy.get("replicas")
        if replicas is None:
            replicas = spec.get("scale")
        return cls(
            name=name,
            spec=spec,
            image=spec.get("image", ""),
            replicas=1 if replicas is None else int(replicas),
            mode=deploy.get("mode", "replicated"),
            depends_on=tuple(_dependencies(spec)),
            ports=tuple(_port(entry) for entry in spec.get("ports") or ()),
            mounts=tuple(_mount(entry) for entry in spec.get("volumes") or ()),
            networks={key: value or {} for key, value in (spec.get("networks") or {}).items()},
        )

    @property
    def everywhere(self) -> bool:
        """Whether it runs on each host (mode `global`); `replicas` is then how many on each."""
        return self.mode.startswith("global")

    @property
    def job(self) -> bool:
        """Whether it runs to its end, once (modes `replicated-job` and `global-job`)."""
        return self.mode.endswith("-job")

    @property
    def healthcheck(self) -> Json:
        """The file's own healthcheck; empty where the image's counts."""
        return self.spec.get("healthcheck") or {}


@dataclass(frozen=True)
class App:
    """A Compose project: its services and what they share.

    `name` is the project name. `networks`, `volumes`, `secrets` and `configs` map each key of the
    file to its canonical form. `working_dir` and `files` say where it was read: they are labels
    and messages, nothing is read from there again. `profiled_out` are services that the file has
    but the chosen profiles leave out: their containers are no orphans.
    `content` says what of it lies beside the file (`bind:/PATH`, `config:NAME`, `secret:NAME`),
    by digest; the bytes themselves never stand in an App.
    """

    name: str
    document: Json
    services: Mapping[str, Service]
    networks: Mapping[str, Json] = field(default_factory=dict)
    volumes: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, Json] = field(default_factory=dict)
    configs: Mapping[str, Json] = field(default_factory=dict)
    working_dir: str = ""
    files: tuple[str, ...] = ()
    profiled_out: tuple[str, ...] = ()
    content: Mapping[str, Json] = field(default_factory=dict)

    def secret_env(self, service: str) -> frozenset[str]:
        """The keys of a service's environment whose values are secret, as the file says."""
        own = (self.services[service].spec.get("x-nap") or {}).get("secret_env") or ()
        common = (self.document.get("x-nap") or {}).get("secret_env") or ()
        return frozenset(map(str, (*own, *common)))

    @classmethod
    def of(
        cls,
        document: Json,
        working_dir: str = "",
        files: tuple[str, ...] = (),
        profiled_out: tuple[str, ...] = (),
        content: Mapping[str, Json] | None = None,
    ) -> App:
        """Read a canonical document, as the loader makes it and a revision keeps it."""
        return cls(
            name=document["name"],
            document=document,
            services={
                name: Service.of(name, spec)
                for name, spec in (document.get("services") or {}).items()
            },
            networks=_resources(document, "networks"),
            volumes=_resources(document, "volumes"),
            secrets=_resources(document, "secrets"),
            configs=_resources(document, "configs"),
            working_dir=working_dir,
            files=files,
            profiled_out=profiled_out,
            content=content or {},
        )


def _resources(document: Json, kind: str) -> Mapping[str, Json]:
    return {key: value or {} for key, value in (document.get(kind) or {}).items()}


def _dependencies(spec: Json) -> list[Dependency]:
    return [
        Dependency(
            service=name,
            condition=Condition(entry.get("condition", Condition.STARTED.value)),
            restart=bool(entry.get("restart", False)),
            required=bool(entry.get("required", True)),
        )
        for name, entry in (spec.get("depends_on") or {}).items()
    ]


def _port(entry: Json) -> Port:
    return Port(
        target=int(entry["target"]),
        published=str(entry.get("published") or ""),
        protocol=entry.get("protocol", "tcp"),
        host_ip=entry.get("host_ip", ""),
    )


def _mount(entry: Json) -> Mount:
    return Mount(
        type=entry["type"],
        target=entry["target"],
        source=entry.get("source", ""),
        read_only=bool(entry.get("read_only", False)),
        spec=entry,
    )
