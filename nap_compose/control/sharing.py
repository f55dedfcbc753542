"""Sharing an app: the records say who may do what with it, the guard reads it at each call."""

from __future__ import annotations

from nap_compose.border import Listing, ShareRequest, ShareRow, Target, Who
from nap_compose.clock import utc_now
from nap_compose.cluster.names import owner_of
from nap_compose.control.parts import Parts
from nap_compose.db.people import ShareRecord
from nap_compose.db.records import AppRecord
from nap_compose.errors import WrongUse
from nap_compose.text import nearest


def share(parts: Parts, who: Who, request: ShareRequest) -> None:
    """Give or take back; see `border.Sharing`. Raises WrongUse for an app or somebody unknown."""
    if request.access not in ("", "view", "operate"):
        raise WrongUse(f"nobody can be let {request.access} an app")
    app = _known_app(parts, request.target)
    grantee = request.grantee if request.grantee.startswith("@") else owner_of(request.grantee)
    if not request.access:
        if not parts.records.unshare(app.id, grantee):
            raise WrongUse(f"{app.owner}/{app.name} isn't shared with {request.grantee}")
        return
    if not request.grantee.startswith("@"):
        _check_somebody(parts, grantee, app)
    parts.records.share(ShareRecord(app.id, grantee, request.access, who.name, utc_now()))


def shares(parts: Parts, target: Target) -> Listing:
    """What is shared of one app, or of all of an owner's."""
    records = parts.records
    apps = [_known_app(parts, target)] if target.app else records.apps(target.owner)
    rows = [
        ShareRow(app.owner, app.name, each.grantee, each.access, each.author, each.created)
        for app in apps
        for each in records.shares(app.id)
    ]
    return Listing(tuple(rows))


def _known_app(parts: Parts, target: Target) -> AppRecord:
    app = parts.records.app(target.owner, target.app)
    if app is None:
        raise WrongUse(
            f"there is no app {target.owner}/{target.app}", hint="nap ls lists those that run"
        )
    return app


def _check_somebody(parts: Parts, grantee: str, app: AppRecord) -> None:
    if grantee == parts.given(now=True).owner(app.owner, app.name):
        raise WrongUse(f"{grantee}/{app.name} is {grantee}'s already")
    check_known(parts, grantee)


def check_known(parts: Parts, grantee: str) -> None:
    """Raise WrongUse for somebody who has never logged in."""
    known = [user.owner for user in parts.records.users()]
    if grantee not in known:
        near = nearest(grantee, known)
        raise WrongUse(
            f"nobody called {grantee} has logged in yet",
            hint=f"did you mean {near}?" if near else "a group is written with an @ before it",
        )
