"""The calls about shares, carried out here and now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local
from nap_compose.errors import WrongUse

if TYPE_CHECKING:
    from nap_compose.border import Listing, ShareRequest, Target


class LocalSharing(Local):
    """See `border.Sharing`."""

    def share(self, request: ShareRequest) -> None:
        """Let somebody at an app, or no longer."""
        from nap_compose.control.sharing import share

        target = self._owned(request.target)
        verb = "app share" if request.access else "app unshare"
        with self._act(verb, owner=target.owner, app=target.app) as act:
            act.detail = " ".join(filter(None, (request.grantee, request.access)))
            share(self._parts, self._who, replace(request, target=target))

    def shares(self, target: Target) -> Listing:
        """What is shared, and with whom."""
        from nap_compose.control.sharing import shares

        self._refuse_alone()
        return shares(self._parts, replace(target, owner=target.owner or self._who.owner))

    def _refuse_alone(self) -> None:
        """Embedded there are no owners, and so nobody to share with."""
        if self._parts.cluster.embedded:
            raise WrongUse("apps are shared on a cluster, and this is the local engine alone")
