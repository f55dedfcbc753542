"""The audit trail in SQL that SQLite and MySQL share: rows are added, and never touched again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from nap_compose.db.trail import AuditHead, AuditRecord, Mark, head_text, link
from nap_compose.db.transactions import Clash, Transactions

_COLUMNS = ", ".join(each.name for each in dataclasses.fields(AuditRecord))


class SqlTrail(Transactions):
    """See `TrailRecords`."""

    def add_audit(self, entry: AuditRecord, mark: Mark) -> None:
        def add(connection: Any) -> None:
            # Writing to the one row of the head makes every other writer wait for its turn.
            self._database.run(connection, "UPDATE audit_head SET seq = seq + 1 WHERE id = 1")
            ((seq, before),) = self._database.run(
                connection, "SELECT seq, hash FROM audit_head WHERE id = 1"
            )
            row = dataclasses.replace(entry, seq=int(seq))
            row = dataclasses.replace(row, hash=link(before, row))
            places = ", ".join("?" * len(dataclasses.fields(row)))
            self._database.run(
                connection,
                f"INSERT INTO audit ({_COLUMNS}) VALUES ({places})",  # noqa: S608 - names
                dataclasses.astuple(row),
            )
            self._database.run(
                connection,
                "UPDATE audit_head SET hash = ?, mark = ? WHERE id = 1",
                (row.hash, mark(head_text(row.seq, row.hash))),
            )

        try:
            self._transact(add)
        except Clash:
            # Written already, where the connection broke off before its answer came.
            if not self._read(
                "SELECT 1 FROM audit WHERE act = ? AND outcome = ?", entry.act, entry.outcome
            ):
                raise

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
        asked: dict[str, Sequence[object]] = {
            "person = ?": [person] if person else [],
            "app = ?": [app] if app else [],
            "at >= ?": [since] if since else [],
            "seq > ?": [] if after is None else [after],
            # An owner's name holds neither of LIKE's signs.
            "(person = ? OR app LIKE ?)": [seen_by[0], f"{seen_by[1]}/%"] if seen_by else [],
        }
        given = {condition: values for condition, values in asked.items() if values}
        where = f" WHERE {' AND '.join(given)}" if given else ""
        order = "seq DESC" if after is None else "seq"
        rows = self._read(
            f"SELECT {_COLUMNS} FROM audit{where} ORDER BY {order} LIMIT ?",  # noqa: S608 - names
            *(value for values in given.values() for value in values),
            limit,
        )
        return sorted((AuditRecord(*row) for row in rows), key=lambda row: row.seq)

    def audit_head(self) -> AuditHead:
        rows = self._read("SELECT seq, hash, mark FROM audit_head WHERE id = 1")
        return AuditHead(*rows[0])
