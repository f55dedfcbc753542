"""One app closely, and everybody: what the records tell beside the hosts."""

from __future__ import annotations

from nap_compose.border import AppDetail, Deployed, Listing, ShareRow, Target, UserRow, Who
from nap_compose.cluster.observe import Part, Whose
from nap_compose.cluster.use import NO_USE
from nap_compose.control.history import Past, past
from nap_compose.control.parts import Parts
from nap_compose.control.reading import row_of, warnings_of
from nap_compose.orchestration import using

DEPLOYMENTS = 5
"""How many of the last ones are told."""

_LOOK = frozenset({Part.CONTAINERS, Part.VOLUMES})


def app_detail(parts: Parts, target: Target) -> AppDetail:
    """All that there is of one app. Raises WrongUse where nothing is on record of it."""
    known: Past = past(parts, target)
    key = (known.app.owner, known.app.name)
    view = parts.look(only=_LOOK, whose=Whose(*key))
    mine = [each for each in view.of_app(*key) if each.identity is not None]
    rows = sorted(
        (row_of(each, view.hosts[each.host]) for each in mine),
        key=lambda row: (row.service, row.replica),
    )
    shares = parts.records.shares(known.app.id)
    return AppDetail(
        owner=known.app.owner,
        app=known.app.name,
        maker=known.app.owner,
        project=known.app.project,
        created=known.app.created,
        revision=known.current,
        containers=tuple(rows),
        volumes=tuple(sorted(using.volumes_there(view).get(key, ()))),
        shares=tuple(
            ShareRow(*key, each.grantee, each.access, each.author, each.created) for each in shares
        ),
        deployments=tuple(
            Deployed(
                each.id,
                each.verb,
                each.revision,
                each.author,
                each.started,
                each.ended,
                each.outcome,
            )
            for each in known.deployments[:DEPLOYMENTS]
        ),
        used=using.there_now(view).get(key, NO_USE).as_dict(),
        warnings=warnings_of(view),
    )


def list_users(parts: Parts, who: Who) -> Listing:
    """Everybody for an admin, for others themselves."""
    rows = [
        UserRow(each.owner, each.name, each.role, each.groups, each.first_seen, each.last_seen)
        for each in parts.records.users()
        if who.role == "admin" or each.owner == who.owner
    ]
    return Listing(tuple(rows))
