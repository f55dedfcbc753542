"""The bed's MariaDB: nap's user works in its own database, over TLS and not otherwise."""

import ssl
from contextlib import closing
from urllib.parse import urlsplit

import pymysql
import pytest
import yaml

from bed import mariadb
from bed.fixture import bring_up

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed():
    with bring_up("svc-mariadb", hosts=1, only=("hosts", "mariadb")) as bed:
        yield bed


@pytest.fixture
def connect(bed):
    """As nap would: everything it needs is in the cluster file."""
    section = yaml.safe_load(bed.cluster_file.read_text())["database"]
    url = urlsplit(section["url"])
    password = bed.directory / section["password_file"]
    assert password.stat().st_mode & 0o777 == 0o600

    def connect(**options):
        options.setdefault("ssl", ssl.create_default_context(cafile=bed.directory / section["ca"]))
        return pymysql.connect(
            host=url.hostname,
            port=url.port,
            user=url.username,
            password=password.read_text().strip(),
            database=url.path.strip("/"),
            connect_timeout=5,
            **options,
        )

    return connect


def ask(connection, statement):
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_nap_works_in_its_database_over_tls(connect):
    ask(connect(autocommit=True), "CREATE OR REPLACE TABLE t (x TEXT) AS SELECT 'ü' AS x")
    assert ask(connect(), "SELECT x FROM t") == (("ü",),)
    ((_, cipher),) = ask(connect(), "SHOW STATUS LIKE 'Ssl_cipher'")
    assert cipher.startswith("TLS_")


def test_without_tls_nobody_gets_in(connect):
    with pytest.raises(pymysql.OperationalError, match="denied"):
        connect(ssl=None, ssl_disabled=True)


def test_another_authority_is_not_believed(connect):
    with pytest.raises(pymysql.OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(ssl=ssl.create_default_context())


def test_nap_sees_no_accounts(connect):
    with pytest.raises(pymysql.OperationalError, match="denied"):
        ask(connect(), "SELECT user FROM mysql.user")


def test_what_was_written_outlives_a_restart(bed, connect):
    ask(connect(autocommit=True), "CREATE OR REPLACE TABLE kept AS SELECT 7 AS x")
    mariadb.stop(bed)
    assert mariadb.status(bed).startswith("down")
    mariadb.start(bed)
    assert mariadb.status(bed) == "ready"
    assert ask(connect(), "SELECT x FROM kept") == ((7,),)
