"""What apps use of their owner's quota: by their model, and by what is there of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from nap_compose.cluster.use import Use, together
from nap_compose.cluster.view import ContainerView, View
from nap_compose.compose.model import App, Service
from nap_compose.errors import BadFile
from nap_compose.orchestration.bodies.making import volume_name
from nap_compose.orchestration.decide import Wish
from nap_compose.orchestration.placement.asks import most_of
from nap_compose.units import parse_size

POOL = "moosefs"
"""The driver of volumes in the cluster's own storage."""


def use_of(service: Service) -> Use:
    """What one replica of it uses."""
    most = most_of(service)
    return Use(containers=1, cpus=most.cpus, memory=most.memory, ports=most.ports)


def when_done(wish: Wish, making_way: frozenset[str]) -> Use:
    """What the whole app will use when its deployment is done: also what of it stays as it is, and
    replicas on hosts that aren't seen."""
    app = wish.app
    placed = [slot.service for slot in (*wish.placement.choices, *wish.placement.unseen)]
    mine = wish.view.of_app(wish.owner, app.name)
    containers = together(
        [
            *(use_of(app.services[name]) for name in placed if name in app.services),
            *(use_there(each) for each in mine if each.id not in making_way),
        ]
    )
    names = {
        volume_name(app, wish.project, key)
        for key, spec in app.volumes.items()
        if not spec.get("external") and _is_used(app, key)
    }
    there = volumes_there(wish.view).get((wish.owner, app.name), frozenset())
    storage = sum(most or 0 for most in _most_in_pool(wish).values())
    return together([containers, Use(volumes=len(names | there), storage=storage)])


def use_there(container: ContainerView) -> Use:
    """What a container uses that is there, whatever its state: it can be started any time."""
    most = container.most
    return Use(containers=1, cpus=most.cpus, memory=most.memory, ports=most.ports)


def there_now(view: View) -> dict[tuple[str, str], Use]:
    """(owner, app) → what its containers and volumes use, as far as hosts are seen."""
    found: dict[tuple[str, str], list[Use]] = {}
    for container in view.containers():
        if container.identity is not None:
            key = (container.identity.owner, container.identity.app)
            found.setdefault(key, []).append(use_there(container))
    for key, names in volumes_there(view).items():
        found.setdefault(key, []).append(Use(volumes=len(names)))
    return {key: together(uses) for key, uses in found.items()}


def volumes_there(view: View) -> dict[tuple[str, str], frozenset[str]]:
    """(owner, app) → the names of its volumes; one that several hosts have counts once."""
    found: dict[tuple[str, str], set[str]] = {}
    for host in view.hosts.values():
        for volume in host.volumes:
            if volume.identity is not None:
                key = (volume.identity.owner, volume.identity.app)
                found.setdefault(key, set()).add(volume.name)
    return {key: frozenset(names) for key, names in found.items()}


def storage_of(app: App, default_driver: str) -> int:
    """Bytes that the app's volumes in the pool may hold: their own quotas."""
    return sum(_quota(spec) or 0 for _, spec in _pooled(app, default_driver))


def refuse_unlimited(wish: Wish, resources: Iterable[str]) -> None:
    """Raise BadFile for what of the app has no limit of a resource that its owner's quota limits:
    it could use any amount."""
    wanted = set(resources)
    for service, resource, key in unlimited(wish.app, wanted):
        raise BadFile(
            f"the service {service} has no limit of {resource}, and your quota has",
            hint=f"say how much it may use: {key}, or deploy.resources.limits.{resource}",
            path=("services", service),
        )
    for key, quota in _most_in_pool(wish).items():
        if "storage" in wanted and quota is None:
            raise BadFile(
                f"the volume {key} may hold any amount, and your quota limits storage",
                hint="say how much it may hold: driver_opts: {quota: 10g}",
                path=("volumes", key),
            )


def unlimited(app: App, resources: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Services that may use any amount of one of these resources: name, resource, and the key that
    would limit it."""
    for service in app.services.values():
        most = most_of(service)
        for resource, key, has in (
            ("cpus", "cpus", most.limits_cpus),
            ("memory", "mem_limit", most.limits_memory),
        ):
            if resource in resources and not has and service.replicas:
                yield service.name, resource, key


def _most_in_pool(wish: Wish) -> dict[str, int | None]:
    """What each of the app's own volumes in the pool may hold: as its file says, else as was set by
    command; None where it may hold any amount."""
    found: dict[str, int | None] = {}
    for key, volume in wish.pooled.items():
        if not wish.app.volumes[key].get("external"):
            there = wish.stored.there.get(key)
            found[key] = volume.quota or (there.quota if there else None) or None
    return found


def _pooled(app: App, default_driver: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, spec in app.volumes.items():
        if not spec.get("external") and (spec.get("driver") or default_driver) == POOL:
            yield key, spec


def _quota(spec: Mapping[str, Any]) -> int | None:
    said = (spec.get("driver_opts") or {}).get("quota")
    try:
        return None if said is None else parse_size(str(said))
    except ValueError:
        return None


def _is_used(app: App, key: str) -> bool:
    return any(
        mount.type == "volume" and mount.source == key
        for service in app.services.values()
        for mount in service.mounts
    )
