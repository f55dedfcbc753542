"""The people and groups of the bed's directory."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from pathlib import Path

import ldap3
from ldap3.core.results import RESULT_ENTRY_ALREADY_EXISTS, RESULT_SUCCESS

from bed import secret
from bed.errors import BedError

BASE = "dc=example,dc=org"
SERVICE = f"cn=nap,ou=services,{BASE}"
PASSWORDS = "passwords.json"
SERVICE_PASSWORD = "service.password"

#: nap's roles, each the group that holds it
ROLES = {role: f"cn=nap-{role}s,ou=groups,{BASE}" for role in ("admin", "user", "viewer")}

PEOPLE = {
    "ada": "Ada Lovelace",
    "bob": "Bob Kahn",
    "carol": "Carol Shaw",
    "vic": "Vic Tandy",
    "zoe": "Zoe Quinn",  # in the directory, and in none of nap's groups
}
GROUPS = {
    "nap-admins": ("ada",),
    "nap-users": ("bob", "carol"),
    "nap-viewers": ("vic",),
    "web": ("bob",),
    "data": ("carol",),
}


def person(uid: str) -> str:
    return f"uid={uid},ou=people,{BASE}"


def passwords(folder: Path) -> dict[str, str]:
    """Everybody's password by uid, made at the first call."""
    path = folder / PASSWORDS
    if not path.exists():
        secret.write(path, json.dumps({uid: secret.password() for uid in PEOPLE}, indent=2) + "\n")
    everybody: dict[str, str] = json.loads(path.read_text())
    return {**everybody, SERVICE: secret.kept(folder / SERVICE_PASSWORD)}


def add_missing(connection: ldap3.Connection, known: dict[str, str]) -> None:
    """Add what isn't in the directory yet; what is there stays as it is."""

    def add(dn: str, classes: list[str], **attributes: object) -> None:
        connection.add(dn, classes, attributes)  # type: ignore[no-untyped-call]
        result = connection.result
        if result["result"] not in (RESULT_SUCCESS, RESULT_ENTRY_ALREADY_EXISTS):
            why = f"{result['description']} {result['message']}".strip()
            raise BedError(f"the directory didn't take {dn}: {why}")

    add(BASE, ["dcObject", "organization"], o="Example")
    for unit in ("people", "groups", "services"):
        add(f"ou={unit},{BASE}", ["organizationalUnit"])
    add(
        SERVICE, ["organizationalRole", "simpleSecurityObject"], userPassword=hashed(known[SERVICE])
    )
    for uid, name in PEOPLE.items():
        add(
            person(uid),
            ["inetOrgPerson"],
            cn=name,
            givenName=name.split()[0],
            sn=name.split()[1],
            mail=f"{uid}@example.org",
            userPassword=hashed(known[uid]),
        )
    # Groups come last: the memberOf of each person is written when a group names them.
    for group, members in GROUPS.items():
        add(f"cn={group},ou=groups,{BASE}", ["groupOfNames"], member=[*map(person, members)])


def hashed(password: str) -> str:
    """As the directory keeps it: salted."""
    salt = secrets.token_bytes(8)
    digest = hashlib.sha1(password.encode() + salt).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()
