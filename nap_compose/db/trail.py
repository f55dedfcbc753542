"""The audit trail: who did what, from where, on which app and hosts, and how it ended.

Rows are only ever added. Each bears a hash over itself and the row before, and the last hash is
marked with the cluster's key: what was changed or taken out afterwards shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Protocol

from nap_compose.plaindata import dataclass

Mark = Callable[[str], str]
"""Makes a text's mark, which nobody can make without the cluster's key."""


@dataclass(frozen=True)
class AuditRecord:
    """One row. An act has one when it begins (`outcome` is begun) and one when it has ended, with
    the same `act`; what was refused has one.

    `at` is UTC, ISO 8601; `app` is `owner/app`, `hosts` their names with a comma between; `seq`
    and `hash` are given when the row is written.
    """

    at: str
    act: str
    person: str
    origin: str
    verb: str
    app: str = ""
    hosts: str = ""
    outcome: str = "begun"
    detail: str = ""
    deployment: str = ""
    seq: int = 0
    hash: str = ""


@dataclass(frozen=True)
class AuditHead:
    """How many rows there are, the last one's hash, and its mark."""

    seq: int
    hash: str
    mark: str


class TrailRecords(Protocol):
    """Every method raises RecordsAway."""

    def add_audit(self, entry: AuditRecord, mark: Mark) -> None:
        """Write a row at the end; writing the same once more is no error."""

    def audit(
        self,
        *,
        person: str = "",
        app: str = "",
        since: str = "",
        seen_by: tuple[str, str] | None = None,
        after: int | None = None,
        limit: int = 1000,
    ) -> Sequence[AuditRecord]:
        """The last `limit` rows that fit, the oldest first; with `after` the first ones whose
        number is over it. `seen_by` (a person's name and their owner) leaves what that person
        did, and what was done to their apps."""

    def audit_head(self) -> AuditHead: ...


def link(before: str, entry: AuditRecord) -> str:
    """The hash of a row that stands after the one with the hash `before` (SHA-256, in hex)."""
    told = {key: value for key, value in asdict(entry).items() if key != "hash"}
    text = json.dumps([before, told], sort_keys=True, separators=(",", ":"))
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def head_text(seq: int, hash_: str) -> str:
    """What the mark of the trail's head is made over."""
    return f"audit {seq} {hash_}"


def first_fault(records: TrailRecords, mark: Mark) -> str:
    """What is wrong with the trail, as a sentence; empty where every row is as it was written."""
    before, seen = "", 0
    while rows := records.audit(after=seen, limit=1000):
        for row in rows:
            if row.seq != seen + 1:
                return f"row {seen + 1} is missing"
            if row.hash != link(before, row):
                return f"row {row.seq} was changed, or a row before it"
            before, seen = row.hash, row.seq
    head = records.audit_head()
    if (head.seq, head.hash) != (seen, before):
        return f"the trail ends with row {seen}, and its head says {head.seq}"
    if seen and head.mark != mark(head_text(seen, before)):
        return "the trail's head wasn't marked with this cluster's key"
    return ""
