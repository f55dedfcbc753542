"""The engines of a cluster: one client for each host of the cluster file."""

from __future__ import annotations

from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.errors import WrongUse


class ClusterEngines:
    """The engines by host name, in the cluster file's order. Nothing connects until it is asked."""

    def __init__(self, cluster: Cluster) -> None:
        self._engines = {
            name: DockerEngine(host, own_logins=cluster.embedded)
            for name, host in cluster.hosts.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Every host of the cluster."""
        return tuple(self._engines)

    def on(self, host: str) -> DockerEngine:
        """The engine of `host`. Raises WrongUse where the cluster has no such host."""
        try:
            return self._engines[host]
        except KeyError:
            raise WrongUse(
                f"the cluster has no host '{host}'",
                hint=f"it has {', '.join(self._engines)}",
            ) from None

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


def engines_of(cluster: Cluster) -> ClusterEngines:
    """The engines of a cluster. Raises WrongUse where an endpoint can't be used."""
    return ClusterEngines(cluster)
