"""What things are called on the engines, and how people's names become parts of those names.

Only labels decide what a thing is; a name must merely be unique, readable and within the
engine's rules.
"""

from __future__ import annotations

import re

from nap_compose.errors import WrongUse

LONGEST_PROJECT = 63
_PLAIN = re.compile(r"[a-z0-9]")


def owner_of(uid: str) -> str:
    """The owner that a user id stands for: lower case, all but `[a-z0-9]` as `-hh`.

    `hh` is the hex of each UTF-8 byte, so different ids never meet and no owner holds `_`.

    >>> owner_of("Ada.Lovelace")
    'ada-2elovelace'
    """
    return "".join(
        char if _PLAIN.fullmatch(char) else "".join(f"-{byte:02x}" for byte in char.encode())
        for char in uid.lower()
    )


def project_of(owner: str, app: str) -> str:
    """The Compose project on the engines: `APP` without users, else `OWNER_APP`.

    Raises WrongUse where it would be longer than 63 characters, which DNS does not carry.
    """
    project = f"{owner}_{app}" if owner else app
    if len(project) > LONGEST_PROJECT:
        raise WrongUse(
            f"the project name '{project}' has {len(project)} characters, "
            f"{LONGEST_PROJECT} is the most",
            hint="choose a shorter one with -p NAME or `name:` in the file",
        )
    return project


def container_name(project: str, service: str, replica: int) -> str:
    """The name of the container that fills a slot, as Compose names it."""
    return f"{project}-{service}-{replica}"


def oneoff_name(project: str, service: str, slug: str) -> str:
    """The name of a container that `run` makes, as Compose names it."""
    return f"{project}-{service}-run-{slug}"


def temporary_name(name: str, deployment: str) -> str:
    """The name under which a container is made, before it takes its slot's name."""
    return f"{name}.{deployment[:8]}"


def is_of_slot(name: str, slot: str) -> bool:
    """Whether a container of that name fills the slot, or did: under the slot's own name or one
    that was made from it.

    >>> is_of_slot("shop-web-1", "shop-web-1"), is_of_slot("shop-web-1.abcd1234", "shop-web-1")
    (True, True)
    >>> is_of_slot("shop-web-12", "shop-web-1")
    False
    """
    return name == slot or name.startswith(f"{slot}.")


def set_aside_name(name: str, deployment: str) -> str:
    """The name of a container that made room for its successor and may have to come back."""
    return f"{name}.old.{deployment[:8]}"


def failed_name(name: str, deployment: str) -> str:
    """The name of a container that failed and is kept for a look."""
    return f"{name}.failed.{deployment[:8]}"


def resource_name(project: str, key: str) -> str:
    """The name of a network or a volume that the file doesn't name itself."""
    return f"{project}_{key}"
