"""`nap health check`, `status` and `events`: one sweep, and what is on record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nap_compose.border import Checkup, HappeningRequest, HealthReport, Target
from nap_compose.cluster import host_records
from nap_compose.cluster.app_lock import origin
from nap_compose.control.parts import Parts
from nap_compose.control.watching.mounts import lost_mounts
from nap_compose.health.book import HealthBook
from nap_compose.health.freshness import at_work, is_stale
from nap_compose.health.records import ContainerRecord, Happening, Heartbeat
from nap_compose.health.sweep import Sweeper, changes_of

ONCE = "once"
"""Who beats for a sweep that a person asked for."""


def check(parts: Parts) -> Checkup:
    """One sweep over all hosts; see `Health.check_health`."""
    book = HealthBook(parts.store)
    known = book.read()
    states = {name: each.state for name, each in host_records.read_all(parts.store).items()}
    sight = Sweeper(parts.engines, parts.cluster, parts.seal).sweep(known, states)
    changes = changes_of(sight, known, lost_mounts(parts))
    written = book.write(changes)
    now = known.after(changes)
    unseen = tuple(each for each in now.hosts.values() if each.name not in sight.view.hosts)
    seen = [each for each in now.containers.values() if each.host in sight.view.hosts]
    book.beat(
        Heartbeat(
            watcher=ONCE,
            at=sight.at,
            took=round(sight.took, 3),
            hosts=len(sight.view.hosts),
            containers=len(seen),
            unseen=tuple(each.name for each in sight.view.unseen),
            origin=origin(),
        )
    )
    return Checkup(
        hosts=len(sight.view.hosts),
        containers=len(seen),
        unwell=tuple(each for each in seen if is_unwell(each)),
        written=written,
        took=sight.took,
        unseen=tuple(each for each in unseen if each.name in parts.cluster.hosts),
    )


def report(parts: Parts, target: Target) -> HealthReport:
    """What is on record; see `Health.health`."""
    book = HealthBook(parts.store)
    known = book.read(target.owner, target.app)
    beats = book.heartbeats()
    last = max((each.at for each in beats), default="")
    return HealthReport(
        containers=tuple(
            known.containers[key]
            for key in sorted(known.containers)
            if _meant(known.containers[key].service, known.containers[key].replica, target)
        ),
        hosts=tuple(known.hosts[name] for name in parts.cluster.hosts if name in known.hosts),
        watchers=tuple(sorted(at_work(beats), key=lambda each: not each.leads)),
        stale=is_stale(beats),
        as_of=last,
    )


def happenings(parts: Parts, request: HappeningRequest) -> Sequence[Happening]:
    """What happened; see `Health.health_events`."""
    found: Iterable[Happening] = HealthBook(parts.store).happenings()
    kept = [each for each in found if each.at >= request.since and _is_about(each, request.target)]
    return kept[-request.limit :] if request.limit else kept


def is_unwell(record: ContainerRecord) -> bool:
    """Whether a container doesn't do what it should: it isn't healthy, or ended badly."""
    if record.state in ("exited", "dead"):
        return record.exit_code != 0
    return record.state in ("restarting", "removing") or record.health == "unhealthy"


def _is_about(happening: Happening, target: Target) -> bool:
    if not target.app:
        return True
    if (happening.owner, happening.app) != (target.owner, target.app):
        return False
    service, _, number = happening.slot.rpartition(".")
    return _meant(service, int(number or 0), target)


def _meant(service: str, replica: int, target: Target) -> bool:
    return target.service in ("", service) and target.replica in (0, replica)
