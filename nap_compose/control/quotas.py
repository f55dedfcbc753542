"""Quotas at work: whose count for an app, and the check before it is deployed or given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from nap_compose.auth import quotas
from nap_compose.auth.quotas import EVERYBODY, Limits, OverQuota, Quota
from nap_compose.border import QuotaChange, Who
from nap_compose.clock import utc_now
from nap_compose.cluster import placements, revisions, state_keys
from nap_compose.cluster.claims import Claims
from nap_compose.cluster.observe import Part
from nap_compose.cluster.use import NO_USE, Use, larger, together
from nap_compose.cluster.view import View
from nap_compose.compose.model import App
from nap_compose.control import stored_use
from nap_compose.control.given import GivenApps
from nap_compose.control.parts import Parts
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
LOOK = frozenset({Part.CONTAINERS, Part.VOLUMES})


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
    given = _given_now(parts)
    gone = stored_use.look(parts, lambda key: key[0] == maker != given.owner(*key))
    return sum(stored_use.amounts(gone).values())


def members_of(subject: str, groups_of: Mapping[str, frozenset[str]]) -> frozenset[str]:
    if not subject.startswith("@"):
        return frozenset({subject} - {EVERYBODY})
    return frozenset(owner for owner, groups in groups_of.items() if subject[1:] in groups)


def checked(
    parts: Parts, wish: Wish, seen: Claims, subjects: Subjects, making_way: frozenset[str]
) -> Use:
    """What the app will use when it is done; raises OverQuota where that is too much."""
    after = using.when_done(wish, making_way)
    if not subjects.limits:
        return after
    using.refuse_unlimited(wish, subjects.resources)
    if "storage" in subjects.resources:
        after = together([after, Use(storage=_left_over(parts, wish))])
    # Read after the claims: an app that was given since then stands in neither of two places.
    given = _given_now(parts)
    used = used_by_app(parts, wish.view, subjects)
    this = (given.owner(wish.owner, wish.app.name), wish.app.name)
    claimed = _claimed(seen, wish.deployment, given)
    besides = _besides({this}, subjects, used, claimed)
    quotas.check(_named(this), used.get(this, NO_USE), after, besides)
    return after


def checked_gift(
    parts: Parts, seen: Claims, apps: Sequence[Key], before: str, owner: str, deployment: str
) -> tuple[Use, Subjects]:
    """What apps of `before`'s use (each named by who made it) that are to be `owner`'s, and whose
    quotas count it from then on; raises OverQuota where that is too much for these."""
    every = subjects_for(parts, owner, said(parts))
    # What is of a group that both are in stays in it.
    mine = {each for each, members in every.members.items() if before not in members}
    subjects = Subjects(
        {each: most for each, most in every.limits.items() if each in mine},
        {each: members for each, members in every.members.items() if each in mine},
    )
    if not subjects.limits:
        return NO_USE, subjects
    for key in apps:
        _refuse_unlimited_gift(parts, key, before, owner, subjects)
    given = _given_now(parts)
    view = parts.look(only=LOOK)
    both = Subjects(subjects.limits, {**subjects.members, "": frozenset({before})})
    used = used_by_app(parts, view, both)
    these = {(before, name) for _, name in apps}
    after = together(used.get(key, NO_USE) for key in these)
    besides = _besides(these, subjects, used, _claimed(seen, deployment, given))
    named = ", ".join(map(_named, sorted(these)))
    asks = "would be theirs and uses" if len(these) == 1 else "would be theirs and use"
    quotas.check(named, NO_USE, after, besides, asks=asks)
    return after, subjects


def _refuse_unlimited_gift(
    parts: Parts, key: Key, before: str, owner: str, subjects: Subjects
) -> None:
    if "storage" in subjects.resources:
        for volume in stored_use.look(parts, lambda each: each == key).get(key, ()):
            if not volume.limit:
                name = volume.folder.rpartition("/")[2]
                raise OverQuota(
                    f"{_named((before, key[1]))} can't be {owner}'s: its volume {name} may hold "
                    f"any amount, and the quota of {owner} limits storage",
                    hint=f"say how much it may hold: nap storage quota {key[1]}/{name} 10g",
                )
    model = _model(parts, key)
    for service, resource, limit in using.unlimited(model, subjects.resources) if model else ():
        raise OverQuota(
            f"{_named((before, key[1]))} can't be {owner}'s: its service {service} has no limit "
            f"of {resource}, and the quota of {owner} has",
            hint=f"say in its file how much it may use ({limit}), and nap up; or an admin takes "
            "the quota's away: nap quota set",
        )


def checked_volume(
    parts: Parts, seen: Claims, key: Key, folder: str, most: int, deployment: str
) -> tuple[Use, Subjects]:
    """What an app (named by who made it) will use once its volume in `folder` may hold `most` bytes
    (0: any number), and whose quotas count that; raises OverQuota where it is too much."""
    subjects = subjects_of(parts, *key)
    if "storage" not in subjects.resources:
        return NO_USE, subjects
    given = _given_now(parts)
    this = (given.owner(*key), key[1])
    if not most:
        raise OverQuota(
            f"{folder} can't hold any amount: the quota of {this[0]} limits storage",
            hint="say how much it may hold; or an admin takes the quota's away: nap quota set",
        )
    there = stored_use.look(parts, lambda each: each == key).get(key, ())
    was = sum(each.counts for each in there if each.folder == folder)
    used = used_by_app(parts, parts.look(only=LOOK), subjects)
    before = used.get(this, NO_USE)
    after = replace(before, storage=before.storage - was + most)
    besides = _besides({this}, subjects, used, _claimed(seen, deployment, given))
    quotas.check(_named(this), before, after, besides)
    return after, subjects


def _left_over(parts: Parts, wish: Wish) -> int:
    """Bytes that count of the app's volumes which are there and no more in its file."""
    wanted = {
        volume.folder
        for key, volume in wish.pooled.items()
        if not wish.app.volumes[key].get("external")
    }
    key = (wish.owner, wish.app.name)
    there = _stored_if_reached(parts, lambda each: each == key) or {}
    return sum(each.counts for each in there.get(key, ()) if each.folder not in wanted)


