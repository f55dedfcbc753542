"""Which state store a cluster has."""

from __future__ import annotations

from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.state import StateStore
from nap_compose.cluster.state_format import FormatStore

FILE_NAME = "state.sqlite"


def open_store(cluster: Cluster) -> StateStore:
    """The cluster's Consul, or where it names none a SQLite file in the state directory.

    What a newer nap has written to is only read. Raises StoreAway, and BadFile for a token file
    that can't be used.
    """
    if cluster.consul is not None:
        from nap_compose.cluster.state_consul import ConsulStore

        return FormatStore(ConsulStore.of(cluster, cluster.consul))
    from nap_compose.cluster.state_sqlite import SqliteStore

    return FormatStore(SqliteStore(cluster.state_dir / FILE_NAME))
