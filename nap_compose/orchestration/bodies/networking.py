"""How a container is attached to its app's networks."""

from __future__ import annotations

from typing import Any

from nap_compose.compose.model import Service
from nap_compose.orchestration.bodies.making import Making
from nap_compose.orchestration.bodies.values import tidy
from nap_compose.orchestration.naming import slot_name
from nap_compose.orchestration.wanted import slots_of


def network_keys(service: Service) -> tuple[str, ...]:
    """The service's networks, the most important first: by `priority`, then by name."""

    def rank(key: str) -> tuple[int, str]:
        return -int(service.networks[key].get("priority") or 0), key

    return tuple(sorted(service.networks, key=rank))


def first_network(service: Service) -> str | None:
    """The network that the container is created on; None where a `network_mode` says it all."""
    if service.spec.get("network_mode"):
        return None
    return next(iter(network_keys(service)), None)


def other_networks(service: Service) -> tuple[str, ...]:
    """The networks that are connected once the container is there."""
    return () if service.spec.get("network_mode") else network_keys(service)[1:]


def network_mode(making: Making) -> str:
    """HostConfig.NetworkMode: the file's, with services as their containers, or the network."""
    mode = str(making.spec.get("network_mode") or "")
    if mode.startswith("service:"):
        return f"container:{making.containers[mode.split(':', 1)[1]]}"
    if mode:
        return mode
    key = first_network(making.service)
    return making.network(key) if key else "none"


def endpoints(making: Making) -> dict[str, dict[str, Any]]:
    """The settings of every endpoint, by the network's name on the engines."""
    if making.spec.get("network_mode"):
        return {}
    return {making.network(key): endpoint(making, key) for key in network_keys(making.service)}


def endpoint(making: Making, key: str, *, quiet: bool = False) -> dict[str, Any]:
    """The endpoint's settings: it resolves by container name, service and declared aliases; if
    `quiet`, by the name that the container was made under alone.

    The file's `container_name` is an alias too: on a cluster the container isn't called so.
    """
    spec = making.service.networks[key]
    given = making.spec.get("container_name") or making.name
    aliases = [making.name, given, making.service.name, *(spec.get("aliases") or ())]
    if making.oneoff is not None and not making.oneoff.use_aliases:
        aliases = [making.name]  # nobody who means the service is to reach this one
    addresses = tidy(
        {
            "IPv4Address": spec.get("ipv4_address"),
            "IPv6Address": spec.get("ipv6_address"),
            "LinkLocalIPs": spec.get("link_local_ips"),
        }
    )
    return tidy(
        {
            "Aliases": [] if quiet else list(dict.fromkeys(aliases)),
            "Links": links(making),
            "IPAMConfig": addresses,
            "MacAddress": spec.get("mac_address") or _own_address(making, key),
            "DriverOpts": _driver_options(spec),
            "GwPriority": spec.get("gw_priority"),
        }
    )


def links(making: Making) -> list[str]:
    """`CONTAINER:ALIAS` for `links` and `external_links`, with the names that Compose gives.

    An engine looks the container up when the alias is asked for, in the network that both are on,
    so it may be on any host. On a cluster the container of another app is one of the owner's.
    """
    found: list[str] = []
    for link in making.spec.get("links") or ():
        name, _, alias = str(link).partition(":")
        service = making.app.services[name]
        for slot in slots_of(service):
            container = slot_name(service, making.owner, making.project, slot)
            names = (alias or name, f"{name}-{slot.number}", container)
            found += [f"{container}:{each}" for each in names]
    for link in making.spec.get("external_links") or ():
        name, _, alias = str(link).partition(":")
        owners = f"{making.owner}_" if making.owner else ""
        found.append(f"{owners}{name}:{alias or name}")
    return list(dict.fromkeys(found))


def _own_address(making: Making, key: str) -> str:
    """The service's own `mac_address`, which is that of its first network."""
    return str(making.spec.get("mac_address") or "") if key == first_network(making.service) else ""


def _driver_options(spec: Any) -> dict[str, str]:
    options = {key: str(value) for key, value in (spec.get("driver_opts") or {}).items()}
    if spec.get("interface_name"):
        options["com.docker.network.endpoint.ifname"] = spec["interface_name"]
    return options
