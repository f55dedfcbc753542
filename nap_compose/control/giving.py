"""Giving an app to another owner: its containers, volumes, logs and history stay where they are."""

from __future__ import annotations

import contextlib
import uuid

from nap_compose.border import Target, Who
from nap_compose.clock import utc_now
from nap_compose.cluster import app_lock
from nap_compose.cluster.claims import Claims
from nap_compose.cluster.names import owner_of
from nap_compose.cluster.observe import Part
from nap_compose.cluster.use import Use
from nap_compose.control import claiming
from nap_compose.control.parts import Parts
from nap_compose.control.quotas import checking
from nap_compose.control.quotas.limiting import limit_storage
from nap_compose.control.quotas.subjects import Subjects
from nap_compose.control.sharing import check_known
from nap_compose.db.people import GivenRecord, ShareRecord
from nap_compose.db.records import AppRecord
from nap_compose.errors import Away, NapError, WrongUse
from nap_compose.plaindata import dataclass

_LOOK = frozenset({Part.CONTAINERS, Part.VOLUMES})


def give(parts: Parts, who: Who, target: Target, to: str) -> None:
    """Make the app, which stands under `target.owner`, that of the user `to`.

    Raises WrongUse where there is no such app, nobody so called, or they have one of that name;
    OverQuota where what it uses is too much for them.
    """
    going = _going(parts, target, to)
    maker, name, owner = target.owner, target.app, owner_of(to)
    deployment = uuid.uuid4().hex
    with app_lock.take(parts.store, maker, name, who=who.name, deployment=deployment):

        def check(seen: Claims) -> tuple[Use, Subjects]:
            key = (maker, name)
            return checking.checked_gift(parts, seen, [key], going.before, owner, deployment)

        with claiming.held(parts, (maker, name), deployment, check, to=owner):
            parts.records.give(GivenRecord(maker, name, owner, who.name, utc_now()))
            parts.records.unshare(going.app.id, owner)
    parts.given(now=True)
    with contextlib.suppress(NapError):  # the maker's next deployment sees to it again
        limit_storage(parts, maker)


def offer(parts: Parts, who: Who, target: Target, to: str) -> None:
    """Let the user `to` take the app, and operate it until then. Raises WrongUse as `give` does."""
    app = _going(parts, target, to).app
    parts.records.share(ShareRecord(app.id, owner_of(to), "take", who.name, utc_now()))


@dataclass(frozen=True)
class _Going:
    """An app that is given, and whose it was `before`."""

    app: AppRecord
    before: str


def _going(parts: Parts, target: Target, to: str) -> _Going:
    if parts.cluster.embedded:
        raise WrongUse(
            "there are no users on the local engine, so every app is yours",
            hint="a cluster file makes a cluster; see docs/cluster-file.md",
        )
    maker, name, owner = target.owner, target.app, owner_of(to)
    before = parts.given(now=True).owner(maker, name)
    app = parts.records.app(maker, name)
    if app is None:
        raise WrongUse(f"there is no app {before}/{name}", hint="nap ls lists those that run")
    if owner == before:
        raise WrongUse(f"{before}/{name} is {before}'s already")
    check_may_have(parts, maker, name, owner)
    return _Going(app, before)


def check_may_have(parts: Parts, maker: str, name: str, owner: str) -> None:
    """Raise WrongUse where there is nobody so called, or they have an app of that name; Away where
    that can't be told."""
    if parts.cluster.ldap is not None:
        check_known(parts, owner)
    if owner != maker:
        _check_name_is_free(parts, owner, name)


def _check_name_is_free(parts: Parts, owner: str, name: str) -> None:
    """Raise WrongUse where the owner has an app of that name, whoever made it; Away where that
    can't be told."""
    taken = WrongUse(
        f"{owner} has an app {name} already, and each name stands for one app",
        hint=f"take that one away first, with its volumes: nap down -v {owner}/{name}",
    )
    given = parts.given(now=True)
    if (owner, name) in given.makers:
        raise taken
    view = parts.look(only=_LOOK)
    for host in view.hosts.values():
        there = [each.identity for each in host.containers]
        there += [each.identity for each in host.volumes]
        for identity in there:
            if identity is not None and (identity.owner, identity.app) == (owner, name):
                raise taken
    if view.unseen and parts.records.app(owner, name) is not None:
        raise Away(
            f"{owner} had an app {name}, and host {view.unseen[0].name} wasn't seen, where "
            "something of it may be",
            hint="nap host ls shows which hosts are away",
        )
