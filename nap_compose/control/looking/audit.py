"""Reading the audit trail: its rows as acts, each with its beginning and its end."""

from __future__ import annotations

from nap_compose.border import AuditCheck, AuditRequest, AuditRow, Listing, Who
from nap_compose.control.parts import Parts
from nap_compose.control.trail import BEGUN
from nap_compose.db.trail import AuditRecord, first_fault


def list_acts(parts: Parts, who: Who, request: AuditRequest) -> Listing:
    """The latest acts that were asked for and that `who` may see, the newest last."""
    app = request.app
    owner = request.owner or who.owner
    rows = parts.records.audit(
        person=request.person,
        app=f"{owner}/{app}" if app and owner else app,
        since=request.since,
        seen_by=None if who.role == "admin" else (who.name, who.owner),
        # An act has two rows at most.
        limit=2 * request.limit,
    )
    acts: dict[str, AuditRow] = {}
    for row in rows:
        first = acts.get(row.act)
        acts[row.act] = _ended(first, row) if first else _begun(row)
    return Listing(tuple(acts.values())[-request.limit :])


def verify(parts: Parts) -> AuditCheck:
    """Whether the trail is as it was written."""
    head = parts.records.audit_head()
    return AuditCheck(head.seq, head.hash, first_fault(parts.records, parts.mark))


def _begun(row: AuditRecord) -> AuditRow:
    return AuditRow(
        at=row.at,
        person=row.person,
        verb=row.verb,
        app=row.app,
        hosts=tuple(filter(None, row.hosts.split(","))),
        outcome=row.outcome,
        detail=row.detail,
        origin=row.origin,
        deployment=row.deployment,
        ended="" if row.outcome == BEGUN else row.at,
        row=row.seq,
    )


def _ended(first: AuditRow, row: AuditRecord) -> AuditRow:
    last = _begun(row)
    return AuditRow(**{**vars(last), "at": first.at, "row": first.row})
