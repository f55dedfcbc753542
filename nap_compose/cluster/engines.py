"""The engines of a cluster: one client for each host of the cluster file."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Callable, Collection

from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.engine import Engine
from nap_compose.cluster.engine_ahead import begin_all
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.engine_pool import KEPT
from nap_compose.errors import WrongUse

FILES = 256
"""The files that nap has open besides its connections to engines, generously."""


class ClusterEngines:
    """The engines by host name, in the cluster file's order. Nothing connects until it is asked."""

    def __init__(self, cluster: Cluster) -> None:
        self.door: Callable[[Engine], Engine] | None = None
        """Where calls go through before they reach an engine, for whoever may not ask for all."""
        _allow_connections(len(cluster.hosts))
        self._engines = {
            name: DockerEngine(host, own_logins=cluster.embedded)
            for name, host in cluster.hosts.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Every host of the cluster."""
        return tuple(self._engines)

    def begin(self, hosts: Collection[str]) -> None:
        """Begin to connect to hosts that are about to be asked, and wait for none of them: those
        that are dead are then found to be so while the others answer."""
        begin_all(self._engines[host] for host in hosts)

    def on(self, host: str) -> Engine:
        """The engine of `host`. Raises WrongUse where the cluster has no such host."""
        try:
            engine = self._engines[host]
        except KeyError:
            raise WrongUse(
                f"the cluster has no host '{host}'",
                hint=f"it has {', '.join(self._engines)}",
            ) from None
        return self.door(engine) if self.door else engine

    def notices(self) -> tuple[str, ...]:
        """What the person should know at every call: engines that anybody may command."""
        plain = [name for name, engine in self._engines.items() if engine.endpoint.plain_tcp]
        if not plain:
            return ()
        hosts = f"host {plain[0]} is" if len(plain) == 1 else f"hosts {', '.join(plain)} are"
        return (
            f"{hosts} reached over plain TCP: whoever reaches that port is root there "
            "(use TLS with client certificates)",
        )

    def close(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            engine.close()


def _allow_connections(hosts: int) -> None:
    """Let this process have as many files open as it may: shells often begin with 1,024, and a
    large cluster takes a connection for each host and some for each that is busy."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES + hosts * KEPT
    if resource.RLIM_INFINITY != soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):  # where it is less, it is less
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, soft), hard))


def engines_of(cluster: Cluster) -> ClusterEngines:
    """The engines of a cluster. Raises WrongUse where an endpoint can't be used."""
    return ClusterEngines(cluster)
