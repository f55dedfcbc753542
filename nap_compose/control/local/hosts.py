"""The calls about one host, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import (
        Cancel,
        Drained,
        DrainRequest,
        HostChange,
        HostDetail,
        Rebalanced,
        RebalanceRequest,
    )
    from nap_compose.orchestration.events import OnEvent


class LocalHosts(Local):
    """See `border.Hosts`."""

    def host(self, name: str) -> HostDetail:
        """A closer look at one host."""
        from nap_compose.control.hosts import host_detail

        return host_detail(self._parts, name)

    def change_host(self, change: HostChange) -> None:
        """Set a host's state or labels."""
        from nap_compose.control.hosts import change_host

        verb = f"host {change.state or 'label'}"
        with self._act(verb) as act:
            act.on(change.name)
            act.detail = ", ".join(sorted(change.labels))
            change_host(self._parts, change)

    def confirm_lost(self, name: str) -> None:
        """Keep the caller's word that the host is gone."""
        from nap_compose.control.hosts import confirm_lost

        with self._act("host confirm-lost") as act:
            act.on(name)
            confirm_lost(self._parts, self._who, name)

    def drain(self, request: DrainRequest, on_event: OnEvent, cancel: Cancel) -> Drained:
        """Move what can be moved off a host."""
        from nap_compose.control.draining import drain

        with self._act("host drain", kept=not request.dry_run) as act:
            act.on(request.name)
            drained = drain(self._parts, self._who, request, on_event, cancel)
            act.came_to(*drained.outcomes)
            if drained.failed:
                act.outcome = "failed"
                act.detail = "; ".join(f"{app}: {why}" for app, why in drained.failed.items())
        return drained

    def rebalance(self, request: RebalanceRequest, on_event: OnEvent, cancel: Cancel) -> Rebalanced:
        """Move what is better off on another host."""
        from nap_compose.control.rebalancing import rebalance

        with self._act("host rebalance", kept=not request.dry_run) as act:
            done = rebalance(self._parts, self._who, request, on_event, cancel)
            act.came_to(*done.outcomes)
        return done
