"""What becomes of each slot: kept, started, replaced, moved, created. Pure.

Compose's rules for recreating hold (another configuration, another image, a network missing, a
parent namespace replaced), with one more: a replica whose place has changed is moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import field

from nap_compose.cluster import labels
from nap_compose.cluster.images import Found
from nap_compose.cluster.view import ContainerView, NetworkView, View, VolumeView
from nap_compose.compose.model import App, Service
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.bodies.making import network_name, volume_name
from nap_compose.orchestration.placement.result import Choice, Placement
from nap_compose.orchestration.plan import Change
from nap_compose.orchestration.pooling import NOTHING_STORED, Pooled, Stored
from nap_compose.orchestration.shipping import NOTHING_BESIDE, Settled
from nap_compose.orchestration.wanted import Slot, namespace_of
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Wish:
    """What a deployment is to bring about, and all that deciding and planning look at.

    `services` are in an order that has needs first; `back` says that it leads to an earlier
    revision; `hashes` give each service's configuration hash; `images` what each reference stands
    for in this cluster; `compared` what of a container that nap didn't make (by id) differs from
    what it would make, empty where nothing does. `fence` is the number under which new containers
    are made. Containers of the services in `forced` are replaced whatever they are;
    `fresh_volumes` leaves the anonymous volumes of those replaced behind. `may_lose` answers, by
    key, whether a volume whose definition changed may be made anew, its data lost. Without `wait`
    only what services need of each other is waited for. `settled` says what lies beside the file;
    `unfilled` are volumes, as `KEY@HOST`, that were left half filled.
    `pooled` are the volumes on cluster storage by key, `stored` what was seen of it.
    `lost` are replicas whose hosts are gone, and with them whatever they held.
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
    compared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    overlay: str = "bridge"
    network_host: str = ""
    forced: frozenset[str] = frozenset()
    fresh_volumes: bool = False
    may_lose: Mapping[str, bool] = field(default_factory=dict)
    no_recreate: bool = False
    no_start: bool = False
    wait: bool = True
    remove_orphans: bool = False
    back: bool = False
    grace: float | None = None
    settled: Settled = NOTHING_BESIDE
    unfilled: frozenset[str] = frozenset()
    lost: frozenset[Slot] = frozenset()
    pooled: Mapping[str, Pooled] = field(default_factory=dict)
    stored: Stored = NOTHING_STORED

    def service(self, slot: Slot) -> Service:
        """The service of a slot."""
        return self.app.services[slot.service]


@dataclass(frozen=True)
class Decision:
    """What becomes of one slot on `host`, and why.

    `container` is what is there and counts (for REPLACE and MOVE: what is replaced); `leftovers`
    are containers of the same slot that an interrupted deployment left. `at_once`: what is there
    goes before its successor is made, since it holds a volume that is made anew.
    """

    slot: Slot
    host: str
    change: Change
    reason: str
    container: ContainerView | None = None
    leftovers: tuple[ContainerView, ...] = ()
    at_once: bool = False

    @property
    def makes(self) -> bool:
        """Whether a container is made."""
        return self.change in (Change.CREATE, Change.REPLACE, Change.MOVE)


@dataclass(frozen=True)
class Changed:
    """Networks and volumes that are made anew, by key: what is there of them."""

    networks: Mapping[str, NetworkView] = field(default_factory=dict)
    volumes: Mapping[str, tuple[VolumeView, ...]] = field(default_factory=dict)

    def network_of(self, container: ContainerView) -> str:
        """The key of such a network that the container is on; empty where there is none."""
        for key, network in self.networks.items():
            near = network.scope != "local" or network.host == container.host
            if near and network.name in container.networks:
                return key
        return ""

    def volume_of(self, container: ContainerView) -> str:
        """The key of such a volume that the container uses; empty where there is none."""
        for key, volumes in self.volumes.items():
            for volume in volumes:
                if volume.host == container.host and volume.name in container.volumes:
                    return key
        return ""


NOTHING_CHANGED = Changed()


