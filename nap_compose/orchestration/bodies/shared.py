"""The bodies that create an app's networks and volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nap_compose.cluster.cluster import Network
from nap_compose.orchestration.bodies.values import tidy


def network_body(
    name: str,
    spec: Mapping[str, Any],
    labels: Mapping[str, str],
    *,
    overlay: bool,
    subnet: str = "",
    options: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """`POST /networks/create`. An overlay is attachable: plain containers join it.

    Across hosts a file's `bridge` means "a network of the app's own", and that is an overlay.
    `subnet` and `options` are the cluster's, for what the file doesn't say.
    """
    driver = spec.get("driver") or ""
    if overlay and driver in ("", "bridge", "default"):
        driver = "overlay"
    ipam = spec.get("ipam") or {}
    addresses = [_ipam_config(entry) for entry in ipam.get("config") or ()]
    if subnet and not addresses:
        addresses = [{"Subnet": subnet}]
    given = {**(options or {}), **(spec.get("driver_opts") or {})}
    return {
        "Name": name,
        **tidy(
            {
                "Driver": driver,
                "Attachable": True if driver == "overlay" else spec.get("attachable"),
                "Internal": spec.get("internal"),
                "EnableIPv6": spec.get("enable_ipv6"),
                "EnableIPv4": spec.get("enable_ipv4"),
                "Options": {key: str(value) for key, value in given.items()},
                "IPAM": tidy(
                    {
                        "Driver": ipam.get("driver"),
                        "Config": addresses,
                        "Options": ipam.get("options"),
                    }
                ),
            }
        ),
        "Labels": {**(spec.get("labels") or {}), **labels},
    }


def network_options(settings: Network, *, overlay: bool) -> dict[str, str]:
    """How the cluster file has networks made: their MTU, and whether hosts encrypt."""
    mtu = {"com.docker.network.driver.mtu": str(settings.mtu)} if settings.mtu else {}
    return {**mtu, **({"encrypted": ""} if overlay and settings.encrypted else {})}


def volume_body(name: str, spec: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """`POST /volumes/create`. Without a driver the engine takes its own, `local`."""
    return {
        "Name": name,
        **({"Driver": spec["driver"]} if spec.get("driver") else {}),
        "DriverOpts": {key: str(value) for key, value in (spec.get("driver_opts") or {}).items()},
        "Labels": {**(spec.get("labels") or {}), **labels},
    }


def _ipam_config(entry: Mapping[str, Any]) -> dict[str, Any]:
    return tidy(
        {
            "Subnet": entry.get("subnet"),
            "IPRange": entry.get("ip_range"),
            "Gateway": entry.get("gateway"),
            "AuxiliaryAddresses": entry.get("aux_addresses"),
        }
    )
