"""Keeping Consul's catalog as the hosts are: what changed is written, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping

from nap_compose.cluster.catalog import Catalog, Listed
from nap_compose.cluster.view import View
from nap_compose.health.catalog import listed_on, silent
from nap_compose.health.changes import Known
from nap_compose.health.records import HostHealth

LOOK_AGAIN = 60.0
"""Seconds after which the catalog itself is read again: deployments take entries out of it too."""


class Cataloguing:
    """What is to stand there by what was seen, and what does stand there as far as is known."""

    def __init__(
        self, catalog: Catalog, hosts: Mapping[str, str], allowed: tuple[str, ...]
    ) -> None:
        """`hosts` has the address of each host; `allowed` are the beginnings of labels that become
        tags."""
        self._catalog = catalog
        self._hosts = hosts
        self._allowed = allowed
        self._wanted: dict[str, dict[str, Listed]] = {}
        self._there: dict[str, dict[str, Listed]] = {}
        self._read_at: dict[str, float] = {}

    def keep(self, view: View, known: Known) -> int:
        """Take in a look at some hosts or all, and write what that changes; gives how many entries
        were written. Raises StoreAway."""
        for name, host in view.hosts.items():
            self._wanted[name] = listed_on(host, known.containers, self._allowed)
        for name in self._hosts:
            record = known.hosts.get(name)
            if name in view.hosts or record is None or record.state is HostHealth.UP:
                continue
            here = {r.container for r in known.containers.values() if r.host == name}
            left = self._wanted.get(name) or self._stands(name)
            still = [each for each in left.values() if each.meta.get("container") in here]
            self._wanted[name] = silent(still, f"the host is {record.state.value}")
        return sum(self._write(name) for name in self._wanted)

    def _write(self, host: str) -> int:
        there, wanted = self._stands(host), self._wanted[host]
        written = 0
        for key in [key for key in there if key not in wanted]:
            self._catalog.withdraw(host, key)
            del there[key]
            written += 1
        for key, listed in wanted.items():
            if there.get(key) != listed:
                self._catalog.enter(host, self._hosts[host], listed)
                there[key] = listed
                written += 1
        return written

    def _stands(self, host: str) -> dict[str, Listed]:
        now = time.monotonic()
        if host not in self._there or now - self._read_at.get(host, 0.0) > LOOK_AGAIN:
            self._there[host] = dict(self._catalog.of(host))
            self._read_at[host] = now
        return self._there[host]
