"""The bed's directory: who is in it, how each gets in, and what each may see."""

import json
import ssl

import ldap3
import pytest
import yaml
from ldap3.core.exceptions import LDAPException, LDAPStartTLSError

from bed import ldap, ldap_entries
from bed.fixture import bring_up

pytestmark = pytest.mark.bed

EVERYBODY = ["ada", "bob", "carol", "vic", "zoe"]


@pytest.fixture(scope="module")
def bed():
    with bring_up("svc-ldap", hosts=1, only=("hosts", "ldap")) as bed:
        yield bed


@pytest.fixture(scope="module")
def passwords(bed):
    path = ldap.passwords_file(bed)
    assert path.stat().st_mode & 0o777 == 0o600
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def section(bed):
    return yaml.safe_load(bed.cluster_file.read_text())["ldap"]


@pytest.fixture
def service(bed, section):
    """The account that nap searches with, over ldaps, as the cluster file says."""
    trust = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(bed.directory / section["ca"]))
    server = ldap3.Server(section["urls"][0], tls=trust, connect_timeout=5)
    password = (bed.directory / section["bind_password_file"]).read_text().strip()
    with ldap3.Connection(server, section["bind_dn"], password, auto_bind=True) as connection:
        yield connection


def find(connection, section, uid):
    found = section["user_filter"].format(name=uid)
    connection.search(section["base"], found, attributes=["cn", "memberOf", "entryUUID"])
    return connection.entries


@pytest.mark.parametrize("uid", EVERYBODY)
def test_everybody_gets_in_by_start_tls(bed, passwords, uid):
    with ldap.bind(bed, ldap_entries.person(uid), passwords[uid]) as connection:
        assert connection.extend.standard.who_am_i() == f"dn:{ldap_entries.person(uid)}"


def test_a_wrong_password_does_not(bed):
    with pytest.raises(LDAPException, match="invalidCredentials"):
        ldap.bind(bed, ldap_entries.person("bob"), "guess").__enter__()


def test_a_password_in_clear_text_is_refused(bed, passwords):
    server = ldap3.Server(ldap.start_tls_url(bed), connect_timeout=5)
    connection = ldap3.Connection(server, ldap_entries.person("bob"), passwords["bob"])
    assert not connection.bind()
    assert connection.result["description"] == "confidentialityRequired"


def test_another_authority_is_not_believed(bed):
    trust = ldap3.Tls(
        validate=ssl.CERT_REQUIRED, ca_certs_file="/etc/ssl/certs/ca-certificates.crt"
    )
    server = ldap3.Server(ldap.start_tls_url(bed), tls=trust, connect_timeout=5)
    with pytest.raises(LDAPStartTLSError, match="certificate verify failed"):
        ldap3.Connection(server).start_tls()


@pytest.mark.parametrize(
    ("uid", "groups"),
    [
        ("ada", {"nap-admins"}),
        ("bob", {"nap-users", "web"}),
        ("carol", {"nap-users", "data"}),
        ("vic", {"nap-viewers"}),
        ("zoe", set()),
    ],
)
def test_nap_finds_each_person_once_with_groups(service, section, uid, groups):
    (entry,) = find(service, section, uid)
    assert {dn.split(",")[0].removeprefix("cn=") for dn in entry.memberOf.values} == groups
    assert len(str(entry.entryUUID)) == 36


def test_the_roles_of_the_cluster_file_are_groups(service, section):
    members = {}
    for role, group in section["roles"].items():
        service.search(group, "(objectClass=groupOfNames)", attributes=["member"])
        members[role] = {dn.split(",")[0] for dn in service.entries[0].member.values}
    assert members == {
        "admin": {"uid=ada"},
        "user": {"uid=bob", "uid=carol"},
        "viewer": {"uid=vic"},
    }


def test_a_person_sees_nobody_else(bed, passwords, section):
    with ldap.bind(bed, ldap_entries.person("bob"), passwords["bob"]) as connection:
        assert not find(connection, section, "carol")


def test_no_account_reads_passwords(service, section):
    service.search(section["base"], "(uid=bob)", attributes=["userPassword"])
    assert not service.entries[0].userPassword.values


def test_it_comes_back_with_the_same_people(bed, service, section):
    (before,) = find(service, section, "bob")
    ldap.stop(bed)
    assert ldap.status(bed).startswith("down")
    ldap.start(bed)
    assert ldap.status(bed) == "ready"
    password = ldap.service_password_file(bed).read_text().strip()
    with ldap.bind(bed, ldap_entries.SERVICE, password) as connection:
        (after,) = find(connection, section, "bob")
    assert str(after.entryUUID) == str(before.entryUUID)
