"""What changed since the records were written: which to write, which to delete, what to tell. Pure.

Half a view is no view: what stands on a host that wasn't looked at stays as it was last known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from nap_compose.cluster.view import ContainerView, View
from nap_compose.health.details import Detail
from nap_compose.health.records import ContainerRecord, Copy, Happening, HostRecord
from nap_compose.plaindata import dataclass

SlotKey = tuple[str, str, str, int]
"""Owner, app, service and number."""

NOTHING_MORE = Detail()


@dataclass(frozen=True)
class Known:
    """All that is on record, by slot and by host."""

    containers: Mapping[SlotKey, ContainerRecord] = field(default_factory=dict)
    hosts: Mapping[str, HostRecord] = field(default_factory=dict)

    def after(self, changes: Changes) -> Known:
        """What is on record once the changes are written."""
        containers = {**self.containers}
        for key, record in changes.containers.items():
            if record is None:
                containers.pop(key, None)
            else:
                containers[key] = record
        return Known(containers, {**self.hosts, **changes.hosts})


@dataclass(frozen=True)
class Changes:
    """Records to write (None: to delete), and what happened, in the order of slots."""

    containers: Mapping[SlotKey, ContainerRecord | None] = field(default_factory=dict)
    hosts: Mapping[str, HostRecord] = field(default_factory=dict)
    happenings: tuple[Happening, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (self.containers or self.hosts or self.happenings)


def compare(known: Known, view: View, details: Mapping[str, Detail], at: str) -> Changes:
    """What the containers of the view's hosts change of the records, at the moment `at`.

    `details` has, by container id, what was inspected; what wasn't is as it was.
    """
    seen = _by_slot(view)
    touched = set(seen) | {
        key
        for key, record in known.containers.items()
        if any(copy.host in view.hosts for copy in _remembered(record))
    }
    put: dict[SlotKey, ContainerRecord | None] = {}
    happenings: list[Happening] = []
    for key in sorted(touched):
        old = known.containers.get(key)
        new = _record(key, old, seen.get(key, []), view, details, at)
        if new != old:
            put[key] = new
            happenings += _told(old, new, at)
    return Changes(put, {}, tuple(happenings))


def compare_hosts(known: Known, hosts: Mapping[str, HostRecord], at: str) -> Changes:
    """What changed of the hosts; `hosts` are all of them as they are now."""
    put: dict[str, HostRecord] = {}
    happenings = []
    for name, found in hosts.items():
        old = known.hosts.get(name)
        same = old is not None and old.state is found.state
        new = replace(found, since=old.since if old and same else at)
        if new == old:
            continue
        put[name] = new
        if old and not same:
            why = f": {new.why}" if new.why else ""
            text = f"{name}: {old.state.value} → {new.state.value}{why}"
            happenings.append(Happening(at, "host", text, host=name))
        if old and old.storage != new.storage:
            happenings.append(Happening(at, "storage", _of_storage(new), host=name))
    return Changes({}, put, tuple(happenings))


def _of_storage(host: HostRecord) -> str:
    if not host.storage:
        return f"{host.name} reaches the cluster storage"
    return f"{host.name} doesn't reach the cluster storage: {host.storage}"


def together(changes: Iterable[Changes]) -> Changes:
    """Several changes as one."""
    found = [*changes]
    return Changes(
        {key: record for each in found for key, record in each.containers.items()},
        {name: record for each in found for name, record in each.hosts.items()},
        tuple(happening for each in found for happening in each.happenings),
    )


def slot_key(container: ContainerView) -> SlotKey | None:
    """The slot that a container is of; None for one that `run` made, or that isn't nap's."""
    identity = container.identity
    if identity is None or identity.oneoff or not identity.service:
        return None
    return (identity.owner, identity.app, identity.service, identity.replica)


def _by_slot(view: View) -> dict[SlotKey, list[ContainerView]]:
    found: dict[SlotKey, list[ContainerView]] = defaultdict(list)
    for container in view.containers():
        key = slot_key(container)
        if key is not None:
            found[key].append(container)
    return found


def _record(
    key: SlotKey,
    old: ContainerRecord | None,
    seen: list[ContainerView],
    view: View,
    details: Mapping[str, Detail],
    at: str,
) -> ContainerRecord | None:
    """The slot's record now; None where nothing is left of it."""
    copies = {each.id: _copy_of(each) for each in seen}
    for each in _remembered(old):
        if each.host not in view.hosts:
            copies.setdefault(each.container, each)
    if not copies:
        return None
    right = max(copies.values(), key=lambda copy: (copy.fence, copy.container))
    others = tuple(
        sorted(
            (copy for copy in copies.values() if copy.container != right.container),
            key=lambda copy: (copy.host, copy.container),
        )
    )
    here = next((each for each in seen if each.id == right.container), None)
    if here is None:
        assert old is not None
        return replace(old, others=others) if old.container == right.container else None
    return _fresh(key, old, here, others, details, at)


