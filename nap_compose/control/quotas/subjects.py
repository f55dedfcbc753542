"""Whose quotas count for what is somebody's."""

from __future__ import annotations

from collections.abc import Mapping

from nap_compose.auth import quotas
from nap_compose.auth.quotas import EVERYBODY, Limits
from nap_compose.control.parts import Parts
from nap_compose.db.records import RecordsAway
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Subjects:
    """Whose quotas count for an owner: each subject with its limits, and the owners whose apps
    count in it."""

    limits: Mapping[str, Limits]
    members: Mapping[str, frozenset[str]]

    def but(self, maker: str) -> tuple[str, ...]:
        """Those other than whoever made the app, under whom it stands."""
        return tuple(subject for subject in self.limits if subject != maker)

    @property
    def resources(self) -> frozenset[str]:
        """All that is limited."""
        return frozenset(name for limits in self.limits.values() for name in limits)


NOBODY = Subjects({}, {})


def said(parts: Parts) -> dict[str, Limits]:
    """All limits by subject; what was set by command wins over the cluster file."""
    found: dict[str, dict[str, int]] = {
        subject: dict(limits) for subject, limits in parts.cluster.quotas.items()
    }
    for record in parts.records.quotas():
        found.setdefault(record.subject, {})[record.resource] = record.amount
    return dict(found)


def subjects_of(parts: Parts, maker: str, app: str) -> Subjects:
    """Whose quotas count for an app that `maker` made: its owner's, who is in the groups in which
    they were last seen. Without users there are none, nor for who keeps watch while the database
    is away: what failover makes again was allowed once."""
    if parts.cluster.embedded:
        return NOBODY
    try:
        limits = said(parts)
    except RecordsAway:
        if not parts.records_may_wait:
            raise
        return NOBODY
    if not limits:
        return NOBODY
    return subjects_for(parts, parts.given(now=True).owner(maker, app), limits)


def subjects_for(parts: Parts, owner: str, limits: Mapping[str, Limits]) -> Subjects:
    """Whose quotas count for what is the owner's, of all limits by subject."""
    users = parts.records.users() if any(each.startswith("@") for each in limits) else ()
    groups_of = {user.owner: frozenset(user.groups) for user in users}
    subjects = (owner, *(f"@{name}" for name in sorted(groups_of.get(owner, ()))))
    found = {each: quotas.limits_of(each, limits) for each in subjects}
    real = {each: most for each, most in found.items() if most}
    return Subjects(real, {each: members_of(each, groups_of) for each in real})


def members_of(subject: str, groups_of: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The owners whose apps count in a subject's quota: its own, or all that are in the group."""
    if not subject.startswith("@"):
        return frozenset({subject} - {EVERYBODY})
    return frozenset(owner for owner, groups in groups_of.items() if subject[1:] in groups)
