"""The check before an app is deployed, is given, or lets a volume hold more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from nap_compose.auth import quotas
from nap_compose.auth.quotas import OverQuota, Quota
from nap_compose.cluster.claims import Claims
from nap_compose.cluster.use import NO_USE, Use, larger, together
from nap_compose.control import stored_use
from nap_compose.control.parts import Parts
from nap_compose.control.quotas.subjects import Subjects, said, subjects_for, subjects_of
from nap_compose.control.quotas.used import (
    LOOK,
    claimed_by_app,
    given_now,
    model_of,
    stored_if_reached,
    used_by_app,
)
from nap_compose.control.stored_use import Key
from nap_compose.orchestration import using
from nap_compose.orchestration.decide import Wish


def checked_app(
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
    given = given_now(parts)
    used = used_by_app(parts, wish.view, subjects)
    this = (given.owner(wish.owner, wish.app.name), wish.app.name)
    claimed = claimed_by_app(seen, wish.deployment, given)
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
    given = given_now(parts)
    view = parts.look(only=LOOK)
    both = Subjects(subjects.limits, {**subjects.members, "": frozenset({before})})
    used = used_by_app(parts, view, both)
    these = {(before, name) for _, name in apps}
    after = together(used.get(key, NO_USE) for key in these)
    besides = _besides(these, subjects, used, claimed_by_app(seen, deployment, given))
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
    model = model_of(parts, key)
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
    given = given_now(parts)
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
    besides = _besides({this}, subjects, used, claimed_by_app(seen, deployment, given))
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
    there = stored_if_reached(parts, lambda each: each == key) or {}
    return sum(each.counts for each in there.get(key, ()) if each.folder not in wanted)


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


def _named(key: Key) -> str:
    return f"{key[0]}/{key[1]}" if key[0] else key[1]