def _stored_if_reached(parts: Parts, wanted: Callable[[Key], bool]) -> stored_use.Stored | None:
    """The volumes in the cluster's storage; None where it can't be asked."""
    try:
        return stored_use.look(parts, wanted)
    except NapError:
        return None


def _given_now(parts: Parts) -> GivenApps:
    try:
        return parts.given(now=True)
    except RecordsAway:
        if not parts.records_may_wait:
            raise
        return parts.given(now=False)


def _besides(
    these: Collection[Key], subjects: Subjects, used: Mapping[Key, Use], claimed: Mapping[Key, Use]
) -> list[Quota]:
    """The quotas, each with what other apps than these use of it, or are about to."""
    others = {
        key: larger(used.get(key, NO_USE), claimed.get(key, NO_USE))
        for key in {*used, *claimed}
        if key not in these
    }
    return [
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
    ]


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
        for key, storage in _storage(parts, found, lambda key: given.owner(*key) in owners).items():
            found[key] = together([found.get(key, NO_USE), Use(storage=storage)])
    return {(given.owner(*key), key[1]): use for key, use in found.items()}


def _storage(
    parts: Parts, found: Mapping[Key, Use], wanted: Callable[[Key], bool]
) -> dict[Key, int]:
    """Bytes that count of the volumes of these apps: by what is set for them, or where the storage
    can't be asked by their models."""
    there = _stored_if_reached(parts, wanted)
    if there is not None:
        return stored_use.amounts(there)
    models = {key: _model(parts, key) for key, use in found.items() if use.volumes}
    default = parts.cluster.storage.default
    return {key: using.storage_of(model, default) for key, model in models.items() if model}


def _claimed(seen: Claims, deployment: str, given: GivenApps) -> dict[Key, Use]:
    """What apps are about to use that others deploy or give, by whose each is or is about to be."""
    found: dict[Key, Use] = {}
    for whose in seen.owners:
        for claim in seen.of(whose, but=deployment):
            owner, _, app = claim.app.partition("/")
            maker = "" if owner == state_keys.NO_OWNER else owner
            key = (claim.to or given.owner(maker, app), app)
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
