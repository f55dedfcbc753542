"""Whoever logs in stands in the records, under an owner that stays theirs."""

from __future__ import annotations

from nap_compose.auth.people import Person, short_names
from nap_compose.clock import utc_now
from nap_compose.cluster.names import owner_of
from nap_compose.db.people import PeopleRecords, UserRecord
from nap_compose.db.records import OtherSchema


def enrolled(records: PeopleRecords, person: Person, role: str) -> str:
    """Enter the person as they are now; gives the owner that they are.

    Who was renamed keeps the owner that they had. Raises Clash where the name was somebody else's
    before: their apps are not this person's. Raises RecordsAway.
    """
    known = next((user for user in records.users() if user.id == person.id), None)
    owner = known.owner if known else owner_of(person.name)
    now = utc_now()
    seen = UserRecord(
        id=person.id,
        owner=owner,
        name=person.name,
        role=role,
        groups=short_names(person.groups),
        first_seen=now,
        last_seen=now,
    )
    try:
        records.see_user(seen)
    except OtherSchema:
        # Who is known gets in to look, until every machine has the same nap.
        if known is None:
            raise
    return owner
