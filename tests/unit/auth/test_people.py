"""Whose groups give which role, in whichever spelling the directory writes them."""

import pytest

from nap_compose.auth.people import Person, plain_dn, role_of, short_names

ROLES = {
    "admin": "cn=nap-admins,ou=groups,dc=example",
    "user": "cn=nap-users,ou=groups,dc=example",
    "viewer": "cn=nap-viewers,ou=groups,dc=example",
}


def somebody(*groups: str) -> Person:
    return Person("1", "ada", "uid=ada,dc=example", groups)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ((), ""),
        (("cn=web,ou=groups,dc=example",), ""),
        ((ROLES["viewer"], ROLES["admin"]), "admin"),
        ((ROLES["viewer"], ROLES["user"]), "user"),
        (("CN=Nap-Users, OU=Groups , DC=Example",), "user"),
        (("cn=nap-admins\\,ou=groups,dc=example",), ""),
        (("cn=nap-admins,ou=groups,dc=example,dc=evil",), ""),
    ],
)
def test_the_mightiest_role_counts(groups: tuple[str, ...], role: str) -> None:
    assert role_of(somebody(*groups), ROLES) == role


def test_without_groups_in_the_cluster_file_nobody_has_a_role() -> None:
    assert role_of(somebody("", "cn=x"), {}) == ""


def test_an_escaped_comma_splits_nothing() -> None:
    assert plain_dn("cn=Smith\\, A , dc=x") == "cn=smith\\, a,dc=x"
    assert plain_dn("cn=a\\\\,dc=x") == "cn=a\\\\,dc=x"


def test_groups_have_short_names() -> None:
    assert short_names(("CN=Web,ou=groups", "cn=web,ou=other", "cn=data")) == ("web", "data")
