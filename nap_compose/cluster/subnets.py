"""Subnets for apps' networks, out of the cluster's pool: as large as the app needs, and none twice.

Engines left alone give every network the same few hundred addresses out of ranges of their own,
of which there are few, and which may be those of a site's own machines.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.cluster import state_keys
from nap_compose.cluster.state import Lost, StateStore
from nap_compose.cluster.view import NetworkView
from nap_compose.errors import NapError
from nap_compose.exits import Exit

SMALLEST = 26
"""No network has fewer addresses than this length of a prefix leaves: replicas come to more."""
HELD = 600.0
"""Seconds that a subnet is held for a network which no engine lists yet."""
_ENDS = 3
"""Addresses of a network that no container gets: the first, the last and the gateway's."""
_TRIES = 20


def addresses_needed(replicas: int, hosts: int) -> int:
    """How many a network must have: each replica needs one, its successor another while both are
    there, and each host one for itself."""
    return 2 * replicas + hosts + _ENDS


def prefix_for(replicas: int, hosts: int) -> int:
    """The length of the prefix that leaves so many, with as much again to grow."""
    wanted = 2 * addresses_needed(replicas, hosts)
    return min(SMALLEST, 32 - (wanted - 1).bit_length())


def room_in(network: NetworkView, hosts: int) -> int | None:
    """How many replicas the network has addresses for; None where that isn't known."""
    sizes = [subnet.num_addresses for subnet in subnets_of(network.ipam)]
    return max(0, max(sizes) - hosts - _ENDS) if sizes else None


def subnets_of(ipam: Any) -> list[ipaddress.IPv4Network]:
    """The IPv4 subnets in an engine's words on a network's addresses."""
    found = []
    for entry in (ipam or {}).get("Config") or ():
        with contextlib.suppress(ValueError):
            subnet = ipaddress.ip_network(str(entry.get("Subnet") or ""), strict=False)
            if isinstance(subnet, ipaddress.IPv4Network):
                found.append(subnet)
    return found


def first_free(
    pool: str, prefix: int, taken: Iterable[ipaddress.IPv4Network]
) -> ipaddress.IPv4Network:
    """The first subnet of that size in the pool which meets none that is taken. Pure.

    Raises NapError where there is none.
    """
    whole = ipaddress.IPv4Network(pool)
    if prefix >= whole.prefixlen:
        size = 1 << (32 - prefix)
        start = int(whole.network_address)
        for other in sorted(taken, key=lambda each: (each.network_address, each.prefixlen)):
            if not other.overlaps(whole):
                continue
            if int(other.network_address) >= start + size:
                break
            start = max(start, -(-(int(other.broadcast_address) + 1) // size) * size)
        if start + size - 1 <= int(whole.broadcast_address):
            return ipaddress.IPv4Network((ipaddress.IPv4Address(start), prefix))
    raise NapError(
        f"the cluster's pool of addresses, {pool}, has no room for a network of a /{prefix}",
        hint="take apps down that nobody needs, or give `network.pool` in the cluster file a "
        "larger range",
        exit_code=Exit.NO_ROOM,
    )


def reserve(
    store: StateStore, pool: str, prefix: int, taken: Iterable[ipaddress.IPv4Network]
) -> str:
    """A subnet that is nobody's, also not that of another deployment which is about to make its
    network. `taken` are those that engines know. Raises StoreAway, NapError."""
    known = list(taken)
    for _ in range(_TRIES):
        entry = store.get(state_keys.SUBNETS)
        now = utc_now()
        held = dict(_held(entry.value if entry else {}, now))
        chosen = first_free(pool, prefix, [*known, *map(ipaddress.IPv4Network, held)])
        try:
            value = {**held, str(chosen): now}
            store.put(state_keys.SUBNETS, value, if_version=entry.version if entry else 0)
        except Lost:
            continue
        return str(chosen)
    raise NapError("the subnets that are held kept changing while nap chose one")


def _held(value: Any, now: str) -> Iterator[tuple[str, str]]:
    for cidr, at in dict(value).items():
        if _time(now) - _time(at) <= timedelta(seconds=HELD):
            yield str(cidr), str(at)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
