"""What apps use of what quotas limit, or are about to, by whose each is now."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nap_compose.cluster import placements, revisions, state_keys
from nap_compose.cluster.claims import Claims
from nap_compose.cluster.observe import Part
from nap_compose.cluster.use import NO_USE, Use, larger, together
from nap_compose.cluster.view import View
from nap_compose.compose.model import App
from nap_compose.control import stored_use
from nap_compose.control.given import GivenApps
from nap_compose.control.parts import Parts
from nap_compose.control.quotas.subjects import Subjects
from nap_compose.control.stored_use import Key
from nap_compose.db.records import RecordsAway
from nap_compose.errors import NapError
from nap_compose.orchestration import using

LOOK = frozenset({Part.CONTAINERS, Part.VOLUMES})


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
            model = model_of(parts, key)
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
    there = stored_if_reached(parts, wanted)
    if there is not None:
        return stored_use.amounts(there)
    models = {key: model_of(parts, key) for key, use in found.items() if use.volumes}
    default = parts.cluster.storage.default
    return {key: using.storage_of(model, default) for key, model in models.items() if model}


def claimed_by_app(seen: Claims, deployment: str, given: GivenApps) -> dict[Key, Use]:
    """What apps are about to use that others deploy or give, by whose each is or is about to be."""
    found: dict[Key, Use] = {}
    for whose in seen.owners:
        for claim in seen.of(whose, but=deployment):
            owner, _, app = claim.app.partition("/")
            maker = "" if owner == state_keys.NO_OWNER else owner
            key = (claim.to or given.owner(maker, app), app)
            found[key] = larger(found.get(key, NO_USE), claim.use)
    return found


def model_of(parts: Parts, key: Key) -> App | None:
    """The app's latest model; None where it isn't kept."""
    owner, app = key
    number = revisions.latest_number(parts.store, owner, app)
    if not number:
        return None
    try:
        return revisions.load(parts.store, parts.keyring.cipher, owner, app, number)
    except NapError:
        return None


def stored_if_reached(parts: Parts, wanted: Callable[[Key], bool]) -> stored_use.Stored | None:
    """The volumes in the cluster's storage; None where it can't be asked."""
    try:
        return stored_use.look(parts, wanted)
    except NapError:
        return None


def given_now(parts: Parts) -> GivenApps:
    """Whose each app is at this moment; who keeps watch while the database is away takes what was
    last known."""
    try:
        return parts.given(now=True)
    except RecordsAway:
        if not parts.records_may_wait:
            raise
        return parts.given(now=False)
