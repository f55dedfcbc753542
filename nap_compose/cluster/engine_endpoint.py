"""Where an engine listens, read from the cluster file's words."""

from __future__ import annotations

from urllib.parse import urlsplit

from nap_compose.cluster.cluster import Host, Tls
from nap_compose.errors import WrongUse
from nap_compose.plaindata import dataclass

PLAIN_PORT = 2375
TLS_PORT = 2376


@dataclass(frozen=True)
class Endpoint:
    """A unix socket's `path`, or `name` and `port` of a TCP listener.

    `tls` None means plain TCP; a unix socket has none.
    """

    path: str = ""
    name: str = ""
    port: int = 0
    tls: Tls | None = None

    @property
    def unix(self) -> bool:
        """Whether it is a socket in the file system."""
        return bool(self.path)

    @property
    def plain_tcp(self) -> bool:
        """Whether whoever can reach the port owns the host."""
        return not self.path and self.tls is None

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


def endpoint_of(host: Host) -> Endpoint:
    """The endpoint of a host. Raises WrongUse where nap can't speak to such an address."""
    scheme, found, rest = host.endpoint.partition("://")
    if found and scheme == "unix" and rest:
        return Endpoint(path=rest)
    if found and scheme == "tcp":
        return _tcp(host)
    if found and scheme == "ssh":
        raise WrongUse(
            f"nap can't reach an engine over ssh yet, as '{host.endpoint}' asks",
            host=host.name,
            hint="let the engine listen on tcp://HOST:2376 with TLS, or forward its socket with "
            "`ssh -L /tmp/engine.sock:/var/run/docker.sock HOST` and use unix:///tmp/engine.sock",
        )
    raise WrongUse(
        f"the engine's address '{host.endpoint}' is of no kind that nap knows",
        host=host.name,
        hint="write it as unix:///PATH or tcp://HOST:PORT",
    )


def _tcp(host: Host) -> Endpoint:
    parts = urlsplit(host.endpoint)
    try:
        name, port = parts.hostname or "", parts.port
    except ValueError:
        name, port = "", None
    if not name or parts.path.strip("/") or parts.query or parts.username:
        raise WrongUse(
            f"the engine's address '{host.endpoint}' can't be read",
            host=host.name,
            hint="write it as tcp://HOST:PORT",
        )
    return Endpoint(name=name, port=port or (TLS_PORT if host.tls else PLAIN_PORT), tls=host.tls)
