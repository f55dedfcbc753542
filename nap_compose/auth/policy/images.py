"""Whose an image is, by its name. Pure."""

from __future__ import annotations

from nap_compose.cluster.images import familiar


def is_own(reference: str, owner: str) -> bool:
    """Whether an image that an owner makes may be called so: `OWNER/…`, `OWNER_APP-SERVICE` as
    a build names it, or either in a registry.

    >>> [is_own(name, "ada") for name in ("ada/web:1", "ada_shop-web", "reg.example:5000/ada/web")]
    [True, True, True]
    >>> [is_own(name, "ada") for name in ("web", "bob_shop-web", "adam/web", "reg.example/bob/ada")]
    [False, False, False, False]
    """
    named = _path(reference).startswith((f"{owner}/", f"{owner}_")) and ".." not in reference
    return named and not is_naps(reference)


def is_naps(reference: str) -> bool:
    """Whether an image is called as those that nap itself makes on the hosts, through which it
    reaches their files: so is nobody's, whatever their name.

    >>> [is_naps(name) for name in ("nap/nothing:1", "docker.io/nap/reach", "reg.example/nap/web")]
    [True, True, False]
    """
    return familiar(reference).startswith("nap/")


def is_of(reference: str, project: str) -> bool:
    """Whether an image goes by the name that a build of that project's would give it.

    >>> [is_of(name, "ada_shop") for name in ("ada_shop-web", "reg.example/ada_shop-web", "ada/w")]
    [True, True, False]
    """
    return _path(reference).startswith(f"{project}-") and ".." not in reference


def _path(reference: str) -> str:
    """The name without its registry."""
    first, slash, rest = reference.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return rest if named else reference
