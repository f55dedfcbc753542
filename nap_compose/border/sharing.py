"""Apps that their owner lets others view or operate."""

from __future__ import annotations

from typing import Protocol

from nap_compose.border.words import Listing, Target
from nap_compose.plaindata import dataclass

ACCESS = ("view", "operate", "take")
"""What an owner may let others do with an app, each with all before it. Who may `take` an app was
offered it."""


@dataclass(frozen=True)
class ShareRequest:
    """Let `grantee` (a user's name, or `@GROUP`) at the target's app: `access` is view or operate,
    empty to take it back, also an offer to take the app."""

    target: Target
    grantee: str
    access: str = ""


@dataclass(frozen=True)
class ShareRow:
    """What one grantee may do (`access`: view, operate, or take it besides), who gave it and when
    (UTC, ISO 8601)."""

    owner: str
    app: str
    grantee: str
    access: str
    author: str
    created: str


class Sharing(Protocol):
    """The calls about shares. Every method raises NapError with its exit code."""

    def share(self, request: ShareRequest) -> None: ...

    def shares(self, target: Target) -> Listing:
        """Rows of `ShareRow`, of one app or, without one, of all of the caller's."""
