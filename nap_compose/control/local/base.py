"""What every group of calls works with: the cluster's parts, and who calls."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from nap_compose.border import Target, Who
from nap_compose.control.parts import Parts
from nap_compose.control.policing import door_for

if TYPE_CHECKING:
    from nap_compose.control.trail import Act


class Local:
    """The parts of one cluster, and the person who acts on it."""

    def __init__(self, parts: Parts, who: Who) -> None:
        self._parts = parts
        self._who = who

    def acts_for(self, who: Who, owner: str, app: str = "") -> None:
        """Let the calls that come be that person's, on an app that stands under `owner`."""
        self._who = who
        self._parts.engines.door = door_for(self._parts, who, owner or who.owner, app)

    def _owned(self, target: Target) -> Target:
        """The target with the caller as the owner of an app that was named without one."""
        if target.app and not target.owner:
            return replace(target, owner=self._who.owner)
        return target

    def _act(
        self,
        verb: str,
        *,
        owner: str = "",
        app: str = "",
        kept: bool = True,
        makes_room: bool = False,
    ) -> AbstractContextManager[Act]:
        """What is done within stands in the audit trail; without an owner the app is the
        caller's own. What isn't `kept` changes nothing."""
        owner = owner or (self._who.owner if app else "")
        return self._parts.trail.act(
            self._who, verb, owner=owner, app=app, kept=kept, makes_room=makes_room
        )

    def _talk(self, verb: str, target: Target) -> AbstractContextManager[Act]:
        """The same for what is done in containers. On the local engine, whose one person could
        do it without nap, nothing is kept of it."""
        shared = not self._parts.cluster.embedded
        return self._act(verb, owner=target.owner, app=target.app, kept=shared)
