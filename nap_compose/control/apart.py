"""What stands under one maker's name on the hosts, and is different owners' by now.

An app that was given away keeps its maker's name there, and with it the beginning of the names of
its volumes and networks. Who calls one of them by that name is judged by whose it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nap_compose.auth.policy.owned import Named
from nap_compose.cluster import labels
from nap_compose.cluster.engine import Engine, NotFound
from nap_compose.control.given import GivenApps
from nap_compose.control.parts import Parts
from nap_compose.errors import NotAllowed
from nap_compose.orchestration.bodies.making import network_name, volume_name

if TYPE_CHECKING:
    from nap_compose.cluster.labels import Identity
    from nap_compose.orchestration.decide import Wish


def check(parts: Parts, wish: Wish, *, admin: bool) -> None:
    """Raise NotAllowed where the app names a volume or network that is another owner's now."""
    if admin or parts.cluster.embedded:
        return
    given = parts.given(now=False)
    if not _concerned(given, wish.owner):
        return
    app, project = wish.app, wish.project
    named = {("volume", volume_name(app, project, key)) for key in app.volumes}
    named |= {("network", network_name(app, project, key)) for key in app.networks}
    for host in wish.view.hosts.values():
        there = [("volume", each.name, each.identity) for each in host.volumes]
        there += [("network", each.name, each.identity) for each in host.networks]
        for kind, name, identity in there:
            if (kind, name) in named:
                why = _why_not(given, kind, name, identity, wish.owner, app.name)
                if why:
                    raise NotAllowed(why, host=host.name)


class Apart:
    """The same at the engines' door, whatever led to the body."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def concerns(self, owner: str) -> bool:
        """Whether anything under that maker's name isn't the maker's any more."""
        return _concerned(self._parts.given(now=False), owner)

    def why_not(self, engine: Engine, named: Iterable[Named], owner: str, app: str) -> str:
        """Why an app may have none of these things; empty where it may have all."""
        given = self._parts.given(now=False)
        if not _concerned(given, owner):
            return ""
        for kind, name in named:
            told = _labels_of(engine, kind, name)
            if told is None:
                continue
            identity = labels.read(
                told[1], names=(told[0],), cluster=self._parts.cluster.name, seal=self._parts.seal
            )
            why = _why_not(given, kind, told[0], identity, owner, app)
            if why:
                return why
        return ""


def _concerned(given: GivenApps, owner: str) -> bool:
    """Whether anything under that maker's name isn't the maker's any more."""
    return any(maker == owner for maker, _ in given.owners)


def _labels_of(engine: Engine, kind: str, name: str) -> tuple[str, Mapping[str, str]] | None:
    """The full name and the labels of something; None where it isn't there."""
    if not name or name.startswith("/"):
        return None
    look = engine.inspect_volume if kind == "volume" else engine.inspect_network
    try:
        there = look(name)
    except NotFound:
        return None
    return str(there["Name"]), there.get("Labels") or {}


def _why_not(
    given: GivenApps, kind: str, name: str, identity: Identity | None, owner: str, app: str
) -> str:
    mine = given.owner(owner, app)
    if identity is not None and identity.owner == owner:
        theirs = given.owner(owner, identity.app)
        whose = f"{theirs}/{identity.app}'s"
    elif name.startswith(f"{owner}_"):
        theirs, whose = owner, f"{owner}'s"
    else:
        return ""
    return "" if theirs == mine else f"the {kind} {name} is {whose}, and {app} is {mine}'s"
