"""Networks and volumes that are there with another definition than the file's. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nap_compose.cluster.view import ContainerView, NetworkView, VolumeView
from nap_compose.compose.hashing import is_of_this_format, resource_hash
from nap_compose.errors import Away, NapError
from nap_compose.orchestration.bodies.making import network_name, volume_name
from nap_compose.orchestration.bodies.shared import network_body, volume_body
from nap_compose.orchestration.decide import Changed, Wish
from nap_compose.orchestration.likeness.resource import same_network, same_volume


def changed(wish: Wish) -> Changed:
    """What is to be made anew: networks always, volumes unless somebody said no.

    Raises NapError where something uses one that this deployment may not stop, Away where that
    can't be seen.
    """
    if wish.no_start:  # nothing would bring back what has to stop for it
        return Changed()
    networks = dict(_changed_networks(wish))
    volumes = {key: there for key, there in _changed_volumes(wish) if wish.may_lose.get(key, True)}
    for key, there in networks.items():
        _check_users(wish, f"network {key}", there, _on_network(wish, there), every=True)
    for key, views in volumes.items():
        for view in views:
            _check_users(wish, f"volume {key}", view, _with_volume(wish, view), every=False)
    return Changed(networks, volumes)


def _changed_networks(wish: Wish) -> Iterator[tuple[str, NetworkView]]:
    overlay = wish.overlay != "bridge"
    for key in _keys(wish, "networks"):
        spec = wish.app.networks.get(key, {})
        name = network_name(wish.app, wish.project, key)
        hosts = [wish.network_host] if overlay else [*wish.view.hosts]
        for there in (n for host in hosts for n in wish.view.hosts[host].networks):
            if there.name == name and _ours(there, wish) and not spec.get("external"):
                body = network_body(name, spec, {}, overlay=overlay)
                if _differs(there, spec, same_network(body, there)):
                    yield key, there


def _changed_volumes(wish: Wish) -> Iterator[tuple[str, tuple[VolumeView, ...]]]:
    for key in _keys(wish, "volumes"):
        spec = wish.app.volumes.get(key, {})
        name = volume_name(wish.app, wish.project, key)
        body = volume_body(name, spec, {})
        found = tuple(
            there
            for host in wish.view.hosts.values()
            for there in host.volumes
            if there.name == name
            and _ours(there, wish)
            and _differs(there, spec, same_volume(body, there))
        )
        if found and not spec.get("external"):
            yield key, found


def _keys(wish: Wish, kind: str) -> list[str]:
    """The networks or volumes that the chosen services use, each once."""
    keys: list[str] = []
    for name in wish.services:
        service = wish.app.services[name]
        if kind == "networks":
            keys += () if service.spec.get("network_mode") else service.networks
        else:
            keys += [mount.source for mount in service.mounts if mount.type == "volume"]
    return [key for key in dict.fromkeys(keys) if key]


def _ours(thing: NetworkView | VolumeView, wish: Wish) -> bool:
    identity = thing.identity
    return identity is not None and (identity.owner, identity.app) == (wish.owner, wish.app.name)


def _differs(thing: NetworkView | VolumeView, spec: Mapping[str, Any], same: bool) -> bool:
    """By nap's own hash where it made it in the same way, else by what is seen of it."""
    identity = thing.identity
    hash_ = identity.config_hash if identity is not None and identity.by_nap else ""
    if hash_ and is_of_this_format(hash_):
        return hash_ != resource_hash(spec)
    return not same


def _on_network(wish: Wish, network: NetworkView) -> list[ContainerView]:
    return [
        container
        for container in wish.view.containers()
        if network.name in container.networks
        and (network.scope != "local" or container.host == network.host)
    ]


def _with_volume(wish: Wish, volume: VolumeView) -> list[ContainerView]:
    return [
        container
        for container in wish.view.containers()
        if volume.name in container.volumes and container.host == volume.host
    ]


def _check_users(
    wish: Wish,
    what: str,
    thing: NetworkView | VolumeView,
    users: list[ContainerView],
    *,
    every: bool,
) -> None:
    """All users must be the app's, and (unless `every` service's may be stopped) of the chosen
    services."""
    if isinstance(thing, NetworkView) and thing.scope != "local" and wish.view.unseen:
        away = ", ".join(host.name for host in wish.view.unseen)
        raise Away(
            f"the definition of {what} changed, and what uses it on {away} wasn't seen",
            hint="run the command again when all hosts answer: `nap host ls`",
        )
    for container in users:
        identity = container.identity
        mine = identity is not None and (identity.owner, identity.app) == (
            wish.owner,
            wish.app.name,
        )
        if not mine:
            raise NapError(
                f"the definition of {what} changed, and {container.name}, which isn't of this "
                "app, uses it",
                host=container.host,
                hint=f"take that away first, or leave {what} as it was",
            )
        if identity is not None and not every and identity.service not in wish.services:
            raise NapError(
                f"the definition of {what} changed, and {identity.service} uses it too",
                host=container.host,
                hint="bring the whole app up: nap up, without names of services",
            )
