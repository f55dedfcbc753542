"""How a replica makes way for its successor: beside it, or before it. Pure.

Start-first: the successor starts under a name of its own, which nobody asks for; once it is well
it takes the service's names, the old one gives them up, has time to end what it was asked, and is
stopped. Where both can't be there at once, the old one stops first, and the plan says why.

`deploy.update_config` (Compose Deploy Specification) says how: `order`, `parallelism`, `delay`,
`monitor`; a way back follows `rollback_config`. On the local engine alone it is as with Compose,
which doesn't look at them: the old one stops first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nap_compose.cluster.view import ContainerView
from nap_compose.compose.model import Condition, Service
from nap_compose.orchestration.decide import Decision, Wish
from nap_compose.orchestration.plan import IDLE, STOP_FIRST
from nap_compose.orchestration.wanted import namespace_of
from nap_compose.plaindata import dataclass
from nap_compose.units import parse_duration

SETTLES = 5.0
"""Seconds that a successor without a health check must run before it is taken for well, where
`monitor` doesn't say. Swarm's own default."""

ALIASED = ("swarm",)
"""Overlay networks on which a running container can change the names that it goes by, and keep
its address while it does."""

STORED = "consul"
"""Overlay networks over the engines' cluster store. Names change hands there as well (tried on
engine 20.10), but a successor beside the old one takes an address of its own and leaves the old
one's free, for a container on any host; and a host that had an address before doesn't reach
whoever has it elsewhere, until its engine is started again. Where the old one stops first, its
successor gets the address that it has just left."""

SHARED = (*ALIASED, STORED)
"""Overlay networks of either kind. On none can a running container be given another name: in a
swarm the engine (20.10) fails and holds the network for ever, and over a cluster store it writes
down how many endpoints the network had when the container joined it."""


@dataclass(frozen=True)
class Update:
    """What `update_config` (or `rollback_config`) asks for; times in seconds.

    `at_once` is how many replicas are replaced at a time, 0 for all; `monitor` is None where it
    isn't said; `drain` is how long the old one has for what it was asked already; `action` is
    what a failed replica leads to, `tolerated` the share of them (0 to 1) that may fail before.
    """

    at_once: int = 1
    delay: float = 0.0
    order: str = ""
    monitor: float | None = None
    drain: float = 0.0
    action: str = "rollback"
    tolerated: float = 0.0


def update_of(service: Service, *, back: bool = False) -> Update:
    """How the replicas of a service are replaced; `back`: on the way to an earlier revision."""
    deploy: Mapping[str, Any] = service.spec.get("deploy") or {}
    asked = deploy.get("update_config") or {}
    if back:
        asked = deploy.get("rollback_config") or asked
    monitor = asked.get("monitor")
    drain = (service.spec.get("x-nap") or {}).get("drain")
    return Update(
        at_once=int(asked.get("parallelism", 1)),
        delay=_seconds(asked.get("delay")),
        order=str(asked.get("order") or ""),
        monitor=None if monitor is None else _seconds(monitor),
        drain=_seconds(drain),
        action=str(asked.get("failure_action") or "rollback"),
        tolerated=float(asked.get("max_failure_ratio") or 0),
    )


def why_stop_first(wish: Wish, decision: Decision, condition: Condition) -> str:
    """Why the old container has to stop before its successor starts; empty where it needn't.

    `condition` is what the app waits for of the service.
    """
    service, old = wish.service(decision.slot), decision.container
    if old is None or old.state != "running":
        return IDLE
    if wish.overlay not in ALIASED:
        return "over a cluster store each address has to stay on its host"
    if update_of(service, back=wish.back).order == STOP_FIRST:
        return "as its update_config says"
    if condition is Condition.COMPLETED:
        return "it runs to its end"
    return (
        _shares_namespaces(wish, service)
        or _has_one_address(service)
        or _holds_a_port(service, old, decision.host)
        or _writes_data(service)
    )


def settling(service: Service, update: Update, health_known: bool) -> float:
    """For how many seconds a successor must stay well before it takes over."""
    if update.monitor is not None:
        return update.monitor
    return 0.0 if health_known or service.healthcheck else SETTLES


def _shares_namespaces(wish: Wish, service: Service) -> str:
    if service.spec.get("network_mode"):
        return f"network_mode is {service.spec['network_mode']}"
    others = [
        other.name for other in wish.app.services.values() if service.name in namespace_of(other)
    ]
    shared = [*namespace_of(service), *others]
    return f"it shares namespaces or volumes with {shared[0]}" if shared else ""


def _has_one_address(service: Service) -> str:
    fixed = ("ipv4_address", "ipv6_address", "mac_address")
    for attachment in (
        *service.networks.values(),
        {"mac_address": service.spec.get("mac_address")},
    ):
        for key in fixed:
            if attachment.get(key):
                return f"{key} is {attachment[key]}"
    return ""


def _holds_a_port(service: Service, old: ContainerView, host: str) -> str:
    if old.host != host:
        return ""
    held = {(port.port, port.protocol) for port in old.ports}
    for port in service.ports:
        if (port.fixed(), port.protocol) in held:
            return f"it publishes port {port.published}"
    return ""


def _writes_data(service: Service) -> str:
    """Two containers that write to the same data are one too many."""
    for mount in service.mounts:
        if mount.type == "volume" and not mount.source:
            return f"{mount.target} goes from one to the other"
        if mount.type in ("volume", "bind") and not mount.read_only:
            return f"it writes to {mount.source}"
    return ""


def _seconds(value: Any) -> float:
    return 0.0 if value in (None, "") else parse_duration(str(value))
