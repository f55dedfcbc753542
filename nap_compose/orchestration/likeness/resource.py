"""Networks and volumes that are there beside those that the file defines. Pure."""

from __future__ import annotations

from nap_compose.cluster.labels import RESERVED
from nap_compose.cluster.view import NetworkView, VolumeView
from nap_compose.orchestration.likeness.values import Json, of_users, same

_ENGINES_OWN = ("com.docker.network.enable_ip", "com.docker.network.driver.overlay.vxlanid")
"""Options that an engine adds by itself."""


def same_network(body: Json, there: NetworkView) -> bool:
    """Whether the network is as `body` would create it; what the body leaves to the engine, such
    as its addresses, may be anything."""
    options = {
        key: value for key, value in there.options.items() if not key.startswith(_ENGINES_OWN)
    }
    return (
        (body.get("Driver") or "bridge") == there.driver
        and bool(body.get("Internal")) == there.internal
        and bool(body.get("Attachable")) == there.attachable
        and bool(body.get("EnableIPv6")) == there.ipv6
        and same(body.get("Options"), options)
        and _same_addresses(body.get("IPAM") or {}, there.ipam)
        and of_users(body.get("Labels"), RESERVED) == of_users(there.labels, RESERVED)
    )


def same_volume(body: Json, there: VolumeView) -> bool:
    """Whether the volume is as `body` would create it."""
    return (
        (body.get("Driver") or "local") == there.driver
        and same(body.get("DriverOpts"), there.options)
        and of_users(body.get("Labels"), RESERVED) == of_users(there.labels, RESERVED)
    )


def _same_addresses(wanted: Json, there: Json) -> bool:
    pools = wanted.get("Config") or ()
    given = there.get("Config") or ()
    if wanted.get("Driver") and wanted["Driver"] != (there.get("Driver") or "default"):
        return False
    return all(any(_covers(pool, each) for each in given) for pool in pools)


def _covers(pool: Json, given: Json) -> bool:
    return all(same(value, given.get(key)) for key, value in pool.items())
