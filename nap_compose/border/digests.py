"""What the registries say that images are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class DigestRequest:
    """Images, each by its full name, whose digests a registry is asked for.

    `logins`: for a registry's host name, the caller's credentials as the engine takes them.
    """

    images: tuple[str, ...]
    logins: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Digest:
    """What a registry has under an image's name: its digest, or the `problem` in a sentence."""

    digest: str = ""
    problem: str = ""
