"""Whether the engines of a Consul-backed overlay really reach each other.

An engine that missed the others' gossip at its start looks healthy, and containers on it are not
reachable from the rest. Only traffic shows it: so it is tried with a ping between containers, and
an engine that fails is started again.

These engines also leave a thread behind in the namespace of each overlay network that they let
go. What such a thread asks of Consul fails, and then names don't resolve, or a network counts
endpoints that it hasn't. Nothing but a new start mends that.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from secrets import token_hex

from bed import containers, docker_api, engines, net, proc
from bed.errors import BedError
from bed.layout import Bed, Host

_ATTEMPTS = 3
_IMAGE = "nap-bed-check:busybox"

_JOINED = re.compile(r"serf: EventMemberJoin: (\S+) ")
"""What an engine logs of each other one that it hears of."""


def ensure_once(bed: Bed) -> None:
    """Check all hosts when the bed is new."""
    marker = bed.directory / "gossip-checked"
    if not marker.exists():
        first, *others = bed.hosts
        ensure(bed, first, others)
        freshen(bed)
        marker.touch()


def ensure_joined(bed: Bed, host: Host) -> None:
    """Check one host that came back, against any other that is up."""
    connected = net.ports(bed)
    for other in bed.hosts:
        if other != host and connected.get(other.name) and engines.is_running(bed, other):
            ensure(bed, other, [host])
            return


def ensure(bed: Bed, reference: Host, suspects: Sequence[Host]) -> None:
    """Start the suspects' engines again until containers there and on the reference meet."""
    for _ in range(_ATTEMPTS):
        suspects = _lonely(bed, reference, suspects)
        if not suspects:
            return
        for host in suspects:
            engines.stop(bed, host)
            engines.start(bed, host)
    names = ", ".join(host.name for host in suspects)
    raise BedError(
        f"containers on {names} and on {reference.name} don't reach each other;"
        f" see the engines' logs in {bed.logs}"
    )


def freshen(bed: Bed) -> None:
    """Start the engines anew that left threads behind, one after another, and those that have
    ended. Call it while no container is on an overlay network: a thread that serves one is where
    it should be."""
    for host in bed.hosts:
        engines.start(bed, host)
    for host in bed.hosts:
        if engines.strays(bed, host):
            _start_again(bed, host)


def _start_again(bed: Bed, host: Host) -> None:
    """Stop and start an engine, again if it isn't among the others soon after."""
    log = proc.log_of(bed, engines.name_of(host))
    others = {other.name for other in bed.hosts if other != host}

    def met() -> bool:
        return others <= set(_JOINED.findall(log.read_text(errors="replace")[before:]))

    for attempt in range(_ATTEMPTS):
        engines.stop(bed, host)
        before = len(log.read_text(errors="replace"))
        engines.start(bed, host)
        try:
            proc.wait_for(met, 10, f"{host.name} to hear of the other engines", log)
        except BedError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _lonely(bed: Bed, reference: Host, suspects: Sequence[Host]) -> list[Host]:
    if not suspects:
        return []
    with _pingers(bed, [reference, *suspects]) as name_of:
        return [
            host
            for host in suspects
            if not _reaches(host, name_of[host], name_of[reference])
            or not _reaches(reference, name_of[reference], name_of[host])
        ]


@contextmanager
def _pingers(bed: Bed, hosts: Sequence[Host]) -> Iterator[dict[Host, str]]:
    """A container on each host, all on one overlay network, and nothing of them afterwards."""
    network = f"nap-bed-check-{token_hex(3)}"
    name_of = {host: f"{network}-{host.name}" for host in hosts}
    containers.create_overlay(bed, hosts, network)
    try:
        for host, name in name_of.items():
            containers.run(host, name, network=network, image=_IMAGE)
        yield name_of
    finally:
        for host, name in name_of.items():
            with contextlib.suppress(BedError):  # it may be what failed
                containers.remove(host, name)
            with contextlib.suppress(BedError):
                docker_api.call(host, "DELETE", f"/images/{_IMAGE}")
        containers.remove_overlay(hosts[0], network)


def _reaches(host: Host, name: str, target: str) -> bool:
    try:
        return proc.wait_for(lambda: containers.pings(host, name, target), 6, f"{target} to answer")
    except BedError:
        return False
