"""What becomes of each slot: kept, started, replaced, moved, created. Pure.

Compose's rules for recreating hold (another configuration, another image, a network missing, a
parent namespace replaced), with one more: a replica whose place has changed is moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nap_compose.cluster import labels
from nap_compose.cluster.images import Found
from nap_compose.cluster.view import ContainerView, View
from nap_compose.compose.model import App, Service
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.bodies.making import network_name
from nap_compose.orchestration.placement import Placement
from nap_compose.orchestration.plan import Change
from nap_compose.orchestration.wanted import Slot, namespace_of


@dataclass(frozen=True)
class Wish:
    """What a deployment is to bring about, and all that deciding and planning look at.

    `services` are in an order that has needs first; `hashes` give each service's configuration
    hash; `images` what each reference stands for in this cluster. `fence` is the number under
    which new containers are made.
    """

    app: App
    services: tuple[str, ...]
    view: View
    placement: Placement
    owner: str
    project: str
    revision: int
    deployment: str
    fence: int
    hashes: Mapping[str, str]
    images: Mapping[str, Found] = field(default_factory=dict)
    overlay: str = "bridge"
    network_host: str = ""
    force: bool = False
    no_recreate: bool = False
    no_start: bool = False
    remove_orphans: bool = False
    grace: float | None = None

    def service(self, slot: Slot) -> Service:
        """The service of a slot."""
        return self.app.services[slot.service]


@dataclass(frozen=True)
class Decision:
    """What becomes of one slot on `host`, and why.

    `container` is what is there and counts (for REPLACE and MOVE: what is replaced); `leftovers`
    are containers of the same slot that an interrupted deployment left.
    """

    slot: Slot
    host: str
    change: Change
    reason: str
    container: ContainerView | None = None
    leftovers: tuple[ContainerView, ...] = ()

    @property
    def makes(self) -> bool:
        """Whether a container is made."""
        return self.change in (Change.CREATE, Change.REPLACE, Change.MOVE)


def decide(wish: Wish) -> list[Decision]:
    """One decision for each slot of the chosen services, needs first."""
    decisions: list[Decision] = []
    renewed: set[str] = set()
    for name in wish.services:
        for slot, choice in wish.placement.choices.items():
            if slot.service == name:
                decision = _decide(wish, slot, choice.host, choice.reason, renewed)
                decisions.append(decision)
                if decision.makes:
                    renewed.add(name)
    return decisions


def surplus(wish: Wish) -> list[ContainerView]:
    """Containers of chosen services whose slot is no longer wanted: scaled down."""
    wanted = {*wish.placement.choices, *wish.placement.unseen}
    return [
        container
        for container in wish.view.of_app(wish.owner, wish.app.name)
        if container.identity is not None
        and not container.identity.oneoff
        and container.identity.service in wish.services
        and Slot(container.identity.service, container.identity.replica) not in wanted
    ]


def orphans(app: App, owner: str, view: View) -> list[ContainerView]:
    """Containers of services that the file no longer has; those of profiles are none."""
    known = {*app.services, *app.profiled_out}
    return [
        container
        for container in view.of_app(owner, app.name)
        if container.identity is not None and container.identity.service not in known
    ]


def making_way(
    app: App, services: tuple[str, ...], owner: str, view: View, *, remove_orphans: bool
) -> frozenset[str]:
    """The ids of the containers that a deployment of `services` may stop for its own ends."""
    mine = [
        container
        for container in view.of_app(owner, app.name)
        if container.identity is not None and container.identity.service in services
    ]
    if remove_orphans:
        mine += orphans(app, owner, view)
    return frozenset(container.id for container in mine)


def _decide(wish: Wish, slot: Slot, host: str, why: str, renewed: set[str]) -> Decision:
    there = _containers_of(wish, slot)
    if not there:
        return Decision(slot, host, Change.CREATE, why)
    right, leftovers = there[-1], tuple(there[:-1])
    reason = _reason_to_renew(wish, slot, right, renewed)
    if right.host != host:
        serving = _serving(there)
        return Decision(slot, host, Change.MOVE, why, serving, _without(there, serving))
    if reason and not (wish.no_recreate and not leftovers):
        serving = _serving(there)
        return Decision(slot, host, Change.REPLACE, reason, serving, _without(there, serving))
    if right.state == "running":
        new = [
            entry.service
            for entry in wish.service(slot).depends_on
            if entry.restart and entry.service in renewed
        ]
        if new and not wish.no_start:
            return Decision(slot, host, Change.START, f"restarts with {new[0]}", right, leftovers)
        return Decision(slot, host, Change.KEEP, "", right, leftovers)
    if wish.no_start:
        return Decision(slot, host, Change.KEEP, f"is {right.state}", right, leftovers)
    return Decision(slot, host, Change.START, f"is {right.state}", right, leftovers)


def _containers_of(wish: Wish, slot: Slot) -> list[ContainerView]:
    """The slot's containers, the one with the highest fence (the right one) last."""
    return [
        container
        for container in wish.view.of_app(wish.owner, wish.app.name)
        if container.identity is not None
        and not container.identity.oneoff
        and (container.identity.service, container.identity.replica) == (slot.service, slot.number)
    ]


def _serving(containers: list[ContainerView]) -> ContainerView:
    """The one to go back to if the new one fails: the newest that runs, else the newest."""
    running = [container for container in containers if container.state == "running"]
    return (running or containers)[-1]


def _without(containers: list[ContainerView], one: ContainerView) -> tuple[ContainerView, ...]:
    return tuple(container for container in containers if container.id != one.id)


def _reason_to_renew(wish: Wish, slot: Slot, container: ContainerView, renewed: set[str]) -> str:
    """Why the container can't stay as it is; empty where it can."""
    service = wish.service(slot)
    identity = container.identity
    parents = [name for name in namespace_of(service) if name in renewed]
    if wish.force:
        return "forced"
    if identity is None or identity.config_hash != wish.hashes[slot.service]:
        return "its configuration changed"
    if parents:
        return f"it uses {parents[0]}, which is new"
    if _other_image(wish, service, container):
        return "its image changed"
    missing = [
        key
        for key in service.networks
        if not service.spec.get("network_mode")
        and network_name(wish.app, wish.project, key) not in container.networks
    ]
    return f"it isn't on network {missing[0]}" if missing else ""


def _other_image(wish: Wish, service: Service, container: ContainerView) -> bool:
    found = wish.images.get(image_reference(service, wish.project))
    made_from = container.labels.get(labels.IMAGE) or container.image_id
    return bool(found and made_from and found.id != made_from)
