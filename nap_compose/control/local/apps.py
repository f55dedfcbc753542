"""The calls about apps and users on record, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import AppDetail, Listing, Target


class LocalApps(Local):
    """See `border.Apps`."""

    def app(self, target: Target) -> AppDetail:
        """A closer look at one app."""
        from nap_compose.control.looking.apps import app_detail

        return app_detail(self._parts, self._owned(target))

    def give_app(self, target: Target, user: str) -> bool:
        """Make the app another user's, or offer it to them."""
        from nap_compose.control.giving import give, offer

        mine = self._owned(target)
        at_once = self._who.role == "admin"
        with self._act("app give", owner=mine.owner, app=mine.app) as act:
            act.detail = f"to {user}" if at_once else f"offered to {user}"
            (give if at_once else offer)(self._parts, self._who, mine, user)
        return at_once

    def take_app(self, target: Target) -> None:
        """Make an offered app the caller's."""
        from nap_compose.control.giving import give

        mine = self._owned(target)
        with self._act("app take", owner=mine.owner, app=mine.app) as act:
            act.detail = f"by {self._who.owner}"
            give(self._parts, self._who, mine, self._who.owner)

    def users(self) -> Listing:
        """Everybody who has logged in, or the caller."""
        from nap_compose.control.looking.apps import list_users

        return list_users(self._parts, self._who)
