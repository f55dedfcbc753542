"""How a container is attached to its app's networks."""

from __future__ import annotations

from typing import Any

from nap_compose.compose.model import Service
from nap_compose.orchestration.bodies.making import Making
from nap_compose.orchestration.bodies.values import tidy


def network_keys(service: Service) -> tuple[str, ...]:
    """The service's networks, the most important first (`priority`, then the file's order)."""
    keys = list(service.networks)
    return tuple(sorted(keys, key=lambda key: -int(service.networks[key].get("priority") or 0)))


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


def endpoint(making: Making, key: str) -> dict[str, Any]:
    """The endpoint's settings: it resolves by container name, service and declared aliases.

    On a cluster the file's `container_name` isn't what the engine calls it, but it resolves too.
    """
    spec = making.service.networks[key]
    given = making.spec.get("container_name") or making.name
    aliases = [making.name, given, making.service.name, *(spec.get("aliases") or ())]
    addresses = tidy(
        {
            "IPv4Address": spec.get("ipv4_address"),
            "IPv6Address": spec.get("ipv6_address"),
            "LinkLocalIPs": spec.get("link_local_ips"),
        }
    )
    return tidy(
        {
            "Aliases": list(dict.fromkeys(aliases)),
            "Links": links(making),
            "IPAMConfig": addresses,
            "MacAddress": spec.get("mac_address"),
            "DriverOpts": _driver_options(spec),
            "GwPriority": spec.get("gw_priority"),
        }
    )


def links(making: Making) -> list[str]:
    """`external_links`, as the engine takes them; links within the app are plain names."""
    return [str(link) for link in making.spec.get("external_links") or ()]


def _driver_options(spec: Any) -> dict[str, str]:
    options = {key: str(value) for key, value in (spec.get("driver_opts") or {}).items()}
    if spec.get("interface_name"):
        options["com.docker.network.endpoint.ifname"] = spec["interface_name"]
    return options
