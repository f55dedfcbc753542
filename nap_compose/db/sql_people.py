"""Users, shares and quotas in SQL that SQLite and MySQL share."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

from nap_compose.db.database import Row
from nap_compose.db.people import (
    CredentialRecord,
    GivenRecord,
    QuotaRecord,
    ShareRecord,
    UserRecord,
)
from nap_compose.db.records import AppRecord
from nap_compose.db.transactions import Clash, Transactions

_USER = "SELECT id, owner, name, role, member_of, first_seen, last_seen FROM users"
_SHARE = "SELECT app_id, grantee, access, author, created FROM shares"
_CREDENTIAL = "SELECT owner, registry, name, sealed, changed FROM credentials"
_SHARED = (
    "SELECT a.id, a.owner, a.name, a.project, a.created,"
    " s.app_id, s.grantee, s.access, s.author, s.created"
    " FROM shares s JOIN apps a ON a.id = s.app_id WHERE a.live = 1"
)


class SqlPeople(Transactions):
    """See `PeopleRecords`."""

    def see_user(self, user: UserRecord) -> None:
        def enter(connection: Any) -> None:
            there = self._database.run(
                connection,
                "SELECT id, owner, first_seen FROM users WHERE id = ? OR owner = ?",
                (user.id, user.owner),
            )
            if any(owner == user.owner and id_ != user.id for id_, owner, _ in there):
                raise Clash(
                    f"the name {user.owner} belongs to somebody else, who had it before",
                    hint="an admin can hand over their apps: nap app give OWNER/APP USER",
                )
            first = next((seen for id_, _, seen in there if id_ == user.id), user.first_seen)
            self._database.run(
                connection,
                "REPLACE INTO users (id, owner, name, role, member_of, first_seen, last_seen)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    user.id,
                    user.owner,
                    user.name,
                    user.role,
                    json.dumps(user.groups),
                    first,
                    user.last_seen,
                ),
            )

        self._transact(enter)

    def user(self, owner: str) -> UserRecord | None:
        rows = self._read(f"{_USER} WHERE owner = ?", owner)
        return _user(rows[0]) if rows else None

    def users(self) -> Sequence[UserRecord]:
        return [_user(row) for row in self._read(f"{_USER} ORDER BY owner")]

    def share(self, share: ShareRecord) -> None:
        self._write(
            "REPLACE INTO shares (app_id, grantee, access, author, created) VALUES (?, ?, ?, ?, ?)",
            dataclasses.astuple(share),
        )

    def unshare(self, app_id: str, grantee: str) -> bool:
        return self._take_out("shares", {"app_id": app_id, "grantee": grantee})

    def shares(self, app_id: str) -> Sequence[ShareRecord]:
        rows = self._read(f"{_SHARE} WHERE app_id = ? ORDER BY grantee", app_id)
        return [ShareRecord(*row) for row in rows]

    def shared_with(self, grantees: Sequence[str]) -> Sequence[tuple[AppRecord, ShareRecord]]:
        if not grantees:
            return []
        places = ", ".join("?" * len(grantees))
        rows = self._read(
            f"{_SHARED} AND s.grantee IN ({places}) ORDER BY a.owner, a.name, s.grantee",
            *grantees,
        )
        return [(AppRecord(*row[:5]), ShareRecord(*row[5:])) for row in rows]

    def give(self, given: GivenRecord) -> None:
        def enter(connection: Any) -> None:
            self._database.run(
                connection,
                "DELETE FROM given WHERE maker = ? AND name = ?",
                (given.maker, given.name),
            )
            if given.owner != given.maker:
                self._database.run(
                    connection,
                    "INSERT INTO given (maker, name, owner, author, since) VALUES (?, ?, ?, ?, ?)",
                    dataclasses.astuple(given),
                )

        self._transact(enter)

    def given(self) -> Sequence[GivenRecord]:
        rows = self._read(
            "SELECT maker, name, owner, author, since FROM given ORDER BY maker, name"
        )
        return [GivenRecord(*row) for row in rows]

    def set_quota(self, quota: QuotaRecord) -> None:
        self._write(
            "REPLACE INTO quotas (subject, resource, amount, author, changed)"
            " VALUES (?, ?, ?, ?, ?)",
            dataclasses.astuple(quota),
        )

    def clear_quota(self, subject: str, resource: str) -> bool:
        return self._take_out("quotas", {"subject": subject, "resource": resource})

    def quotas(self) -> Sequence[QuotaRecord]:
        rows = self._read(
            "SELECT subject, resource, amount, author, changed FROM quotas"
            " ORDER BY subject, resource"
        )
        return [QuotaRecord(*row) for row in rows]

    def keep_credential(self, credential: CredentialRecord) -> None:
        self._write(
            "REPLACE INTO credentials (owner, registry, name, sealed, changed)"
            " VALUES (?, ?, ?, ?, ?)",
            dataclasses.astuple(credential),
        )

    def drop_credential(self, owner: str, registry: str) -> bool:
        return self._take_out("credentials", {"owner": owner, "registry": registry})

    def reseal_credentials(self, resealed: Callable[[CredentialRecord], str | None]) -> int:
        done = 0
        for each in self.credentials():
            text = resealed(each)
            if text is not None:
                self._write(
                    "UPDATE credentials SET sealed = ?"
                    " WHERE owner = ? AND registry = ? AND sealed = ?",
                    (text, each.owner, each.registry, each.sealed),
                )
                done += 1
        return done

    def credentials(self, owner: str | None = None) -> Sequence[CredentialRecord]:
        one = () if owner is None else (owner,)
        where = " WHERE owner = ?" if one else ""
        rows = self._read(f"{_CREDENTIAL}{where} ORDER BY owner, registry", *one)
        return [CredentialRecord(*row) for row in rows]

    def _take_out(self, table: str, key: dict[str, str]) -> bool:
        """Delete the row with this key; gives whether it was there."""
        where = " AND ".join(f"{column} = ?" for column in key)

        def take_out(connection: Any) -> bool:
            values = tuple(key.values())
            there = self._database.run(
                connection,
                f"SELECT 1 FROM {table} WHERE {where}",  # noqa: S608 - names
                values,
            )
            self._database.run(
                connection,
                f"DELETE FROM {table} WHERE {where}",  # noqa: S608 - names
                values,
            )
            return bool(there)

        return self._transact(take_out)


def _user(row: Row) -> UserRecord:
    id_, owner, name, role, groups, first, last = row
    return UserRecord(id_, owner, name, role, tuple(json.loads(groups)), first, last)
