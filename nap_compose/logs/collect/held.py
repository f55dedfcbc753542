"""The hosts that a collector has: leases in the state store, fairly shared among all collectors.

Leases keep two from doing the same work. That no line is kept twice stands in the files, so
without the store a collector goes on with the hosts that it has.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable, Mapping
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.cluster import state_keys as keys
from nap_compose.cluster.state import Held, Lease, StateStore, StoreAway
from nap_compose.logs.collect.saying import Saying
from nap_compose.logs.collect.share import share


def this_process() -> dict[str, Any]:
    """What stands in this process's leases."""
    machine = socket.gethostname()
    return {"machine": machine, "pid": os.getpid(), "boot": _boot(), "since": utc_now()}


class HeldHosts:
    """The hosts of one collector."""

    def __init__(self, store: StateStore, hosts: Iterable[str], say: Saying) -> None:
        self._store = store
        self._hosts = tuple(hosts)
        self._say = say
        self._me = this_process()
        self.name = f"{self._me['machine']}:{self._me['pid']}"
        self._leases: dict[str, Lease] = {}
        self._mine: set[str] = set()

    def refresh(self) -> set[str]:
        """The hosts that are this collector's from now on."""
        try:
            self._take(keys.collector(self.name))
            self._say("the state store", "")
            entries = self._store.list(keys.COLLECTORS)
            others = [
                entry.key.removeprefix(keys.COLLECTORS)
                for entry in entries
                if not is_dead(entry.value)
            ]
            self._mine = {
                host
                for host in self._hosts
                if self._settle(host, mine=host in share(self._hosts, others, self.name))
            }
        except StoreAway as error:
            self._say("the state store", error.message)
        return set(self._mine)

    def release(self) -> None:
        """Leave every host to others."""
        for lease in self._leases.values():
            lease.release()
        self._leases.clear()
        self._mine.clear()

    def _settle(self, host: str, *, mine: bool) -> bool:
        key = keys.collected(host)
        if not mine:
            if key in self._leases:
                self._leases.pop(key).release()
            return False
        return self._take(key)

    def _take(self, key: str) -> bool:
        """Whether the lease is ours, or was that of a collector which died on this machine: the
        store takes a while to notice, and we see it at once."""
        held = self._leases.get(key)
        if held is not None and not held.lost:
            return True
        if held is not None:
            with contextlib.suppress(StoreAway):
                held.release()
            del self._leases[key]
        try:
            self._leases[key] = self._store.lease(key, self._me)
        except Held as other:
            return is_dead(other.holder)
        return True


def is_dead(holder: object) -> bool:
    """Whether a lease's holder was a process of this machine that is no more."""
    if not isinstance(holder, Mapping) or holder.get("machine") != socket.gethostname():
        return False
    if holder.get("boot") != _boot():
        return True
    try:
        os.kill(int(holder.get("pid") or 0), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError, TypeError):
        return False
    return False


def _boot() -> str:
    """What tells this run of the machine from others; empty where it doesn't say."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        return ""
