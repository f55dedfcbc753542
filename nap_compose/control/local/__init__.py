"""The border's in-process implementation: the commands and what holds the keys in one process.

One file a group of calls, as in `border`; each call imports what it needs when it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nap_compose.auth.system import system_user, user_name
from nap_compose.cluster.cluster import Cluster
from nap_compose.control.local.adopting import LocalAdopting
from nap_compose.control.local.apps import LocalApps
from nap_compose.control.local.audit import LocalAudit
from nap_compose.control.local.collecting import LocalCollecting
from nap_compose.control.local.deploying import LocalDeploying
from nap_compose.control.local.doctor import LocalDoctor
from nap_compose.control.local.health import LocalHealth
from nap_compose.control.local.hosts import LocalHosts
from nap_compose.control.local.imaging import LocalImaging
from nap_compose.control.local.looking import LocalLooking
from nap_compose.control.local.notifying import LocalNotifying
from nap_compose.control.local.offboarding import LocalOffboarding
from nap_compose.control.local.people import LocalPeople
from nap_compose.control.local.quotas import LocalQuotas
from nap_compose.control.local.reading import LocalReading
from nap_compose.control.local.records import LocalRecords
from nap_compose.control.local.registries import LocalRegistries
from nap_compose.control.local.revisions import LocalRevisions
from nap_compose.control.local.sharing import LocalSharing
from nap_compose.control.local.standing import LocalStanding
from nap_compose.control.local.storage import LocalStorage
from nap_compose.control.local.streaming import LocalStreaming
from nap_compose.control.parts import Parts

if TYPE_CHECKING:
    from nap_compose.border import Checked, Control, Who
    from nap_compose.compose.model import App
    from nap_compose.compose.rows import Site


def open_control(cluster: Cluster, env: Mapping[str, str], token: str = "") -> Control:
    """The control of `cluster` for the person who runs this process; `token` is their session's."""
    control = LocalControl(cluster, system_user(cluster, env))
    if cluster.embedded:
        return control
    from nap_compose.control.guard import guarded

    return guarded(control, cluster, user_name(env), token, holds_keys=True)


class LocalControl(
    LocalAdopting,
    LocalApps,
    LocalCollecting,
    LocalAudit,
    LocalDeploying,
    LocalDoctor,
    LocalHealth,
    LocalHosts,
    LocalImaging,
    LocalLooking,
    LocalNotifying,
    LocalOffboarding,
    LocalPeople,
    LocalQuotas,
    LocalReading,
    LocalRecords,
    LocalRegistries,
    LocalRevisions,
    LocalSharing,
    LocalStanding,
    LocalStorage,
    LocalStreaming,
):
    """See `Control`: every call is carried out here and now."""

    def __init__(self, cluster: Cluster, who: Who) -> None:
        super().__init__(Parts(cluster), who)

    @property
    def parts(self) -> Parts:
        """What it works with."""
        return self._parts

    def notices(self) -> tuple[str, ...]:
        """Engines that anybody may command."""
        return self._parts.engines.notices()

    def site(self) -> Site:
        """Where apps run."""
        from nap_compose.control.parts import site_of

        return site_of(self._parts)

    def check(self, app: App) -> Checked:
        """What `up` would refuse."""
        from nap_compose.border import Checked, Refusal
        from nap_compose.control.policing import forbidden
        from nap_compose.orchestration.checks import faults

        site = self.site()
        found = [
            *faults(app, site, self._parts.cluster.storage),
            *forbidden(self._parts, self._who, app),
        ]
        return Checked(site, tuple(Refusal(f.path, f.message, f.hint) for f in found))

    def close(self) -> None:
        """Close every connection, once nobody reads on it any more."""
        self.close_streams()
        self._parts.close()
