"""Limits set by command, and the storage's own that hold what an owner's quota says."""

from __future__ import annotations

from nap_compose.auth import quotas
from nap_compose.border import QuotaChange, Who
from nap_compose.clock import utc_now
from nap_compose.control import stored_use
from nap_compose.control.parts import Parts
from nap_compose.control.quotas.subjects import said
from nap_compose.control.quotas.used import given_now
from nap_compose.db.people import QuotaRecord
from nap_compose.db.records import RecordsAway
from nap_compose.errors import WrongUse


def change(parts: Parts, who: Who, asked: QuotaChange) -> None:
    """Set or take back limits; see `border.Quotas`."""
    if parts.cluster.embedded:
        raise WrongUse(
            "there are no users on the local engine, so there are no quotas",
            hint="a cluster file makes a cluster; see docs/cluster-file.md",
        )
    for resource, amount in asked.limits.items():
        if amount is None:
            parts.records.clear_quota(asked.subject, resource)
        else:
            parts.records.set_quota(
                QuotaRecord(asked.subject, resource, amount, who.name, utc_now())
            )
    if "storage" in asked.limits and parts.pool is not None:
        parts.pool.check()
        for owner in parts.pool.owners():
            limit_storage(parts, owner)


def limit_storage(parts: Parts, owner: str) -> None:
    """Let the owner's quota of storage hold on the storage itself, for all that stands there under
    their name: volumes whose own limits were lifted, and snapshots. Apps that they gave away have
    their volumes' limits besides. Groups' quotas are nap's count alone."""
    if parts.pool is None:
        return
    try:
        limits = said(parts)
    except RecordsAway:
        if not parts.records_may_wait:
            raise
        return
    most = quotas.limits_of(owner, limits).get("storage", 0)
    parts.pool.limit(owner, most + _given_away(parts, owner) if most else 0)


def _given_away(parts: Parts, maker: str) -> int:
    """Bytes that volumes count for others which lie under the maker's name."""
    given = given_now(parts)
    gone = stored_use.look(parts, lambda key: key[0] == maker != given.owner(*key))
    return sum(stored_use.amounts(gone).values())
