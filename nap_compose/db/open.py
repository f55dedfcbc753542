"""Which database a cluster's records are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.cluster.cluster import Cluster

if TYPE_CHECKING:
    from nap_compose.db.before import Before
    from nap_compose.db.database import Database
    from nap_compose.db.records import Records

FILE_NAME = "records.sqlite"


def open_records(cluster: Cluster) -> Records:
    """The cluster's database, or where it names none a SQLite file in the state directory.

    Tables that aren't there are made. Those of an older nap are brought up to date in the file,
    which is this machine's alone, after a backup; in a database that other machines share they are
    only read until an admin says that it is time. Raises RecordsAway; BadFile for a password file
    or CA that can't be used.
    """
    from nap_compose.db.store import SqlRecords

    shared = cluster.database is not None
    return SqlRecords(database_of(cluster), before=None if shared else before_of(cluster))


def before_of(cluster: Cluster, folder: str = "") -> Before:
    """Who keeps the cluster's records as they were before a migration, or in another `folder`."""
    from nap_compose.db.before import FOLDER, Before

    return Before(cluster.state_dir / (folder or FOLDER), cluster.name)


def is_new(cluster: Cluster) -> bool:
    """Whether there can be no records yet, since their file isn't there."""
    return cluster.database is None and not (cluster.state_dir / FILE_NAME).exists()


def database_of(cluster: Cluster) -> Database:
    """The same database, without looking at it."""
    if cluster.database is not None:
        from nap_compose.db.mysql import MysqlDatabase

        return MysqlDatabase.of(cluster, cluster.database)
    from nap_compose.db.sqlite import SqliteDatabase

    return SqliteDatabase(cluster.state_dir / FILE_NAME)
