"""Telling people what needs them: what is due, who is told, and how it reaches them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nap_compose.cluster.state import Lease
    from nap_compose.control.parts import Parts


@contextlib.contextmanager
def telling(parts: Parts, lease: Lease, say: Callable[[str], None]) -> Iterator[None]:
    """Who leads by this lease tells people meanwhile, where the cluster file names some."""
    if not parts.cluster.notify.to:
        yield
        return
    from nap_compose.control.notifying.notifier import Notifier

    notifier = Notifier(parts, parts.cluster.notify, lease, say)
    notifier.start()
    try:
        yield
    finally:
        notifier.stop()
