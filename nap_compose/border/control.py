"""All that the commands may ask, together."""

from __future__ import annotations

from typing import Protocol

from nap_compose.border.adopting import Adopting
from nap_compose.border.apps import Apps
from nap_compose.border.audit import Auditing
from nap_compose.border.collecting import Collecting
from nap_compose.border.deploying import Deploying
from nap_compose.border.doctor import Doctor
from nap_compose.border.forwarding import Forwarding
from nap_compose.border.health import Health
from nap_compose.border.hosts import Hosts
from nap_compose.border.imaging import Imaging
from nap_compose.border.looking import Looking
from nap_compose.border.notifying import Notifying
from nap_compose.border.offboarding import Offboarding
from nap_compose.border.people import People
from nap_compose.border.quotas import Quotas
from nap_compose.border.reading import Reading
from nap_compose.border.records import RecordKeeping
from nap_compose.border.registries import Registries
from nap_compose.border.revisions import Revisions
from nap_compose.border.sharing import Sharing
from nap_compose.border.standing import Standing
from nap_compose.border.storage import Storing
from nap_compose.border.streaming import Streaming
from nap_compose.border.words import Checked
from nap_compose.compose.model import App
from nap_compose.compose.rows import Site


class Control(
    Adopting,
    Apps,
    Auditing,
    Collecting,
    Deploying,
    Doctor,
    Forwarding,
    Health,
    Hosts,
    Imaging,
    Looking,
    Notifying,
    Offboarding,
    People,
    Quotas,
    Reading,
    RecordKeeping,
    Registries,
    Revisions,
    Sharing,
    Standing,
    Storing,
    Streaming,
    Protocol,
):
    """What the commands may ask. Every method raises NapError with its exit code."""

    def notices(self) -> tuple[str, ...]:
        """What the person should know at every call, such as an engine reached without TLS."""

    def site(self) -> Site:
        """Where apps run: on which cluster, with how many hosts."""

    def check(self, app: App) -> Checked:
        """What `up` would refuse, told without asking a host."""

    def close(self) -> None: ...
