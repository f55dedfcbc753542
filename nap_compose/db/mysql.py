"""The records in MySQL or MariaDB: what the machines of a cluster share."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from nap_compose import spared
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.cluster import Database as Section
from nap_compose.cluster.private_files import read_secret
from nap_compose.db.database import Fault, Row
from nap_compose.db.records import RecordsAway
from nap_compose.errors import BadFile, Place

# For passwords that go without TLS, and some two fifths of what importing the client takes.
spared.packages(
    "cryptography.hazmat.primitives.hashes",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.hazmat.primitives.asymmetric.padding",
)
with spared.patterns:
    import pymysql
    from pymysql.constants import CR, ER

CONNECT_TIMEOUT = 5
ANSWER_TIMEOUT = 30
MIGRATION_WAIT = 20
"""Seconds: to connect, for an answer, and for another process that migrates."""

INSECURE = "database"
"""What the cluster file's `insecure` names where the database may go without TLS."""

_AWAY = {
    0,  # PyMySQL's own word for a connection that was closed
    CR.CR_SERVER_GONE_ERROR,
    CR.CR_SERVER_LOST,
    CR.CR_CONN_HOST_ERROR,
    CR.CR_SSL_CONNECTION_ERROR,
    ER.SERVER_SHUTDOWN,
    ER.ACCESS_DENIED_ERROR,
    ER.DBACCESS_DENIED_ERROR,
    ER.BAD_DB_ERROR,
    ER.CON_COUNT_ERROR,
    1927,  # MariaDB: the connection was killed
    3159,  # MySQL: the server takes nobody in clear
    4031,  # MySQL: the server closed an idle connection
}
_BUSY = {ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT}


class MysqlDatabase:
    """The database that the cluster file names. Raises BadFile for what can't be used of it."""

    def __init__(self, section: Section, *, insecure: bool = False, file: str = "") -> None:
        """`insecure` lets a connection go without TLS; `file` is the cluster file, for messages."""
        url = urlsplit(section.url)
        self._host, self._port = url.hostname or "localhost", url.port or 3306
        self._user = unquote(url.username or "nap")
        self._database = unquote(url.path.lstrip("/")) or "nap"
        self._password_file = section.password_file
        self._ca = section.ca
        if self._ca is None and not insecure:
            raise BadFile(
                "the database has no ca, so its TLS certificate can't be checked",
                place=Place(file),
                hint=f"name the CA's file as `ca` under `database`, or list `{INSECURE}` "
                "under `insecure` to go without TLS",
            )

    @classmethod
    def of(cls, cluster: Cluster, section: Section) -> MysqlDatabase:
        """The cluster's database."""
        return cls(section, insecure=INSECURE in cluster.insecure, file=cluster.file)

    @property
    def name(self) -> str:
        return f"the database at {self._host}:{self._port}"

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        return (pymysql.MySQLError, OSError)

    def connect(self) -> pymysql.Connection[Any]:
        connection = pymysql.connect(
            host=self._host,
            port=self._port,
            user=self._user,
            password=self._password(),
            database=self._database,
            charset="utf8mb4",
            # What is too long or of the wrong kind is an error, and not silently cut.
            sql_mode="STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION",
            # So that who was second sees the row of who was first.
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=ANSWER_TIMEOUT,
            write_timeout=ANSWER_TIMEOUT,
            **({"ssl": _trusting(self._ca)} if self._ca else {"ssl_disabled": True}),
        )
        # Older clients carry on in clear where the server offers no TLS.
        if self._ca and not isinstance(getattr(connection, "_sock", None), ssl.SSLSocket):
            connection.close()
            raise RecordsAway(f"{self.name} offers no TLS, and nap doesn't go without")
        return connection

    def run(
        self, connection: pymysql.Connection[Any], sql: str, parameters: Sequence[Any] = ()
    ) -> Sequence[Row]:
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("?", "%s") if parameters else sql, tuple(parameters) or None)
            rows: Sequence[Row] = cursor.fetchall()
        return rows

    def begin(self, connection: pymysql.Connection[Any]) -> None:
        connection.begin()

    @contextmanager
    def at_one_moment(self, connection: pymysql.Connection[Any]) -> Iterator[None]:
        self.run(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.run(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
        try:
            yield
        finally:
            connection.rollback()

    def columns(self, connection: pymysql.Connection[Any], table: str) -> Sequence[str]:
        rows = self.run(
            connection,
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position",
            (table,),
        )
        return [str(name) for (name,) in rows]

    def fault(self, error: BaseException) -> Fault:
        number = error.args[0] if isinstance(error, pymysql.MySQLError) and error.args else None
        if isinstance(error, OSError) or number in _AWAY:
            return Fault.AWAY
        if isinstance(error, pymysql.err.IntegrityError):
            return Fault.CLASH
        if number in _BUSY:
            return Fault.BUSY
        return Fault.NO_TABLE if number == ER.NO_SUCH_TABLE else Fault.OTHER

    def why(self, error: BaseException) -> str:
        return str(error.args[-1]) if error.args else type(error).__name__

    @contextmanager
    def migrating(self, connection: pymysql.Connection[Any]) -> Iterator[None]:
        """MySQL commits each change of a table at once; a migration is made to be run again."""
        lock = f"nap migrates {self._database}"[:64]
        taken = self.run(connection, "SELECT GET_LOCK(?, ?)", (lock, MIGRATION_WAIT))
        if taken[0][0] != 1:
            raise RecordsAway(
                f"another process has been migrating {self.name} for {MIGRATION_WAIT} s",
                hint="wait until it is done and try again",
            )
        try:
            yield
        finally:
            self.run(connection, "SELECT RELEASE_LOCK(?)", (lock,))

    def _password(self) -> str:
        if self._password_file is None:
            return ""
        return read_secret(self._password_file, "the database's password")


def _trusting(ca: Path) -> ssl.SSLContext:
    """TLS that trusts this one CA and checks the server's name."""
    try:
        return ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError) as error:
        raise BadFile(f"the database's ca can't be read: {error}", place=Place(str(ca))) from error
