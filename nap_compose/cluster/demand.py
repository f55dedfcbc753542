"""What an app demands of a host, and a claim of it by a deployment. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from nap_compose.cluster import state_keys
from nap_compose.cluster.use import NO_USE, Use
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class PortClaim:
    """A port of a host; `ip` is empty for every address."""

    protocol: str
    ip: str
    port: int


@dataclass(frozen=True)
class Demand:
    """All that an app will hold of one host when its deployment is done, what it holds already
    included: fixed ports, CPUs, memory in bytes, and devices by kind (`holding.ALL`: every one).
    """

    ports: tuple[PortClaim, ...] = ()
    cpus: float = 0.0
    memory: int = 0
    devices: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """What was granted to a deployment at `since` (UTC), of a host (`demand`) or of a quota
    (`use`); `app` is the app's path, `to` the owner whose it is about to be."""

    deployment: str
    app: str
    demand: Demand
    since: str
    use: Use = NO_USE
    to: str = ""

    @property
    def name(self) -> str:
        """The app as people write it: `ada/shop`, or `shop` where there are no users."""
        return self.app.removeprefix(f"{state_keys.NO_OWNER}/")
