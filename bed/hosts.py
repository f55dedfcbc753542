"""The life of a host: boot, crash, partition, and coming back."""

from __future__ import annotations

from bed import engines, gossip, namespaces, net, proc, services
from bed.errors import BedError
from bed.layout import Bed, Host
from bed.namespaces import run_in, start_in

__all__ = ["boot", "heal", "kill", "partition", "restart", "run_in", "start_in", "state"]


def boot(bed: Bed, host: Host) -> None:
    """Namespaces and cable, without the engine."""
    net.plug(bed, host)


def kill(bed: Bed, host: Host) -> None:
    """A crash: the cable first, so that no last word gets out, then every process at once."""
    net.cut(bed, host)
    namespaces.stop(bed, namespaces.holder(host))
    for name in proc.names(bed):
        if name.startswith(f"{host.name}."):
            proc.stop(bed, name)


def partition(bed: Bed, host: Host) -> None:
    """The host lives on, and nobody reaches it."""
    _must_be_up(bed, host)
    net.cut(bed, host)


def heal(bed: Bed, host: Host) -> None:
    _must_be_up(bed, host)
    net.mend(bed, host)


def restart(bed: Bed, host: Host) -> None:
    """Boot again, also after a crash, with the same data."""
    kill(bed, host)
    boot(bed, host)
    for name in services.of(bed, services.HOSTED):
        services.hosted(name).start_on(bed, host)
    engines.start(bed, host)
    if bed.network == "consul":
        # After a crash this engine tries to restore overlay endpoints whose namespaces are gone,
        # fails, and can't use those networks until its next start.
        engines.stop(bed, host)
        engines.start(bed, host)
        gossip.ensure_joined(bed, host)


def state(bed: Bed, host: Host) -> str:
    """One of: up, partitioned, engine down, down."""
    if proc.pid_of(bed, namespaces.holder(host)) is None:
        return "down"
    if not net.ports(bed).get(host.name):
        return "partitioned"
    return "up" if engines.is_running(bed, host) else "engine down"


def _must_be_up(bed: Bed, host: Host) -> None:
    if proc.pid_of(bed, namespaces.holder(host)) is None:
        raise BedError(f"{host.name} is down; start it: python -m bed restart {host.name}")
