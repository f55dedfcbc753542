"""People as the directory knows them, and the role that their groups give them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from nap_compose.plaindata import dataclass

ROLES = ("admin", "user", "viewer")
"""The roles, the mightiest first: who is in several groups has the first of theirs."""


@dataclass(frozen=True)
class Person:
    """Somebody in the directory: `id` never changes, `name` is the one that the entry itself has.

    `groups` are distinguished names, as the directory writes them.
    """

    id: str
    name: str
    dn: str
    groups: tuple[str, ...] = ()


def role_of(person: Person, roles: Mapping[str, str]) -> str:
    """The person's role: that of the first group in `roles` (role → group) that they are in.

    Empty where none of them is: such a person may not use nap.
    """
    mine = {plain_dn(group) for group in person.groups}
    return next((role for role in ROLES if role in roles and plain_dn(roles[role]) in mine), "")


def short_names(groups: tuple[str, ...]) -> tuple[str, ...]:
    """What people call the groups: the value of the first part of each name."""
    return tuple(
        dict.fromkeys(
            plain_dn(group).partition(",")[0].partition("=")[2] or group for group in groups
        )
    )


def plain_dn(dn: str) -> str:
    """A distinguished name in one form: two spellings of a name are equal in it.

    Attributes and values count without regard to case (RFC 4517), and spaces around `,` and `=`
    don't count (RFC 4514).
    """
    parts: list[str] = []
    for part in _split(dn, ","):
        attribute, _, value = part.partition("=")
        parts.append(f"{attribute.strip()}={value.strip()}")
    return ",".join(parts).casefold()


def _split(text: str, mark: str) -> list[str]:
    """Split at each `mark` that no backslash escapes."""
    parts = [""]
    escaped = False
    for char in text:
        if char == mark and not escaped:
            parts.append("")
        else:
            parts[-1] += char
        escaped = char == "\\" and not escaped
    return parts
