"""What one replica of a service asks of its host, read once from the service's keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from nap_compose.cluster.holding import ALL, NOTHING, Holding, Most, kind, nano
from nap_compose.cluster.images import familiar
from nap_compose.compose.model import App, Port, Service
from nap_compose.errors import BadFile
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.bodies.values import size
from nap_compose.orchestration.placement.constraints import Constraint, spread_key
from nap_compose.orchestration.placement.situation import NOBODY, Situation
from nap_compose.orchestration.placement.volumes import local_volumes, mounted
from nap_compose.orchestration.wanted import namespace_of
from nap_compose.plaindata import dataclass
from nap_compose.text import nearest

Read = TypeVar("Read")

SUBPATH = (1, 45)
"""The first API whose engines mount a part of a volume. Older ones mount all of it, unasked."""


@dataclass(frozen=True)
class Ask:
    """What a replica asks.

    `holding` is kept free for it; `cores` (in billionths) is its limit, which engines refuse
    above what they have. `most` is how many of the service a host may have (0: any number).
    `volumes` are the keys of the local volumes that it mounts, `pooled` whether it mounts one on
    cluster storage too; `api` is the oldest API that knows what it mounts; `beside` the
    services whose namespaces it shares, `attached` the containers outside the app. `near` and
    `away` are services that its host must, or must not, have; `rather_near` and `rather_away`
    are wishes.
    `spread` are the keys of hosts over whose values the service's replicas are spread; `networks`
    the keys of those that each replica has an address on.
    """

    service: str
    image: str
    holding: Holding = NOTHING
    cores: int = 0
    ports: tuple[Port, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    platform: str = ""
    most: int = 0
    volumes: tuple[str, ...] = ()
    pooled: bool = False
    api: tuple[int, int] = (0, 0)
    beside: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    rather_near: tuple[str, ...] = ()
    rather_away: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()

    @property
    def standing(self) -> tuple[object, ...]:
        """What of it the same hosts always meet: asks that agree in this share their hosts."""
        return (
            self.constraints,
            self.platform,
            self.cores,
            tuple(sorted(self.holding.devices)),
            self.volumes,
            self.pooled,
            self.api,
            self.beside,
            self.attached,
        )


def faults(app: App) -> Iterator[BadFile]:
    """What of the app's placement can't be read, the first of each service."""
    for service in app.services.values():
        try:
            _read(app, service, Situation(NOBODY, "", app.name))
        except BadFile as fault:
            yield fault


def read_asks(app: App, situation: Situation) -> dict[str, Ask]:
    """What each service of the app asks of its hosts; raises BadFile for what can't be read."""
    return {name: _read(app, service, situation) for name, service in app.services.items()}


def holding_of(service: Service) -> Holding:
    """What is kept free for a replica: its reservations, and the devices it is given.

    A limit keeps nothing: what only may be used is left to whoever needs it.
    """
    spec = service.spec
    reserved = _resources(service).get("reservations") or {}
    memory = size(reserved.get("memory", spec.get("mem_reservation"))) or 0
    return Holding(
        cpus=max(nano(reserved.get("cpus") or 0), 0),  # nobody gives a host more than it has
        memory=max(memory, 0),
        devices=_devices(reserved, spec),
    )


def most_of(service: Service) -> Most:
    """What a replica may use at most: its limits, or what is kept free for it where that is more,
    since nobody else gets it."""
    limits, holding = _resources(service).get("limits") or {}, holding_of(service)
    cpus = nano(_limit(service))
    memory = size(limits.get("memory", service.spec.get("mem_limit"))) or 0
    return Most(
        cpus=max(cpus, holding.cpus),
        memory=max(memory, holding.memory),
        ports=len(service.ports),
        limits_cpus=cpus > 0,
        limits_memory=memory > 0,
    )


