"""Who calls: logging in and out."""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

from nap_compose.border.words import Who
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class LoggedIn:
    """A session that began: `token` stands for it until `ends`, in seconds since 1970."""

    who: Who
    token: str = field(repr=False)
    ends: float = 0.0


class People(Protocol):
    """The calls about the caller. Every method raises NapError with its exit code."""

    def whoami(self) -> Who: ...

    def login(self, name: str, password: str) -> LoggedIn:
        """Begin a session. Raises NotAllowed for a wrong name or password."""

    def login_locally(self) -> LoggedIn:
        """Begin a session without the directory, as somebody who holds the cluster's keys."""

    def logout(self) -> None:
        """End the session."""
