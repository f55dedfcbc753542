"""The collector as a service, and what it says of itself in the state store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from nap_compose.border.collecting import CollectedHost, CollectedReplica
from nap_compose.border.words import Listing
from nap_compose.cluster import state_keys as keys
from nap_compose.cluster.observe import OURS, Part
from nap_compose.control.watching.listening import NEVER, Listener
from nap_compose.errors import NapError, NotAllowed
from nap_compose.logs.collect.collector import Collector
from nap_compose.logs.collect.held import HeldHosts
from nap_compose.logs.collect.reports import Reports, skews_before
from nap_compose.logs.collect.saying import Saying
from nap_compose.logs.folders import make_folders
from nap_compose.logs.kept.stored import to_time

if TYPE_CHECKING:
    from nap_compose.border import Cancel, CollectRequest, Target, Who
    from nap_compose.cluster.view import View
    from nap_compose.control.parts import Parts

SEEN = frozenset({Part.CONTAINERS, Part.INFO})


def collect(
    parts: Parts,
    who: Who,
    request: CollectRequest,
    tell: Callable[[str], None],
    cancel: Cancel,
) -> None:
    """Keep what the containers of all hosts print, until `cancel`; see `border.Collecting`."""
    if who.role != "admin":
        raise NotAllowed("collecting everybody's lines is for the cluster's own service account")
    logs = parts.cluster.logs
    try:
        make_folders(logs.dir, logs.dir)
    except OSError as error:
        raise NapError(
            f"can't make the folder of the logs {logs.dir}: {error.strerror}",
            hint="make the folder writable, or name another as `logs.dir` in the cluster file",
        ) from error

    def look(hosts: Collection[str]) -> View:
        return parts.look(only=SEEN, whose=OURS, hosts=hosts)

    say = Saying(tell)
    starts = Listener(parts.engines, embedded=parts.cluster.embedded, heard=("start",), again=NEVER)
    with _hosts_of_one(parts, say) as held:
        collector = Collector(
            parts.engines,
            logs,
            look=look,
            mine=held.refresh,
            say=say,
            skews=skews_before(parts.store),
            follow=not request.once,
            heard=starts.hosts,
        )
        reports = Reports(parts.store, held.name, say)
        if request.once:
            collector.run_once(lambda: cancel.level > 0)
            reports(collector)
        else:
            tell(f"collecting into {logs.dir} as {held.name}")
            starts.start()
            try:
                collector.run(lambda: cancel.level > 0, reports)
            finally:
                starts.stop()


@contextlib.contextmanager
def _hosts_of_one(parts: Parts, say: Saying) -> Iterator[HeldHosts]:
    held = HeldHosts(parts.store, parts.engines.names, say)
    try:
        yield held
    finally:
        held.release()


def collected_hosts(parts: Parts) -> Listing:
    """A row for each host."""
    found = _values(parts, keys.LOGS_OF_HOSTS)
    return Listing(tuple(_host_row(host, found.get(host)) for host in parts.engines.names))


def collected_replicas(parts: Parts, target: Target) -> Listing:
    """A row for each replica of the app whose lines are collected."""
    prefix = f"{keys.LOGS}{keys.app_path(target.owner, target.app)}/"
    rows = [
        _replica_row(target, name, value)
        for name, value in sorted(_values(parts, prefix).items(), key=_slot_order)
    ]
    if not rows:
        raise NapError(
            f"nothing is collected of an app {target.app}",
            hint="nap logs status shows whether a collector is at work",
        )
    return Listing(tuple(rows))


def _values(parts: Parts, prefix: str) -> dict[str, dict[str, Any]]:
    return {
        entry.key.removeprefix(prefix): entry.value
        for entry in parts.store.list(prefix)
        if isinstance(entry.value, dict)
    }


def _slot_order(item: tuple[str, Any]) -> tuple[str, int]:
    service, _, replica = item[0].rpartition("/")
    return service, int(replica) if replica.isdecimal() else 0


def _host_row(host: str, value: dict[str, Any] | None) -> CollectedHost:
    if value is None:
        return CollectedHost(host, problem="nobody collects its lines")
    return CollectedHost(
        host=host,
        collector=value["collector"],
        at=value["at"],
        containers=value["containers"],
        lines=value["lines"],
        size=value["size"],
        behind=value["behind"],
        problem=value["problem"],
    )


def _replica_row(target: Target, name: str, value: dict[str, Any]) -> CollectedReplica:
    return CollectedReplica(
        owner=target.owner,
        app=target.app,
        subject=name.replace("/", "."),
        host=value["host"],
        collector=value["collector"],
        at=value["at"],
        to=to_time(value["to"].encode()) / 1e9 if value["to"] else 0.0,
        lines=value["lines"],
        behind=value["behind"],
        problem=value["problem"],
    )