def decide(wish: Wish, changed: Changed = NOTHING_CHANGED) -> list[Decision]:
    """One decision for each slot of the chosen services, needs first."""
    decisions: list[Decision] = []
    renewed: set[str] = set()
    there = _by_slot(wish)
    for name in wish.services:
        for slot, choice in wish.placement.choices.items():
            if slot.service == name:
                mine = there.get((slot.service, slot.number), [])
                decision = _decide(wish, slot, choice, mine, renewed, changed)
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


def failed_before(wish: Wish) -> list[ContainerView]:
    """Containers of chosen services, or of none that the file has, that failed and were kept."""
    return [
        container
        for container in wish.view.kept_of(wish.owner, wish.app.name)
        if container.kept is not None
        and (
            container.kept.service in wish.services
            or container.kept.service not in wish.app.services
        )
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


def _decide(
    wish: Wish,
    slot: Slot,
    choice: Choice,
    there: Sequence[ContainerView],
    renewed: set[str],
    changed: Changed,
) -> Decision:
    host = choice.host
    if not there:
        return Decision(slot, host, Change.CREATE, choice.reason)
    right, leftovers = there[-1], tuple(there[:-1])
    reason = _reason_to_renew(wish, slot, right, renewed)
    if right.host != host:
        serving = _serving(there)
        return Decision(slot, host, Change.MOVE, choice.reason, serving, _without(there, serving))
    if key := changed.volume_of(right):
        reason = f"its volume {key} is made anew"
        return Decision(slot, host, Change.REPLACE, reason, right, leftovers, at_once=True)
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
        if key := changed.network_of(right):
            reason = f"its network {key} is made anew"
            return Decision(slot, host, Change.START, reason, right, leftovers)
        return Decision(slot, host, Change.KEEP, "", right, leftovers)
    if wish.service(slot).job and right.state == "exited" and right.exit_code == 0:
        return Decision(slot, host, Change.KEEP, "", right, leftovers)
    if wish.no_start:
        return Decision(slot, host, Change.KEEP, f"is {right.state}", right, leftovers)
    return Decision(slot, host, Change.START, f"is {right.state}", right, leftovers)


def _by_slot(wish: Wish) -> Mapping[tuple[str, int], Sequence[ContainerView]]:
    """Each slot's containers, the one with the highest fence (the right one) last."""
    found: defaultdict[tuple[str, int], list[ContainerView]] = defaultdict(list)
    for container in wish.view.of_app(wish.owner, wish.app.name):
        identity = container.identity
        if identity is not None and not identity.oneoff:
            found[identity.service, identity.replica].append(container)
    return found


def _serving(containers: Sequence[ContainerView]) -> ContainerView:
    """The one to go back to if the new one fails: the newest that runs, else the newest."""
    running = [container for container in containers if container.state == "running"]
    return (running or containers)[-1]


def _without(containers: Sequence[ContainerView], one: ContainerView) -> tuple[ContainerView, ...]:
    return tuple(container for container in containers if container.id != one.id)


def _reason_to_renew(wish: Wish, slot: Slot, container: ContainerView, renewed: set[str]) -> str:
    """Why the container can't stay as it is; empty where it can."""
    service = wish.service(slot)
    identity = container.identity
    parents = [name for name in namespace_of(service) if name in renewed]
    if slot.service in wish.forced:
        return "forced"
    if container.id in wish.compared:
        if other := wish.compared[container.id]:
            return f"it is to be made with another {other[0]}"
    elif identity is None or identity.config_hash != wish.hashes[slot.service]:
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
    if missing:
        return f"it isn't on network {missing[0]}"
    unmounted = [
        mount.source
        for mount in service.mounts
        if mount.type == "volume"
        and mount.source
        and volume_name(wish.app, wish.project, mount.source) not in container.volumes
    ]
    return f"it doesn't have volume {unmounted[0]}" if unmounted else ""


def _other_image(wish: Wish, service: Service, container: ContainerView) -> bool:
    found = wish.images.get(image_reference(service, wish.project))
    made_from = container.labels.get(labels.IMAGE) or container.image_id
    return bool(found and made_from and found.id != made_from)
