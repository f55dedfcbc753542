"""Quotas at work: who has which, what they use of them, and the check before a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nap_compose.auth import quotas
from nap_compose.auth.quotas import EVERYBODY, Limits, Quota
from nap_compose.border import Listing, QuotaChange, QuotaRow, Who
from nap_compose.clock import utc_now
from nap_compose.cluster import placements, revisions, state_keys
from nap_compose.cluster.claims import Claims
from nap_compose.cluster.observe import Part
from nap_compose.cluster.use import NO_USE, RESOURCES, Use, larger, together
from nap_compose.cluster.view import View
from nap_compose.compose.model import App
from nap_compose.control.parts import Parts
from nap_compose.control.reading import warnings_of
from nap_compose.db.people import QuotaRecord
from nap_compose.db.records import RecordsAway
from nap_compose.errors import NapError, WrongUse
from nap_compose.orchestration import using
from nap_compose.orchestration.decide import Wish
from nap_compose.plaindata import dataclass

Key = tuple[str, str]
"""An app: its owner and its name."""


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
_LOOK = frozenset({Part.CONTAINERS, Part.VOLUMES})


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
    owner = parts.given(now=True).owner(maker, app)
    users = parts.records.users() if any(each.startswith("@") for each in limits) else ()
    groups_of = {user.owner: frozenset(user.groups) for user in users}
    subjects = (owner, *(f"@{name}" for name in sorted(groups_of.get(owner, ()))))
    found = {each: quotas.limits_of(each, limits) for each in subjects}
    real = {each: most for each, most in found.items() if most}
    return Subjects(real, {each: _members(each, groups_of) for each in real})


def rows(parts: Parts, who: Who, subject: str) -> Listing:
    """Each limit with what is used of it; see `border.Quotas`."""
    if parts.cluster.embedded:
        return Listing(())
    limits = said(parts)
    view = parts.look(only=_LOOK)
    groups_of = {user.owner: frozenset(user.groups) for user in parts.records.users()}
    given = parts.given(now=False)
    for key in using.there_now(view):
        owner = given.owner(*key)
        groups_of.setdefault(owner, frozenset())
    groups_of.setdefault(who.owner, frozenset(who.groups))
    wanted = [each for each in _known(groups_of, limits) if _may_see(who, each, groups_of)]
    if subject:
        wanted = [each for each in wanted if each == subject]
    subjects = Subjects(
        {each: quotas.limits_of(each, limits) for each in wanted},
        {each: _members(each, groups_of) for each in wanted},
    )
    used = used_by_app(parts, view, subjects)
    found = [
        row
        for each in wanted
        for row in _rows_of(
            each,
            subjects.limits[each],
            together(use for (owner, _), use in used.items() if owner in subjects.members[each]),
        )
    ]
    return Listing(tuple(found), warnings_of(view))


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
    """Let the owner's quota of storage hold on the storage itself, for all that is there of theirs:
    volumes whose own limits were lifted, and snapshots. Groups' quotas are nap's count alone."""
    if parts.pool is None:
        return
    try:
        limits = said(parts)
    except RecordsAway:
        if not parts.records_may_wait:
            raise
        return
    parts.pool.limit(owner, quotas.limits_of(owner, limits).get("storage", 0))


def _known(groups_of: Mapping[str, frozenset[str]], limits: Mapping[str, Limits]) -> list[str]:
    """Every owner, and every group that has a limit; everybody first, then owners, then groups."""
    owners = {each for each in {*groups_of, *limits} if not each.startswith(("@", EVERYBODY))}
    groups = {each for each in limits if each.startswith("@")}
    everybody = [EVERYBODY] if EVERYBODY in limits else []
    return [*everybody, *sorted(owners), *sorted(groups)]


def _may_see(who: Who, subject: str, groups_of: Mapping[str, frozenset[str]]) -> bool:
    mine = groups_of.get(who.owner, frozenset()) | set(who.groups)
    in_it = subject.startswith("@") and subject[1:] in mine
    return who.role == "admin" or subject == who.owner or in_it


def _members(subject: str, groups_of: Mapping[str, frozenset[str]]) -> frozenset[str]:
    if not subject.startswith("@"):
        return frozenset({subject} - {EVERYBODY})
    return frozenset(owner for owner, groups in groups_of.items() if subject[1:] in groups)


def _rows_of(subject: str, limits: Limits, used: Use) -> Iterator[QuotaRow]:
    for resource in RESOURCES:
        amount = getattr(used, resource)
        if resource in limits or amount:
            yield QuotaRow(
                subject, resource, amount, limits.get(resource), whole=subject != EVERYBODY
            )


def checked(
    parts: Parts, wish: Wish, seen: Claims, subjects: Subjects, making_way: frozenset[str]
) -> Use:
    """What the app will use when it is done; raises OverQuota where that is too much."""
    after = using.when_done(wish, making_way)
    if not subjects.limits:
        return after
    using.refuse_unlimited(wish, subjects.resources)
    given = parts.given(now=False)
    used = used_by_app(parts, wish.view, subjects)
    claimed = {
        (given.owner(*key), key[1]): use for key, use in _claimed(seen, wish.deployment).items()
    }
    this = (given.owner(wish.owner, wish.app.name), wish.app.name)
    before = used.get(this, NO_USE)
    others = {
        key: larger(used.get(key, NO_USE), claimed.get(key, NO_USE))
        for key in {*used, *claimed}
        if key != this
    }
    quotas.check(
        _named(this),
        before,
        after,
        [
            Quota(
                subject,
                limits,
                {
                    _named(key): use
                    for key, use in others.items()
                    if key[0] in subjects.members[subject]
                },
            )
            for subject, limits in subjects.limits.items()
        ],
    )
    return after


def used_by_app(parts: Parts, view: View, subjects: Subjects) -> dict[Key, Use]:
    """What each app of the subjects' members uses, by whose it is now: its containers and volumes,
    also those on hosts that aren't seen, and what its volumes may hold."""
    owners = frozenset().union(*subjects.members.values())
    given = parts.given(now=False)
    found = {key: use for key, use in using.there_now(view).items() if given.owner(*key) in owners}
    away = {host.name for host in view.unseen}
    unseen = placements.read_all(parts.store) if away else {}
    for key, slots in unseen.items():
        services = [slot.rpartition(".")[0] for slot, host in slots.items() if host in away]
        if services and given.owner(*key) in owners:
            model = _model(parts, key)
            more = [
                using.use_of(model.services[name])
                if model and name in model.services
                else Use(containers=1)
                for name in services
            ]
            found[key] = together([found.get(key, NO_USE), *more])
    if "storage" in subjects.resources:
        for key, use in list(found.items()):
            model = _model(parts, key) if use.volumes else None
            if model is not None:
                storage = using.storage_of(model, parts.cluster.storage.default)
                found[key] = together([use, Use(storage=storage)])
    return {(given.owner(*key), key[1]): use for key, use in found.items()}


def _claimed(seen: Claims, deployment: str) -> dict[Key, Use]:
    """What deployments of others are about to use."""
    found: dict[Key, Use] = {}
    for whose in seen.owners:
        for claim in seen.of(whose, but=deployment):
            owner, _, app = claim.app.partition("/")
            key = ("" if owner == state_keys.NO_OWNER else owner, app)
            found[key] = larger(found.get(key, NO_USE), claim.use)
    return found


def _model(parts: Parts, key: Key) -> App | None:
    """The app's latest model; None where it isn't kept."""
    owner, app = key
    number = revisions.latest_number(parts.store, owner, app)
    if not number:
        return None
    try:
        return revisions.load(parts.store, parts.keyring.cipher, owner, app, number)
    except NapError:
        return None


def _named(key: Key) -> str:
    return f"{key[0]}/{key[1]}" if key[0] else key[1]
