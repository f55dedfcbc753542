"""What stands behind the border: engines, state, records, key. Each opened when first needed.

`ps` asks the engines alone, so it must not wait for Consul or MySQL, nor need them at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from nap_compose.cluster import observe as looking
from nap_compose.cluster.cluster import EMBEDDED, Cluster
from nap_compose.cluster.engines import ClusterEngines, engines_of
from nap_compose.cluster.observe import ANYBODY, EVERYTHING, Part, Whose
from nap_compose.cluster.view import Absence, HostState, View
from nap_compose.errors import Away

if TYPE_CHECKING:
    from nap_compose.cluster.catalog import Catalog
    from nap_compose.cluster.keyring import Keyring
    from nap_compose.cluster.seal import Seal
    from nap_compose.cluster.state import StateStore
    from nap_compose.compose.rows import Site
    from nap_compose.control.given import GivenApps
    from nap_compose.control.late import LateRecords
    from nap_compose.control.trail import Trail
    from nap_compose.db.keeper import Keeper
    from nap_compose.db.records import Records
    from nap_compose.storage.pool import Pool


class Parts:
    """The parts of one cluster, for one process."""

    def __init__(
        self, cluster: Cluster, *, records_may_wait: bool = False, origin: str = ""
    ) -> None:
        """With `records_may_wait` a deployment goes on while the database is away, and is entered
        when it is back: for who keeps watch, never for a person's changes. `origin` says from
        where the caller comes; empty: they are this process's own user."""
        self.cluster = cluster
        self.serves_others = False
        """Whether the caller is somebody else than this process: no path of theirs is read."""
        self.records_may_wait = records_may_wait
        self._origin = origin

    @property
    def origin(self) -> str:
        """From where the caller comes, for people: `ada@desk pid 123`."""
        from nap_compose.cluster.app_lock import origin

        return self._origin or origin()

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
    def catalog(self) -> Catalog:
        """Consul's catalog of services, for who can't wait for it."""
        from nap_compose.cluster.catalog import catalog_of

        return catalog_of(self.cluster, haste=True)

    @cached_property
    def records(self) -> Records:
        """The records' database; raises RecordsAway."""
        from nap_compose.db.open import open_records

        return open_records(self.cluster)

    def given(self, *, now: bool) -> GivenApps:
        """Apps that aren't their maker's: as the records have it `now`, which raises RecordsAway,
        or as it was lately. On the local engine there are none."""
        from nap_compose.control import given
        from nap_compose.db.open import is_new

        if self.cluster.embedded or (not now and is_new(self.cluster)):
            return given.GivenApps()
        told = given.now if now else given.lately
        return told(lambda: self.records, self.cluster.state_dir)

    @cached_property
    def trail(self) -> Trail:
        """Where it is entered who did what."""
        from nap_compose.control.trail import Trail

        return Trail(self)

    @cached_property
    def keeper(self) -> Keeper:
        """The records' database as a whole, whatever its version."""
        from nap_compose.db.keeper import Keeper
        from nap_compose.db.open import database_of

        return Keeper(database_of(self.cluster))

    @cached_property
    def late_records(self) -> LateRecords:
        """What waits for the database."""
        from nap_compose.control.late import FOLDER, LateRecords

        return LateRecords(self.cluster.state_dir / FOLDER)

    def hand_in(self) -> None:
        """Enter what waited for the database; raises RecordsAway."""
        self.late_records.hand_in(self.records, self.mark)

    def mark(self, text: str) -> str:
        """What nobody can make of `text` without the cluster's key."""
        return self.keyring.cipher.mark(text)

    @cached_property
    def pool(self) -> Pool | None:
        """The cluster storage; None where the cluster has none."""
        from nap_compose.storage.pool import Pool

        moosefs = self.cluster.storage.moosefs
        return Pool(moosefs) if moosefs else None

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
        hosts: Collection[str] | None = None,
        deadline: float = looking.DEADLINE,
    ) -> View:
        """What is there now, on all hosts or on some; those that don't answer within `deadline`
        seconds stand in the view's `unseen`.

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
            hosts=hosts,
            deadline=deadline,
        )
        if self.cluster.embedded:
            return seen_at_all(view)
        return self._with_what_stayed_in_place(view) if Part.VOLUMES in only else view

    def _with_what_stayed_in_place(self, view: View) -> View:
        """The view with the volumes of apps that came from a host's own Compose told as theirs;
        without the state store these look foreign, and nobody acts on them."""
        from nap_compose.cluster import adopted
        from nap_compose.cluster.state import StoreAway

        try:
            everywhere = adopted.read_all(self.store, self.seal)
        except StoreAway:
            return view
        return adopted.marked(view, self.cluster.name, everywhere)

    def close(self) -> None:
        """Close what was opened."""
        for name in ("engines", "store", "records", "keeper", "catalog"):
            if name in self.__dict__:
                self.__dict__[name].close()


def site_of(parts: Parts) -> Site:
    """Where apps run: on which cluster, with how many hosts."""
    from nap_compose.compose.rows import Site

    return Site(parts.cluster.name, len(parts.cluster.hosts))


def seen_at_all(view: View) -> View:
    """The view; raises Away where no host answered, since nothing can be decided then."""
    if view.hosts:
        return view
    if [host.name for host in view.unseen] == [EMBEDDED]:
        (engine,) = view.unseen
        others = "DOCKER_HOST names another one, a cluster file a whole cluster"
        if engine.why in (Absence.UNREACHABLE, Absence.TIMEOUT):
            others = f"is it running? {others}"
            raise Away(f"the Docker engine doesn't answer: {engine.text}", hint=others)
        raise Away(f"the Docker engine can't be used: {engine.text}", hint=others)
    why = "; ".join(f"{host.name}: {host.text}" for host in view.unseen)
    raise Away(f"no host answers ({why})", hint="nap host ls shows each with its reason")
