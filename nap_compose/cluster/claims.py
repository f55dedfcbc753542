"""Claims: what deployments in flight hold of the hosts and of the owners' quotas.

Between looking and creating, a port, CPU or memory that was free is promised to a deployment by a
compare-and-set on a record for each host and for the owner. Two deployments that chose from the
same sight can't both pass: the second finds another version and must look again.

The order matters, and the caller keeps it: take the app's lock, `read`, observe, place, `take`,
and `release` when the containers are there to be seen. What was promised between `read` and `take`
is either in a changed record, or was already a container when the hosts were observed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nap_compose.cluster import state_keys
from nap_compose.cluster.app_lock import LockHolder
from nap_compose.cluster.state import BATCH, Entry, Lost, Put, StateStore
from nap_compose.errors import NapError

_TRIES = 50


@dataclass(frozen=True)
class PortClaim:
    """A port of a host; `ip` is empty for every address."""

    protocol: str
    ip: str
    port: int

    @property
    def key(self) -> str:
        """As placement names it: `8080/tcp`."""
        return f"{self.port}/{self.protocol}"


@dataclass(frozen=True)
class Demand:
    """What a deployment needs of one host: fixed ports, CPUs, and memory in bytes."""

    ports: tuple[PortClaim, ...] = ()
    cpus: float = 0.0
    memory: int = 0


@dataclass(frozen=True)
class Claim:
    """A demand that was granted to a deployment at `since` (UTC); `app` is the app's path."""

    deployment: str
    app: str
    demand: Demand
    since: str

    @property
    def name(self) -> str:
        """The app as people write it: `ada/shop`, or `shop` where there are no users."""
        return self.app.removeprefix(f"{state_keys.NO_OWNER}/")


