"""Who uses the cluster, what they share with whom, and how much they may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.db.records import AppRecord

EVERYBODY = "*"
"""The subject of the quota of each user that has none of their own."""


def group(name: str) -> str:
    """A group as it stands among subjects and grantees: `@students`."""
    return f"@{name}"


@dataclass(frozen=True)
class UserRecord:
    """Somebody as they were last seen. `id` is the directory's own and never changes; `owner` is
    what their apps stand under, `groups` the names of the groups that they are in."""

    id: str
    owner: str
    name: str
    role: str
    groups: tuple[str, ...] = ()
    first_seen: str = ""
    last_seen: str = ""


@dataclass(frozen=True)
class ShareRecord:
    """An app that somebody else may `view`, `operate`, or `take` besides, to whom it is offered
    (`access`). `grantee` is an owner, or a group as `@NAME`."""

    app_id: str
    grantee: str
    access: str
    author: str
    created: str


@dataclass(frozen=True)
class GivenRecord:
    """An app that stands under `maker` everywhere else in the records and on the hosts, and is
    `owner`'s since a time, as `author` said."""

    maker: str
    name: str
    owner: str
    author: str
    since: str


@dataclass(frozen=True)
class QuotaRecord:
    """The most that `subject` (an owner, `@GROUP` all together, or EVERYBODY) may use of
    `resource`: a count, bytes, or CPUs in billionths; -1 is no limit."""

    subject: str
    resource: str
    amount: int
    author: str
    changed: str


@dataclass(frozen=True)
class CredentialRecord:
    """What `owner` logs in to a registry with: the `name` there, and the `sealed` password."""

    owner: str
    registry: str
    name: str
    sealed: str
    changed: str


class PeopleRecords(Protocol):
    """Every method raises RecordsAway."""

    def see_user(self, user: UserRecord) -> None:
        """Enter somebody as they are now; when they were first seen stays.

        Raises Clash where `owner` is somebody else's: a name that was given to another person
        doesn't bring them the apps of the first.
        """

    def user(self, owner: str) -> UserRecord | None: ...
    def users(self) -> Sequence[UserRecord]:
        """Everybody by owner."""

    def share(self, share: ShareRecord) -> None:
        """Let somebody at an app; in place of what the same grantee had."""

    def unshare(self, app_id: str, grantee: str) -> bool:
        """Whether there was anything to take back."""

    def shares(self, app_id: str) -> Sequence[ShareRecord]:
        """Those of one app, by grantee."""

    def shared_with(self, grantees: Sequence[str]) -> Sequence[tuple[AppRecord, ShareRecord]]:
        """What is shared with any of the grantees, by owner and app."""

    def give(self, given: GivenRecord) -> None:
        """Make an app another owner's; its maker's own again where that is the owner. Raises Clash
        where the owner was given another one so named."""

    def given(self) -> Sequence[GivenRecord]:
        """Every app that isn't its maker's, by maker and name."""

    def set_quota(self, quota: QuotaRecord) -> None: ...
    def clear_quota(self, subject: str, resource: str) -> bool:
        """Whether there was one."""

    def quotas(self) -> Sequence[QuotaRecord]:
        """All of them, by subject and resource."""

    def keep_credential(self, credential: CredentialRecord) -> None:
        """In place of the owner's former one for that registry."""

    def drop_credential(self, owner: str, registry: str) -> bool:
        """Whether there was one."""

    def reseal_credentials(self, resealed: Callable[[CredentialRecord], str | None]) -> int:
        """Put what `resealed` makes of each in its place, where it isn't None; gives how many were
        changed. One that was changed meanwhile stays."""

    def credentials(self, owner: str | None = None) -> Sequence[CredentialRecord]:
        """All by owner and registry, or those of one owner."""
