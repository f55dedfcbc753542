"""The calls about registries, carried out here and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import Listing, RegistryLogin


class LocalRegistries(Local):
    """See `border.Registries`."""

    def log_in_at_registry(self, login: RegistryLogin) -> str:
        """Keep the caller's login."""
        from nap_compose.control.registries.keeping import log_in

        with self._act("registry login") as act:
            act.detail = f"{login.registry} as {login.name}"
            return log_in(self._parts, self._who, login)

    def log_out_of_registry(self, registry: str) -> str:
        """Forget the caller's login."""
        from nap_compose.control.registries.keeping import log_out

        with self._act("registry logout") as act:
            act.detail = registry
            return log_out(self._parts, self._who, registry)

    def registry_logins(self) -> Listing:
        """Logins, without their passwords."""
        from nap_compose.control.registries.keeping import list_logins

        return list_logins(self._parts, self._who)