def _fresh(
    key: SlotKey,
    old: ContainerRecord | None,
    here: ContainerView,
    others: tuple[Copy, ...],
    details: Mapping[str, Detail],
    at: str,
) -> ContainerRecord:
    owner, app, service, replica = key
    same = old is not None and old.container == here.id
    before = old if same else None
    more = details.get(here.id)
    if more is None and before is not None:
        more = Detail(
            started=before.started,
            exit_code=before.exit_code,
            restarts=before.restarts,
            probe=before.probe,
            policy=before.policy,
        )
    more = more or NOTHING_MORE
    return ContainerRecord(
        owner=owner,
        app=app,
        service=service,
        replica=replica,
        host=here.host,
        container=here.id,
        state=here.state,
        health=here.health,
        probe=more.probe,
        exit_code=_exit_code(here, more),
        restarts=max(more.restarts, before.restarts if before else 0),
        started=more.started,
        since=_since(before, here, more, at),
        revision=here.identity.revision if here.identity else 0,
        fence=here.identity.fence if here.identity else 0,
        policy=more.policy,
        others=others,
    )


def _exit_code(here: ContainerView, more: Detail) -> int | None:
    if here.state not in ("exited", "dead", "restarting"):
        return None
    return more.exit_code if here.exit_code is None else here.exit_code


def _since(before: ContainerRecord | None, here: ContainerView, more: Detail, at: str) -> str:
    """When it came to be as it is: what was seen first, unless the engine knows better."""
    if before is not None and (before.state, before.started) == (here.state, more.started):
        return before.since if before.health == here.health else at
    if here.state == "running":
        return more.started or at
    if here.state in ("exited", "dead"):
        return more.finished or at
    return at


def _remembered(old: ContainerRecord | None) -> list[Copy]:
    if old is None:
        return []
    return [Copy(old.host, old.container, old.state, old.fence), *old.others]


def _copy_of(container: ContainerView) -> Copy:
    fence = container.identity.fence if container.identity else 0
    return Copy(container.host, container.id, container.state, fence)


def _runs_by_now(record: ContainerRecord) -> bool:
    """Whether it was listed as ended, and had begun anew when it was inspected a moment later: the
    next look tells that it runs."""
    return record.state == "exited" and record.started > record.since


def _told(old: ContainerRecord | None, new: ContainerRecord | None, at: str) -> list[Happening]:
    """What the difference between two records of a slot means, in sentences."""
    record = new or old
    if record is None:
        return []

    def tell(kind: str, text: str, host: str = record.host) -> Happening:
        return Happening(at, kind, text, host, record.owner, record.app, record.slot)

    if new is None:
        return [tell("gone", f"{record.slot} is gone from {record.host}")]
    told = []
    if old is None:
        told.append(tell("appeared", f"{new.slot} is on {new.host}: {new.text}"))
    elif old.container != new.container:
        if old.host != new.host:
            text = f"{new.slot} is on {new.host} now, and was on {old.host}: {new.text}"
            told.append(tell("moved", text))
        else:
            told.append(tell("replaced", f"{new.slot} was made anew on {new.host}: {new.text}"))
    elif old.text != new.text:
        kind = "state" if old.state != new.state else "health"
        because = f": {new.probe}" if new.health == "unhealthy" and new.probe else ""
        told.append(tell(kind, f"{new.slot} on {new.host}: {old.text} → {new.text}{because}"))
    elif old.started != new.started and old.started and not _runs_by_now(new):
        told.append(tell("restarted", f"{new.slot} on {new.host} was started again"))
    before = {copy.container for copy in _remembered(old)}
    for copy in new.others:
        if copy.container not in before:
            text = f"{copy.host} has an older container of {new.slot}: {copy.state}"
            told.append(tell("stale", text, copy.host))
    return told
