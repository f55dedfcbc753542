"""Who logs in while the records are only read: whoever was known."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from nap_compose.auth.people import Person
from nap_compose.control.enrolling import enrolled
from nap_compose.db.records import OtherSchema
from nap_compose.db.schema import migrations
from nap_compose.db.sqlite import SqliteDatabase
from nap_compose.db.store import SqlRecords


def test_of_a_newer_nap(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "records.sqlite")
    ada = Person(id="1", name="Ada", dn="")
    with closing(SqlRecords(database)) as newer:
        owner = enrolled(newer, ada, "user")
    with closing(SqlRecords(database, migrations()[:-1])) as older:
        assert enrolled(older, ada, "admin") == owner
        with pytest.raises(OtherSchema):
            enrolled(older, Person(id="2", name="bob", dn=""), "user")
        assert [user.role for user in older.users()] == ["user"]
