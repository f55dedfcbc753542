"""The calls about images, carried out here and now."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import (
        BuildRequest,
        Built,
        Cancel,
        Handled,
        Listing,
        PruneRequest,
        PullRequest,
        PushRequest,
    )
    from nap_compose.control.trail import Act
    from nap_compose.orchestration.events import OnEvent


class LocalImaging(Local):
    """See `border.Imaging`."""

    def build(self, request: BuildRequest, on_event: OnEvent, cancel: Cancel) -> Built:
        """Build images on one host."""
        from nap_compose.control.building import build

        with self._handling("build", request.app.name, dry_run=request.dry_run) as act:
            built = build(self._parts, self._who, request, on_event, cancel)
            act.on(*(image.host for image in built.images))
        return built

    def push(self, request: PushRequest, on_event: OnEvent, cancel: Cancel) -> Handled:
        """Push what was built."""
        from nap_compose.control.pushing import push

        with self._handling("push", request.app.name, dry_run=request.dry_run):
            return push(self._parts, self._who, request, on_event, cancel)

    def pull(self, request: PullRequest, on_event: OnEvent, cancel: Cancel) -> Handled:
        """Pull images to where they are needed."""
        from nap_compose.control.pulling import pull

        with self._handling("pull", request.app.name, dry_run=request.dry_run):
            return pull(self._parts, self._who, request, on_event, cancel)

    def prune(self, request: PruneRequest) -> Listing:
        """Remove what no app needs any more."""
        from nap_compose.control.pruning.prune import prune

        kept = not (request.dry_run or self._parts.cluster.embedded)
        with self._act("prune", kept=kept, makes_room=True) as act:
            listing = prune(self._parts, request)
            act.on(*(row.host for row in listing.rows))
        return listing

    def _handling(self, verb: str, app: str, *, dry_run: bool) -> AbstractContextManager[Act]:
        """On the local engine, whose one person could do it without nap, nothing is kept of it."""
        return self._act(verb, app=app, kept=not (dry_run or self._parts.cluster.embedded))
