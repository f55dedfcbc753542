"""Tells a container that its engine starts in vain from one that only begins with difficulty."""

from __future__ import annotations

import time
from collections.abc import Callable

from nap_compose.cluster.engine import Engine, NotFound
from nap_compose.cluster.view import ContainerView
from nap_compose.health.verdict import Verdict, looping

PATIENCE = 30.0
"""Seconds from the first restart seen for which nothing is said: a program that ends while its
database isn't up yet is well soon after."""


class Loop:
    """The restarts of one container while somebody waits for it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since: float | None = None

    def verdict(self, engine: Engine, found: ContainerView | None) -> Verdict | None:
        """Why there is no sense in waiting longer; None while there is.

        The engine is asked for the count only where it restarts the container and has for long.
        """
        if found is None or found.state != "restarting":
            return None
        if self._since is None:
            self._since = self._now()
        if self._now() - self._since < PATIENCE:
            return None
        try:
            shown = engine.inspect_container(found.id)
        except NotFound:
            return None  # the next look tells
        code = (shown.get("State") or {}).get("ExitCode") or 0
        return looping(int(shown.get("RestartCount") or 0), int(code))
