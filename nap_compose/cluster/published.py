"""The ports that a container publishes, as its label `io.nap.holds` tells them.

An engine's list names them while it runs. They are its app's all the same while it is stopped, so
that it can start again: another app doesn't get them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from nap_compose.cluster.demand import PortClaim


def told(ports: Iterable[PortClaim]) -> list[list[str | int]]:
    """As they stand in the label."""
    return [[port.protocol, port.ip, port.port] for port in ports]


def read(label: str) -> tuple[PortClaim, ...]:
    """What a label says; nothing where it can't be read."""
    try:
        found = json.loads(label).get("publishes") if label else None
        return tuple(PortClaim(str(kind), str(ip), int(port)) for kind, ip, port in found or ())
    except (ValueError, TypeError, AttributeError):
        return ()
