"""Which database a cluster's records are in."""

from __future__ import annotations

from nap_compose.cluster.cluster import Cluster
from nap_compose.db.records import Records
from nap_compose.db.store import SqlRecords

FILE_NAME = "records.sqlite"


def open_records(cluster: Cluster) -> Records:
    """The cluster's database, or where it names none a SQLite file in the state directory.

    The tables are made or brought up to date. Raises RecordsAway; BadFile for a password file or
    CA that can't be used; NapError where a newer nap wrote the tables.
    """
    if cluster.database is not None:
        from nap_compose.db.mysql import MysqlDatabase

        return SqlRecords(MysqlDatabase.of(cluster, cluster.database))
    from nap_compose.db.sqlite import SqliteDatabase

    return SqlRecords(SqliteDatabase(cluster.state_dir / FILE_NAME))
