"""What the watcher knows of each host: how long it has been silent, and what others say of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.members import Member
from nap_compose.cluster.view import Absence, View
from nap_compose.health.failover import HostSight, Word
from nap_compose.health.proof import Proof
from nap_compose.health.records import HostHealth, HostRecord


class Silence:
    """Since when each host hasn't answered, in seconds since 1970."""

    def __init__(self, known: Mapping[str, HostRecord]) -> None:
        """What the watcher before knew counts on: its successor doesn't begin to wait anew."""
        self._since = {
            name: _seconds(record.since)
            for name, record in known.items()
            if record.state is not HostHealth.UP and record.since
        }

    def heed(self, view: View) -> None:
        """Take in a look at all hosts."""
        now = time.time()
        for name in view.hosts:
            self._since.pop(name, None)
        for unseen in view.unseen:
            self._since.setdefault(unseen.name, now)

    def of(self, host: str) -> float:
        """For how many seconds the host has been silent; 0 where it answers."""
        since = self._since.get(host)
        return 0.0 if since is None else max(0.0, time.time() - since)


def sights(
    cluster: Cluster,
    view: View,
    silence: Silence,
    members: Mapping[str, Member] | None,
    known: Mapping[str, HostRecord],
    proofs: Mapping[str, Proof],
    fenceable: Mapping[str, bool],
) -> dict[str, HostSight]:
    """Every host of the cluster; `members` None: Consul didn't answer."""
    away = {unseen.name: unseen for unseen in view.unseen}
    found = {}
    for name, host in cluster.hosts.items():
        unseen = away.get(name)
        record = known.get(name)
        found[name] = HostSight(
            name=name,
            answers=name in view.hosts,
            refuses=unseen is not None and unseen.why is Absence.REFUSED,
            silent=silence.of(name),
            consul=_word(members, name, was_server=record is not None and record.server),
            proved=name in proofs and name not in view.hosts,
            fence=bool(host.fence) and fenceable.get(name, True),
            why=unseen.text if unseen else "",
        )
    return found


def _word(members: Mapping[str, Member] | None, host: str, *, was_server: bool) -> Word:
    if members is None:
        return Word.UNKNOWN
    if host in members:
        return Word.ALIVE if members[host].alive else Word.FAILED
    # Consul's leader takes a server of its own that failed from the catalog at once. One that is
    # told to end, as at a shutdown, doesn't leave either: it fails.
    return Word.FAILED if was_server else Word.ABSENT


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
