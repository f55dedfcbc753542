"""Quotas: how much users and groups may use, and what they use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from nap_compose.border.words import Listing
from nap_compose.cluster.names import owner_of
from nap_compose.cluster.use import read_amount
from nap_compose.cluster.use import show as show_amount
from nap_compose.plaindata import dataclass

__all__ = ["QuotaChange", "QuotaRow", "Quotas", "owner_of", "read_amount", "show_amount"]


@dataclass(frozen=True)
class QuotaRow:
    """What a subject (an owner, `@GROUP` all together, or `*` for each user without an own limit)
    uses of a resource, and the most that it may (None: any amount). `cpus` are in billionths,
    `memory` and `storage` in bytes. Where it isn't `whole` nobody uses of it: `*` is a rule."""

    subject: str
    resource: str
    used: int
    most: int | None
    whole: bool = True


@dataclass(frozen=True)
class QuotaChange:
    """Limits to set for a subject, in the units of `QuotaRow`; -1 is no limit where another one
    would count, None takes back what was set by command."""

    subject: str
    limits: Mapping[str, int | None]


class Quotas(Protocol):
    """The calls about quotas. Every method raises NapError with its exit code."""

    def quotas(self, subject: str = "") -> Listing:
        """Rows of `QuotaRow`, of one subject or of all that the caller may see: an admin everybody,
        others themselves and their groups."""

    def set_quota(self, change: QuotaChange) -> None: ...
