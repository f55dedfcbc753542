"""What a look at the cluster says of its hosts. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from nap_compose.cluster.holding import NANO
from nap_compose.cluster.view import Absence, HostView, View
from nap_compose.health.records import HostHealth, HostRecord

HOLDS = ("created", "running", "restarting", "paused")
"""States in which a container holds what it was promised."""


def hosts_of(
    view: View, known: Mapping[str, HostRecord], storage: Mapping[str, str] | None = None
) -> dict[str, HostRecord]:
    """Every host of the view, as a record without `since`; of one that wasn't seen what was known
    of its capacity stays. `storage` is why hosts don't reach the cluster storage (None: nobody has
    asked, and what was known stays)."""
    found = {name: _seen(host, known.get(name), storage) for name, host in view.hosts.items()}
    for unseen in view.unseen:
        before = known.get(unseen.name) or HostRecord(unseen.name)
        refused = unseen.why is Absence.REFUSED
        found[unseen.name] = HostRecord(
            **{
                **vars(before),
                "state": HostHealth.REFUSED if refused else HostHealth.SILENT,
                "why": unseen.text,
            }
        )
    return found


def _seen(
    host: HostView, before: HostRecord | None, storage: Mapping[str, str] | None
) -> HostRecord:
    mine = [each for each in host.containers if each.identity is not None]
    kept = before.storage if before else ""
    holding = [each.holding for each in mine if each.state in HOLDS]
    return HostRecord(
        name=host.name,
        state=HostHealth.UP,
        why=host.swarm.error,
        engine=host.engine,
        cpus=host.cpus,
        memory=host.memory,
        reserved_cpus=sum(each.cpus for each in holding) / NANO,
        reserved_memory=sum(each.memory for each in holding),
        containers=sum(each.state == "running" for each in mine),
        disk=before.disk if before else None,
        storage=kept if storage is None else storage.get(host.name, ""),
        full=before.full if before else None,
        server=before.server if before else False,
    )
