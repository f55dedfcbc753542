"""Where a port of a replica is reached."""

from __future__ import annotations

from nap_compose.border import Target
from nap_compose.control.parts import Parts
from nap_compose.control.replicas import running_replica, subject_of
from nap_compose.errors import NapError

ANYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, nothing is bound here


def reached_at(parts: Parts, target: Target, port: int, protocol: str) -> str:
    """The address of a replica's own port; on a cluster the host's where it has no other.

    Raises NapError where the replica doesn't run or publishes no such port.
    """
    container = running_replica(parts, target)
    for found in container.ports:
        if (found.target, found.protocol) == (port, protocol):
            ip = found.host_ip
            if ip in ANYWHERE and not parts.cluster.embedded:
                ip = parts.engines.on(container.host).address
            return f"[{ip}]:{found.port}" if ":" in ip else f"{ip}:{found.port}"
    published = dict.fromkeys(f"{each.target}/{each.protocol}" for each in container.ports)
    raise NapError(
        f"{subject_of(container)} publishes no port {port}/{protocol}",
        host=None if parts.cluster.embedded else container.host,
        hint=f"it publishes {', '.join(published)}" if published else "it publishes none at all",
    )
