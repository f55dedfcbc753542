"""The calls about health, carried out here and now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import (
        Cancel,
        Checkup,
        HappeningRequest,
        HealthReport,
        Target,
        WatchRequest,
    )
    from nap_compose.health.records import Happening


class LocalHealth(Local):
    """See `border.Health`."""

    def check_health(self) -> Checkup:
        """One sweep."""
        from nap_compose.control.checkup import check

        return check(self._parts)

    def health(self, target: Target) -> HealthReport:
        """What is on record."""
        from nap_compose.control.checkup import report

        return report(self._parts, self._owned(target))

    def health_events(self, request: HappeningRequest) -> Sequence[Happening]:
        """What happened."""
        from dataclasses import replace

        from nap_compose.control.checkup import happenings

        return happenings(self._parts, replace(request, target=self._owned(request.target)))

    def watch_health(self, request: WatchRequest, say: Callable[[str], None], stop: Cancel) -> None:
        """Keep watch."""
        from nap_compose.control.watching.watch import watch

        if request.metrics:
            from nap_compose.control.watching.metrics import serve

            with serve(request.metrics) as figures:
                watch(self._parts, stop, say, figures)
            return
        watch(self._parts, stop, say)
