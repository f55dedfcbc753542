"""The health records in the state store: read all, write what changed, beat, tell what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from nap_compose.cluster import state_keys
from nap_compose.cluster.state import BATCH, LARGEST, Delete, Entry, Lost, Put, StateStore
from nap_compose.health.changes import Changes, Known, SlotKey
from nap_compose.health.records import ContainerRecord, Happening, Heartbeat, HostRecord

PAGE = 200
"""Events on one page."""
PAGES = 50
"""So many pages of events are kept: the last ten thousand events."""
_TRIES = 20


class HealthBook:
    """What watchers write and everybody reads. Every method raises StoreAway."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._last_page: Entry | None = None

    def read(self, owner: str = "", app: str = "") -> Known:
        """All that is on record, or of containers what is of one app."""
        under = f"{state_keys.app_path(owner, app)}/" if app else ""
        containers = {}
        for entry in self._store.list(state_keys.HEALTH + under):
            record = _container(entry.key, entry.value)
            if record is not None:
                containers[_slot(record)] = record
        return Known(containers, self.hosts())

    def hosts(self) -> dict[str, HostRecord]:
        """What is on record of the hosts."""
        hosts = {}
        for entry in self._store.list(state_keys.HEALTH_HOSTS):
            name = entry.key[len(state_keys.HEALTH_HOSTS) :]
            hosts[name] = HostRecord.of(name, entry.value)
        return hosts

    def write(self, changes: Changes) -> int:
        """Write what changed, and what happened; gives how many keys were written.

        Where it breaks off, all of it may be written again.
        """
        ops: list[Put | Delete] = []
        for key, record in changes.containers.items():
            path = state_keys.health(*key)
            ops.append(Delete(path) if record is None else Put(path, record.as_json()))
        ops += [
            Put(state_keys.health_host(name), record.as_json())
            for name, record in changes.hosts.items()
        ]
        for batch in _batches(ops):
            self._store.batch(batch)
        return len(ops) + self.tell(changes.happenings)

    def beat(self, heartbeat: Heartbeat) -> None:
        """A watcher's sign of life."""
        self._store.put(state_keys.heartbeat(heartbeat.watcher), heartbeat.as_json())

    def forget_heartbeat(self, watcher: str) -> None:
        """The watcher ended in good order."""
        self._store.delete(state_keys.heartbeat(watcher))

    def heartbeats(self) -> list[Heartbeat]:
        """Every watcher's last sign of life, the newest first."""
        found = [
            Heartbeat.of(entry.key[len(state_keys.HEARTBEATS) :], entry.value)
            for entry in self._store.list(state_keys.HEARTBEATS)
        ]
        return sorted(found, key=lambda each: each.at, reverse=True)

    def tell(self, happenings: Sequence[Happening]) -> int:
        """Add events; gives how many pages were written. The oldest pages go."""
        told, written, tries = 0, 0, _TRIES
        while told < len(happenings):
            last = self._last_page or self._open_page()
            some = happenings[told : told + PAGE - len(last.value)]
            page = [*last.value, *(each.as_json() for each in some)]
            try:
                version = self._store.put(last.key, page, if_version=last.version)
            except Lost:  # another watcher, or a person's command, told something just now
                self._last_page = None
                tries -= 1
                if not tries:
                    raise
                continue
            told, written = told + len(some), written + 1
            self._last_page = Entry(last.key, page, version) if len(page) < PAGE else None
        return written

    def _open_page(self) -> Entry:
        """The page that is written on; the oldest ones go where it is a new one."""
        pages = self._store.list(state_keys.HEALTH_EVENTS)
        if pages and len(pages[-1].value) < PAGE:
            return pages[-1]
        for old in pages[: -PAGES + 1]:
            self._store.delete(old.key)
        number = _page(pages[-1].key) + 1 if pages else 1
        return Entry(state_keys.health_events(number), [], 0)

    def happenings(self) -> list[Happening]:
        """All events that are kept, the oldest first."""
        found = [
            Happening.of(value)
            for entry in self._store.list(state_keys.HEALTH_EVENTS)
            for value in entry.value
        ]
        return sorted(found, key=lambda each: each.at)


def _page(key: str) -> int:
    return int(key[len(state_keys.HEALTH_EVENTS) :])


def _slot(record: ContainerRecord) -> SlotKey:
    return (record.owner, record.app, record.service, record.replica)


def _container(key: str, value: object) -> ContainerRecord | None:
    parts = key[len(state_keys.HEALTH) :].split("/")
    if len(parts) != 4 or not parts[3].isdecimal() or not isinstance(value, dict):
        return None
    owner, app, service, number = parts
    owner = "" if owner == state_keys.NO_OWNER else owner
    return ContainerRecord.of(owner, app, service, int(number), value)


def _batches(ops: Sequence[Put | Delete]) -> Iterator[list[Put | Delete]]:
    """Batches that the store takes: so many operations, and so many bytes."""
    batch: list[Put | Delete] = []
    size = 0
    for op in ops:
        more = len(json.dumps(op.value).encode()) if isinstance(op, Put) else 0
        if batch and (len(batch) == BATCH or size + more > LARGEST):
            yield batch
            batch, size = [], 0
        batch.append(op)
        size += more
    if batch:
        yield batch
