"""The roads from host to host, and the doors that should stay shut, as probes found them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from nap_compose.border import Finding, Grade
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Road:
    """What a probe on `source` saw of the one on `target` over an overlay network: whether its
    name resolved, to whose address; whether a small packet came back, and one of `full` bytes.
    `plainly`: one came back where nothing was encrypted, tried where the network is and none did.
    """

    source: str
    target: str
    named: bool
    reached: bool
    whole: bool
    full: int
    plainly: bool = False


def of_roads(roads: Sequence[Road], *, overlay: str) -> Iterator[Finding]:
    """A finding for each road that is blocked, one for all where none is.

    The ports are those of Docker's overlay networks: 7946 TCP and UDP carries what the engines
    know of each other, 4789 UDP the packets themselves (VXLAN, RFC 7348).
    """
    blocked = [road for road in roads if not (road.named and road.reached and road.whole)]
    for road in blocked:
        text, remedy = _blocked(road, overlay)
        yield Finding(f"{road.source} → {road.target}", Grade.FAULT, text, remedy)
    if roads and not blocked:
        yield Finding(
            "roads",
            Grade.OK,
            f"{len(roads)} between hosts: names, ping, packets of {roads[0].full} bytes",
        )


def _blocked(road: Road, overlay: str) -> tuple[str, str]:
    if not road.reached and road.plainly:
        return (
            "packets come through as they are, but not encrypted (`network.encrypted`)",
            f"the kernels of {road.source} and {road.target} must know ESP (`modprobe esp4`), and "
            "firewalls let IP protocol 50 through; or leave `encrypted` out of the cluster file",
        )
    if not road.reached:
        text = "no packet comes through the overlay network"
        return (
            text if road.named else f"{text}, and names don't resolve",
            f"open UDP 4789 and TCP and UDP 7946 between {road.source} and {road.target}"
            + (
                f"; if they are open, restart the engine on {road.target}"
                if overlay == "consul"
                else ""
            ),
        )
    if not road.named:
        return (
            "names don't resolve, though packets come through",
            f"open TCP and UDP 7946 between {road.source} and {road.target}; "
            f"if they are open, restart the engine on {road.target}",
        )
    return (
        f"a full packet of {road.full} bytes doesn't come through, a small one does",
        "the network below carries smaller packets than its interfaces say (a tunnel, a VPN?): "
        "set `network: {mtu: …}` in the cluster file 50 bytes under what it carries",
    )


@dataclass(frozen=True)
class Door:
    """A port of one of the cluster's own services, and from which hosts' containers it answers."""

    service: str
    address: str
    port: int
    open_from: tuple[str, ...] = ()


def of_doors(doors: Sequence[Door]) -> Iterator[Finding]:
    """A finding for each service that answers to a container, one for all where none does."""
    answering: defaultdict[tuple[str, int], list[Door]] = defaultdict(list)
    for door in doors:
        if door.open_from:
            answering[door.service, door.port].append(door)
    for (service, port), found in answering.items():
        addresses = ", ".join(door.address for door in found)
        sources = sorted({host for door in found for host in door.open_from})
        yield Finding(
            service,
            Grade.WARNING,
            f"port {port} of {addresses} answers to containers on {', '.join(sources)}",
            f"let no container reach TCP {port}: docs/doctor.md has the firewall's rules",
        )
    if doors and not answering:
        yield Finding(
            "isolation", Grade.OK, f"none of {len(doors)} inner ports answers to a container"
        )
