"""What owners log in to registries with, for images that aren't everybody's."""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

from nap_compose.border.words import Listing
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class RegistryLogin:
    """A name and password at a registry (`registry.example:5000`, `docker.io`)."""

    registry: str
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class RegistryRow:
    """A login that is kept: whose (`user`), at which registry, under which name there, and since
    when (UTC, ISO 8601)."""

    user: str
    registry: str
    name: str
    changed: str


class Registries(Protocol):
    """The calls about registries. Every method raises NapError with its exit code."""

    def log_in_at_registry(self, login: RegistryLogin) -> str:
        """Keep the caller's login, once the registry has taken it; gives the registry's name."""

    def log_out_of_registry(self, registry: str) -> str:
        """Forget the caller's login; gives the registry's name."""

    def registry_logins(self) -> Listing:
        """Rows of `RegistryRow`: everybody's for an admin, for others their own."""
