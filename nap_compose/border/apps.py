"""Apps and users as they stand in the records: one app closely, everybody, and giving an app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from nap_compose.border.rows import Row
from nap_compose.border.sharing import ShareRow
from nap_compose.border.words import Listing, Target
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Deployed:
    """A deployment as the records have it; times are UTC, ISO 8601."""

    id: str
    verb: str
    revision: int
    author: str
    started: str
    ended: str
    outcome: str


@dataclass(frozen=True)
class AppDetail:
    """One app: whose it is, under whom it was made and stands on the hosts (`maker`), since when,
    the revision that runs, its containers, volumes and shares, its last deployments the newest
    first, and what it `used` of its owner's quota, in the units of `QuotaRow`."""

    owner: str
    app: str
    maker: str
    project: str
    created: str
    revision: int
    containers: tuple[Row, ...] = ()
    volumes: tuple[str, ...] = ()
    shares: tuple[ShareRow, ...] = ()
    deployments: tuple[Deployed, ...] = ()
    used: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class UserRow:
    """Somebody who has logged in: `user` is what their apps stand under, `name` and the rest as
    the directory had them when they were last seen (UTC, ISO 8601)."""

    user: str
    name: str
    role: str
    groups: tuple[str, ...]
    first_seen: str
    last_seen: str


class Apps(Protocol):
    """The calls about apps and users on record. Every method raises NapError with its exit code."""

    def app(self, target: Target) -> AppDetail: ...

    def give_app(self, target: Target, user: str) -> bool:
        """Make the app that user's, with volumes, logs and history; gives whether it is theirs now.
        From who is no admin it is an offer, which the user takes."""

    def take_app(self, target: Target) -> None:
        """Make an app the caller's that was offered to them."""

    def users(self) -> Listing:
        """Rows of `UserRow`: for an admin everybody, for others themselves."""
