"""Limits as rows, with what is used of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nap_compose.auth import quotas
from nap_compose.auth.quotas import EVERYBODY, Limits
from nap_compose.border import Listing, QuotaRow, Who
from nap_compose.cluster.use import RESOURCES, Use, together
from nap_compose.control.parts import Parts
from nap_compose.control.quotas.subjects import Subjects, members_of, said
from nap_compose.control.quotas.used import LOOK, used_by_app
from nap_compose.control.reading import warnings_of
from nap_compose.orchestration import using


def rows(parts: Parts, who: Who, subject: str) -> Listing:
    """Each limit with what is used of it; see `border.Quotas`."""
    if parts.cluster.embedded:
        return Listing(())
    limits = said(parts)
    view = parts.look(only=LOOK)
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
        {each: members_of(each, groups_of) for each in wanted},
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


def _rows_of(subject: str, limits: Limits, used: Use) -> Iterator[QuotaRow]:
    for resource in RESOURCES:
        amount = getattr(used, resource)
        if resource in limits or amount:
            yield QuotaRow(
                subject, resource, amount, limits.get(resource), whole=subject != EVERYBODY
            )
