"""What owners are today: what is made again for them without their asking is judged by that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from nap_compose.auth.people import role_of
from nap_compose.border import Who
from nap_compose.control.parts import Parts
from nap_compose.control.policing import door_for
from nap_compose.db.records import RecordsAway
from nap_compose.errors import Away, NotAllowed
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class OwnerNow:
    """An owner's role; of who is `gone` from the directory, or from all of its groups that may use
    the cluster, the last that is known."""

    role: str
    gone: bool = False


def owner_now(parts: Parts, owner: str) -> OwnerNow:
    """What the owner is now, as the directory says, or while it is away the records. Where nobody
    can tell, or there is no directory, what stands counts as it was judged when it was made."""
    ldap = parts.cluster.ldap
    if ldap is None:
        return OwnerNow("admin")
    try:
        known = parts.records.user(owner)
    except RecordsAway:
        return OwnerNow("admin")
    if known is None:
        return OwnerNow("admin")
    from nap_compose.auth.ldap import Directory

    try:
        person = Directory(ldap).person(known.id)
    except Away:
        return OwnerNow(known.role)
    role = role_of(person, ldap.roles) if person else ""
    return OwnerNow(role or known.role, gone=not role)


@contextmanager
def in_the_name_of(parts: Parts, who: Who, owner: str, app: str) -> Iterator[Who]:
    """A block in which an app is made again as its owner may have it today. `owner` is the one that
    it stands under on the hosts."""
    before = parts.engines.door
    role = who.role
    if not parts.cluster.embedded:
        role = owner_now(parts, parts.given(now=False).owner(owner, app)).role
    acting = replace(who, owner=owner, role=role)
    parts.engines.door = door_for(parts, acting, owner, app)
    try:
        yield acting
    finally:
        parts.engines.door = before


def check_still_there(parts: Parts, owner: str, app: str) -> None:
    """Raise NotAllowed where the owner has left: nobody changes such an app until an admin has
    handed it over. Raises Away where nobody can tell."""
    ldap = parts.cluster.ldap
    known = parts.records.user(owner) if ldap is not None else None
    if ldap is None or known is None:
        return
    from nap_compose.auth.ldap import Directory

    person = Directory(ldap).person(known.id)
    if person is None or not role_of(person, ldap.roles):
        raise NotAllowed(
            f"{owner} has left, so {owner}/{app} takes no change until it is handed over",
            hint=f"an admin does that: nap app give {owner}/{app} USER, or nap user offboard "
            f"{owner}",
        )
