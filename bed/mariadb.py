"""MariaDB on the control side, for nap's records. Over the network it answers TLS only."""

from __future__ import annotations

import ssl
from contextlib import closing
from pathlib import Path
from shutil import rmtree
from typing import Any

import pymysql

from bed import packages, proc, secret, tls
from bed.layout import Bed
from bed.namespaces import checked

NAME = "mariadb"
PORT = 3306
DATABASE = USER = "nap"


def prepare() -> None:
    # The packages of the programs alone: they have no service that could start.
    packages.ensure_installed("mariadb-server-core", "mariadb-client-core")


def start(bed: Bed) -> None:
    _make_data(bed)
    secret.write(_folder(bed) / "accounts.sql", _accounts(bed))
    proc.start(bed, NAME, ["mariadbd", "--no-defaults", *_options(bed)])
    proc.wait_until_ready(bed, NAME, lambda: problem(bed) is None, 60, "the database to let nap in")


def stop(bed: Bed) -> None:
    proc.stop(bed, NAME, timeout=20)


def status(bed: Bed) -> str:
    if proc.pid_of(bed, NAME) is None:
        return f"down; see {proc.log_of(bed, NAME)}"
    return problem(bed) or "ready"


def section(bed: Bed) -> dict[str, Any]:
    return {
        "database": {
            "url": f"mysql://{USER}@{bed.control_ip}:{PORT}/{DATABASE}",
            "password_file": str(_password_file(bed).relative_to(bed.directory)),
            "ca": str(tls.authority(bed).relative_to(bed.directory)),
        }
    }


def connect(bed: Bed) -> pymysql.connections.Connection[Any]:
    """A connection as nap's user, over TLS, with the server's certificate checked."""
    return pymysql.connect(
        host=bed.control_ip,
        port=PORT,
        user=USER,
        password=_password_file(bed).read_text().strip(),
        database=DATABASE,
        ssl=ssl.create_default_context(cafile=str(tls.authority(bed))),
        connect_timeout=3,
        read_timeout=10,
    )


def problem(bed: Bed) -> str | None:
    """Why nap couldn't use the database; None when it can."""
    try:
        with closing(connect(bed)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (pymysql.MySQLError, OSError) as error:
        return str(error)
    return None


def _folder(bed: Bed) -> Path:
    return bed.directory / NAME


def _password_file(bed: Bed) -> Path:
    return _folder(bed) / "nap.password"


def _make_data(bed: Bed) -> None:
    data = _folder(bed) / "data"
    if data.is_dir():
        return
    draft = data.with_name("data.new")
    rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    # root comes in by the unix socket only, as the machine's root, and has no password.
    options = ["--user=root", "--skip-test-db", "--auth-root-authentication-method=socket"]
    checked(["mariadb-install-db", "--no-defaults", f"--datadir={draft}", *options])
    draft.rename(data)


def _accounts(bed: Bed) -> str:
    """Read at each start, before the first client is let in. One statement a line."""
    password = secret.kept(_password_file(bed))
    return "\n".join(
        [
            f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;",
            f"CREATE USER IF NOT EXISTS {USER}@'%' IDENTIFIED BY '{password}';",
            f"GRANT ALL ON {DATABASE}.* TO {USER}@'%';",
            "",
        ]
    )


def _options(bed: Bed) -> list[str]:
    pair = tls.server(bed, NAME, [bed.control_ip, "127.0.0.1"], ["control", "localhost"])
    folder = _folder(bed)
    settings = {
        "user": "root",
        "datadir": folder / "data",
        "socket": folder / "server.sock",
        "pid-file": folder / "server.pid",
        "init-file": folder / "accounts.sql",
        "bind-address": bed.control_ip,
        "port": PORT,
        "ssl-ca": tls.authority(bed),
        "ssl-cert": pair.cert,
        "ssl-key": pair.key,
        "require-secure-transport": "ON",
        "innodb-buffer-pool-size": "64M",
        "performance-schema": "OFF",
    }
    return [*(f"--{key}={value}" for key, value in settings.items()), "--skip-name-resolve"]
