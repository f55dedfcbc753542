"""Whose an image is by its name, where apps were given away.

A build of an app calls its images by the app's project, which bears its maker's name for good. Who
has the app now makes those, and images under a name of their own, but nothing else of the maker's;
nor does the maker make them any longer.
"""

from __future__ import annotations

from collections.abc import Iterator

from nap_compose.auth.policy.images import is_of, is_own
from nap_compose.cluster.names import project_of
from nap_compose.control.given import GivenApps
from nap_compose.control.parts import Parts

Key = tuple[str, str]


def may_make(parts: Parts, maker: str, app: str, reference: str) -> bool:
    """Whether an image that is made for an app may go by that name. The app stands under `maker`;
    an empty one is none in particular of theirs."""
    given = parts.given(now=False)
    owner = given.owner(maker, app)
    mine = project_of(maker, app) if app else ""
    apps_own = bool(mine) and is_of(reference, mine)
    if not apps_own and not is_own(reference, owner):
        return False
    if not given.owners:
        return True
    # `ada_shop-web-x` may be of two apps: it is that one's whose name says more of it.
    return not any(
        is_of(reference, project) and len(project) > len(mine if apps_own else "")
        for project in _of_others(parts, given, maker, owner)
    )


def _of_others(parts: Parts, given: GivenApps, maker: str, owner: str) -> Iterator[str]:
    """The projects of apps under that maker's name, or the owner's, that are others' now."""
    keys: set[Key] = set(given.owners)
    if owner != maker:
        keys |= {(each.owner, each.name) for each in parts.records.apps() if each.owner == maker}
    return (project_of(*key) for key in keys if given.owner(*key) != owner)
