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
from dataclasses import field
from typing import Any

from nap_compose.cluster import state_keys
from nap_compose.cluster.app_lock import LockHolder
from nap_compose.cluster.demand import Claim, Demand, PortClaim
from nap_compose.cluster.state import BATCH, Entry, Lost, Put, StateStore
from nap_compose.cluster.use import NO_USE, Use
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass

_TRIES = 50


@dataclass(frozen=True)
class Record:
    """The claims on one host or of one owner, and the version they were read in."""

    claims: tuple[Claim, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class Claims:
    """All claims that count, by host and by whose quota they are of: an owner ("-" where there are
    no users) or `@GROUP`.

    Those of a deployment that no longer holds its app's lock are left out.
    """

    hosts: Mapping[str, Record] = field(default_factory=dict)
    owners: Mapping[str, Record] = field(default_factory=dict)

    def on(self, host: str, *, but: str = "") -> tuple[Claim, ...]:
        """The claims on a host, except those of the deployment `but`."""
        return _others(self.hosts.get(host, Record()), but)

    def of(self, owner: str, *, but: str = "") -> tuple[Claim, ...]:
        """The claims on a quota, except those of the deployment `but`."""
        return _others(self.owners.get(owner or state_keys.NO_OWNER, Record()), but)

    def by_host(self, *, but: str = "") -> dict[str, tuple[Claim, ...]]:
        """Host → the claims on it, except those of the deployment `but`; for placement."""
        return {host: _others(record, but) for host, record in self.hosts.items()}


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
    use: Use = NO_USE,
    others: Sequence[str] = (),
    to: str = "",
) -> None:
    """Claim `demands` (by host), and `use` of the quotas of the owner and of `others` (`@GROUP`),
    for the deployment, all or nothing, in place of what it had. `to` is the owner whose the app is
    about to be.

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
    mine = Claim(deployment, path, Demand(), since, use, to)
    ops += [
        _put(state_keys.owner_claim(whose), seen.owners.get(whose), mine)
        for whose in (owner or state_keys.NO_OWNER, *others)
    ]
    try:
        # More than one batch isn't one act: until the last is written the others only keep
        # people off what may still be given back.
        for start in range(0, len(ops), BATCH):
            store.batch(ops[start : start + BATCH])
    except Lost:
        if len(ops) > BATCH:
            release(store, deployment)
        raise


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
                {str(kind): int(number) for kind, number in found.get("devices", {}).items()},
            ),
            found["since"],
            Use.of(found.get("use", {})),
            str(found.get("to", "")),
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
    if claim.demand != Demand() or claim.use != NO_USE:
        kept.append(claim)
    value = {
        each.deployment: {
            "app": each.app,
            "ports": [[port.protocol, port.ip, port.port] for port in each.demand.ports],
            "cpus": each.demand.cpus,
            "memory": each.demand.memory,
            "devices": dict(each.demand.devices),
            "since": each.since,
            **({"use": each.use.as_dict()} if each.use != NO_USE else {}),
            **({"to": each.to} if each.to else {}),
        }
        for each in kept
    }
    return Put(key, value, if_version=record.version)