def _read(app: App, service: Service, situation: Situation) -> Ask:
    image = image_reference(service, situation.project)
    ask = Ask(
        service=service.name,
        image=familiar(image),
        ports=tuple(port for port in service.ports if port.published),
        volumes=local_volumes(app, service, situation.pooled, situation.shared),
        api=SUBPATH if _mounts_a_part(service) else (0, 0),
        pooled=not situation.pooled.isdisjoint(mounted(app, service)),
        beside=namespace_of(service),
        attached=_attached(service),
    )
    if situation.alone:
        return ask
    placement = (service.spec.get("deploy") or {}).get("placement") or {}
    return Ask(
        **{
            **vars(ask),
            "holding": holding_of(service),
            "cores": nano(_limit(service)),
            "constraints": tuple(
                _placed(Constraint.parse, text, service, "constraints", index)
                for index, text in enumerate(placement.get("constraints") or ())
            ),
            "platform": service.spec.get("platform") or situation.platforms.get(image, ""),
            "networks": () if service.spec.get("network_mode") else tuple(service.networks),
            "most": int(placement.get("max_replicas_per_node") or 0),
            "near": _wishes(app, service, "affinity", required=True),
            "away": _wishes(app, service, "anti_affinity", required=True),
            "rather_near": _wishes(app, service, "affinity", required=False),
            "rather_away": _wishes(app, service, "anti_affinity", required=False),
            "spread": tuple(
                _placed(spread_key, entry["spread"], service, "preferences", index, "spread")
                for index, entry in enumerate(placement.get("preferences") or ())
                if entry.get("spread")
            ),
        }
    )


def _placed(read: Callable[[str], Read], text: str, service: Service, *path: str | int) -> Read:
    """What `read` makes of a text under `deploy.placement`; its fault gets that place."""
    try:
        return read(text)
    except BadFile as fault:
        place = ("services", service.name, "deploy", "placement", *path)
        raise BadFile(fault.message, hint=fault.hint, path=place) from None


def _resources(service: Service) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (service.spec.get("deploy") or {}).get("resources") or {}
    return found


def _limit(service: Service) -> float:
    limits = _resources(service).get("limits") or {}
    return float(limits.get("cpus", service.spec.get("cpus")) or 0)


def _devices(reserved: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, int]:
    """How many of each kind: `generic_resources`, `devices` by capability, and `gpus`."""
    found: dict[str, int] = {}
    for name, number in _counted(reserved, spec):
        both = (found.get(name, 0), number)
        found[name] = ALL if ALL in both else sum(both)
    return {name: number for name, number in found.items() if number}


def _counted(reserved: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for entry in reserved.get("generic_resources") or ():
        resource = entry.get("discrete_resource_spec") or {}
        if resource.get("kind"):
            yield kind(resource["kind"]), max(int(resource.get("value") or 0), 0)
    for request in reserved.get("devices") or ():
        capabilities = list(request.get("capabilities") or ("device",))
        yield "gpu" if "gpu" in capabilities else kind(capabilities[0]), _number(request)
    for request in spec.get("gpus") or ():
        yield "gpu", _number(request)


def _number(request: Mapping[str, Any]) -> int:
    if request.get("device_ids"):
        return len(request["device_ids"])
    count = request.get("count")
    if count in (None, "all") or int(count) < 0:  # as engines take it
        return ALL
    return int(count)


def _mounts_a_part(service: Service) -> bool:
    return any(
        (mount.spec.get(kind) or {}).get("subpath")
        for mount in service.mounts
        for kind in ("volume", "image")
    )


def _attached(service: Service) -> tuple[str, ...]:
    """The containers outside the app whose namespaces or volumes it uses."""
    spec = service.spec
    given = [str(spec.get(key) or "") for key in ("network_mode", "ipc", "pid")]
    given += spec.get("volumes_from") or ()
    named = [text.split(":")[1] for text in given if text.startswith("container:")]
    return tuple(dict.fromkeys(named))


def _wishes(app: App, service: Service, key: str, *, required: bool) -> tuple[str, ...]:
    """The services that `x-nap.KEY` names; what stands at the top goes for every service that
    doesn't say, but isn't about the service itself."""
    own = (service.spec.get("x-nap") or {}).get(key)
    entries = own if own is not None else (app.document.get("x-nap") or {}).get(key) or ()
    path = ("services", service.name, "x-nap", key) if own is not None else ("x-nap", key)
    found = []
    for entry in entries:
        name = entry if isinstance(entry, str) else entry["service"]
        if name not in app.services and name not in app.profiled_out:
            near = nearest(name, app.services)
            raise BadFile(
                f"{'.'.join(path)} names the service '{name}', which the file doesn't have",
                hint=f"did you mean {near}?" if near else f"it has: {', '.join(app.services)}",
                path=path,
            )
        firm = isinstance(entry, str) or entry.get("required", True)
        about_itself = own is None and name == service.name
        if firm == required and name in app.services and not about_itself:
            found.append(name)
    return tuple(dict.fromkeys(found))
