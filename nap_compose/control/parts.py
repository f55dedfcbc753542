"""What stands behind the border: engines, state, records, key. Each opened when first needed.

`ps` asks the engines alone, so it must not wait for Consul or MySQL, nor need them at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from nap_compose.cluster import observe as looking
from nap_compose.cluster.cluster import EMBEDDED, Cluster
from nap_compose.cluster.engines import ClusterEngines, engines_of
from nap_compose.cluster.observe import ANYBODY, EVERYTHING, Part, Whose
from nap_compose.cluster.view import HostState, View
from nap_compose.errors import Away

if TYPE_CHECKING:
    from nap_compose.cluster.keyring import Keyring
    from nap_compose.cluster.seal import Seal
    from nap_compose.cluster.state import StateStore
    from nap_compose.db.records import Records


class Parts:
    """The parts of one cluster, for one process."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    @cached_property
    def engines(self) -> ClusterEngines:
        """The engines of the cluster's hosts."""
        return engines_of(self.cluster)

    @cached_property
    def store(self) -> StateStore:
        """The state store; raises StoreAway."""
        from nap_compose.cluster.stores import open_store

        return open_store(self.cluster)

    @cached_property
    def records(self) -> Records:
        """The records' database; raises RecordsAway."""
        from nap_compose.db.open import open_records

        return open_records(self.cluster)

    @cached_property
    def keyring(self) -> Keyring:
        """The cluster's key."""
        from nap_compose.cluster.keyring import open_keyring

        return open_keyring(self.cluster)

    @property
    def seal(self) -> Seal | None:
        """What tells nap's own objects from forged ones; None when embedded."""
        return None if self.cluster.embedded else self.keyring.seal

    def look(
        self,
        *,
        only: frozenset[Part] = EVERYTHING,
        whose: Whose = ANYBODY,
        states: Mapping[str, HostState] | None = None,
        labels: Mapping[str, Mapping[str, str]] | None = None,
    ) -> View:
        """What is there now; hosts that don't answer stand in the view's `unseen`.

        Embedded there is but one engine, and without it nothing to see: Away is raised.
        """
        view = looking.observe(
            self.engines,
            self.cluster,
            states=states,
            labels=labels,
            seal=self.seal,
            only=only,
            whose=whose,
        )
        return seen_at_all(view) if self.cluster.embedded else view

    def close(self) -> None:
        """Close what was opened."""
        for name in ("engines", "store", "records"):
            if name in self.__dict__:
                self.__dict__[name].close()


def seen_at_all(view: View) -> View:
    """The view; raises Away where no host answered, since nothing can be decided then."""
    if view.hosts:
        return view
    if [host.name for host in view.unseen] == [EMBEDDED]:
        raise Away(
            f"the Docker engine doesn't answer: {view.unseen[0].text}",
            hint="is it running? DOCKER_HOST names another one, a cluster file a whole cluster",
        )
    why = "; ".join(f"{host.name}: {host.text}" for host in view.unseen)
    raise Away(f"no host answers ({why})", hint="nap host ls shows each with its reason")
