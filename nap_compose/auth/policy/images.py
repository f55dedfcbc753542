"""Whose an image is, by its name. Pure."""

from __future__ import annotations


def is_own(reference: str, owner: str) -> bool:
    """Whether an image that an owner makes may be called so: `OWNER/…`, `OWNER_APP-SERVICE` as
    a build names it, or either in a registry.

    >>> [is_own(name, "ada") for name in ("ada/web:1", "ada_shop-web", "reg.example:5000/ada/web")]
    [True, True, True]
    >>> [is_own(name, "ada") for name in ("web", "bob_shop-web", "adam/web", "reg.example/bob/ada")]
    [False, False, False, False]
    """
    first, slash, rest = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        reference = rest
    return reference.startswith((f"{owner}/", f"{owner}_")) and ".." not in reference