@dataclass(frozen=True)
class Record:
    """The claims on one host or of one owner, and the version they were read in."""

    claims: tuple[Claim, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class Claims:
    """All claims that count, by host and by owner ("-" where there are no users).

    Those of a deployment that no longer holds its app's lock are left out.
    """

    hosts: Mapping[str, Record] = field(default_factory=dict)
    owners: Mapping[str, Record] = field(default_factory=dict)

    def on(self, host: str, *, but: str = "") -> tuple[Claim, ...]:
        """The claims on a host, except those of the deployment `but`."""
        return _others(self.hosts.get(host, Record()), but)

    def of(self, owner: str, *, but: str = "") -> tuple[Claim, ...]:
        """The claims of an owner, except those of the deployment `but`."""
        return _others(self.owners.get(owner or state_keys.NO_OWNER, Record()), but)

    def ports(self, *, but: str = "") -> dict[str, dict[str, str]]:
        """Host → `8080/tcp` → which app is about to take it, for placement and its messages."""
        return {
            host: {
                port.key: f"{claim.name}, which is being deployed"
                for claim in _others(record, but)
                for port in claim.demand.ports
            }
            for host, record in self.hosts.items()
        }


def read(store: StateStore) -> Claims:
    """What is claimed now. Called before the hosts are observed."""
    # Claims first, then locks: a deployment locks before it claims and unlocks after it is done.
    # So a claim whose lock isn't seen afterwards is over, and its containers can be observed.
    entries = store.list(state_keys.CLAIMS)
    at_work = _at_work(store)
    return Claims(
        hosts=_records(entries, state_keys.HOST_CLAIMS, at_work),
        owners=_records(entries, state_keys.OWNER_CLAIMS, at_work),
    )


def take(
    store: StateStore,
    seen: Claims,
    *,
    deployment: str,
    owner: str,
    app: str,
    demands: Mapping[str, Demand],
    since: str,
) -> None:
    """Claim `demands` (by host) for the deployment, all or nothing, in place of what it had.

    `seen` is what `read` gave before the hosts were observed. Raises Lost where somebody else
    claimed or released in between: observe and place again.
    """
    path = state_keys.app_path(owner, app)
    had = {host for host, record in seen.hosts.items() if _holds(record, deployment)}
    ops = [
        _put(state_keys.host_claim(host), seen.hosts.get(host), claim)
        for host in sorted(had | set(demands))
        for claim in [_claim(deployment, path, demands.get(host), since)]
    ]
    total = Demand(
        tuple(port for demand in demands.values() for port in demand.ports),
        sum(demand.cpus for demand in demands.values()),
        sum(demand.memory for demand in demands.values()),
    )
    mine = seen.owners.get(owner or state_keys.NO_OWNER)
    ops.append(_put(state_keys.owner_claim(owner), mine, _claim(deployment, path, total, since)))
    if len(ops) > BATCH:
        raise NapError(
            f"one deployment can take up to {BATCH - 1} hosts at once, "
            f"this one needs {len(ops) - 1}",
            hint="bring up some services first: nap up SERVICE",
        )
    store.batch(ops)


def release(store: StateStore, deployment: str) -> None:
    """Give back all that the deployment claimed; harmless where it claimed nothing."""
    for entry in store.list(state_keys.CLAIMS):
        if deployment in entry.value:
            _drop(store, entry, deployment)


def _drop(store: StateStore, entry: Entry, deployment: str) -> None:
    for _ in range(_TRIES):
        rest = {key: value for key, value in entry.value.items() if key != deployment}
        try:
            # Written empty, never deleted: a record that began again without a version would
            # hide from somebody who read before it was made that anything happened.
            store.put(entry.key, rest, entry.version)
            return
        except Lost:
            time.sleep(random.uniform(0, 0.05))  # noqa: S311 - spreads the tries, no secret
        again = store.get(entry.key)
        if again is None or deployment not in again.value:
            return
        entry = again
    raise NapError(
        f"the claims under {entry.key} changed {_TRIES} times while nap released its own"
    )


def _at_work(store: StateStore) -> dict[str, str]:
    """App path → the deployment that holds its lock."""
    return {
        entry.key[len(state_keys.APP_LOCKS) :]: LockHolder.of(entry.value).deployment
        for entry in store.list(state_keys.APP_LOCKS)
    }


def _records(
    entries: Sequence[Entry], prefix: str, at_work: Mapping[str, str]
) -> dict[str, Record]:
    return {
        entry.key[len(prefix) :]: Record(_claims(entry.value, at_work), entry.version)
        for entry in entries
        if entry.key.startswith(prefix)
    }


def _claims(value: Mapping[str, Any], at_work: Mapping[str, str]) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            deployment,
            found["app"],
            Demand(
                tuple(
                    PortClaim(str(proto), str(ip), int(port)) for proto, ip, port in found["ports"]
                ),
                float(found["cpus"]),
                int(found["memory"]),
            ),
            found["since"],
        )
        for deployment, found in sorted(value.items())
        if at_work.get(found["app"]) == deployment
    )


def _others(record: Record, but: str) -> tuple[Claim, ...]:
    return tuple(claim for claim in record.claims if claim.deployment != but)


def _holds(record: Record, deployment: str) -> bool:
    return any(claim.deployment == deployment for claim in record.claims)


def _claim(deployment: str, path: str, demand: Demand | None, since: str) -> Claim:
    return Claim(deployment, path, demand or Demand(), since)


def _put(key: str, seen: Record | None, claim: Claim) -> Put:
    """Write the record with this claim and those that still count; stale ones go with it."""
    record = seen or Record()
    kept = [*_others(record, claim.deployment)]
    if claim.demand != Demand():
        kept.append(claim)
    value = {
        each.deployment: {
            "app": each.app,
            "ports": [[port.protocol, port.ip, port.port] for port in each.demand.ports],
            "cpus": each.demand.cpus,
            "memory": each.demand.memory,
            "since": each.since,
        }
        for each in kept
    }
    return Put(key, value, if_version=record.version)
