"""The calls about the caller where there is no directory: the system says who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from nap_compose.control.local.base import Local
from nap_compose.errors import WrongUse

if TYPE_CHECKING:
    from nap_compose.border import LoggedIn, Who


class LocalPeople(Local):
    """See `border.People`."""

    def whoami(self) -> Who:
        """Who the caller is taken for."""
        return self._who

    def login(self, name: str, password: str) -> LoggedIn:
        """Refused: there is nothing to log in to."""
        del name, password
        self._refuse()

    def login_locally(self) -> LoggedIn:
        """Refused in the same way."""
        self._refuse()

    def logout(self) -> None:
        """There is no session to end."""

    def _refuse(self) -> NoReturn:
        raise WrongUse(
            "no directory is set up, so there is nothing to log in to: "
            f"nap takes you for the system's user {self._who.name}",
            hint="`ldap` in the cluster file sets one up",
        )
