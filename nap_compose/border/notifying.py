"""Who is told when something needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border.words import Listing


@dataclass(frozen=True)
class NotifyTest:
    """The recipients of the cluster file to try (none: all)."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotifyRow:
    """A recipient, how it is reached (webhook, mail, command), and why it wasn't told (empty: it
    was)."""

    name: str
    way: str
    problem: str = ""


class Notifying(Protocol):
    """The call about notices. Raises NapError with its exit code."""

    def try_notify(self, request: NotifyTest) -> Listing:
        """Send each a notice that says it is a test: rows of `NotifyRow`."""
