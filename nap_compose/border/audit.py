"""The audit trail: who did what, when, and how it ended. It is read here, and never changed."""

from __future__ import annotations

from typing import Protocol

from nap_compose.border.words import Listing
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class AuditRequest:
    """The last `limit` acts of `person`, on `app` of `owner`, since a time (UTC, ISO 8601); each
    empty for any. An app that is named without an owner is the caller's own."""

    person: str = ""
    app: str = ""
    owner: str = ""
    since: str = ""
    limit: int = 100


@dataclass(frozen=True)
class AuditRow:
    """One act. `at` and `ended` are UTC, ISO 8601; `outcome` is begun where no end is known,
    refused where it wasn't allowed, else how it ended; `origin` is from where it was asked.

    `app` is as people write it (`ada/shop`), empty for what was about none; `row` is its number in
    the trail. Whoever gets it may see it: an act is its person's too, whoever owns the app."""

    at: str
    person: str
    verb: str
    app: str
    hosts: tuple[str, ...]
    outcome: str
    detail: str
    origin: str
    deployment: str
    ended: str
    row: int


@dataclass(frozen=True)
class AuditCheck:
    """Whether the trail is whole: `fault` is a sentence, empty where it is; `rows` how many there
    are and `head` the hash of the last, which can be kept elsewhere and compared."""

    rows: int
    head: str
    fault: str = ""


class Auditing(Protocol):
    """The calls about the audit trail. Every method raises NapError with its exit code."""

    def audit(self, request: AuditRequest) -> Listing:
        """Rows of `AuditRow`, the newest last. Who is no admin gets what they did themselves, and
        what was done to apps of their own."""

    def verify_audit(self) -> AuditCheck: ...
