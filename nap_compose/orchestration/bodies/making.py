"""What a body needs to know besides the service: where it is made, and under which names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from nap_compose.cluster.adopted import IN_PLACE
from nap_compose.cluster.names import resource_name
from nap_compose.compose.model import App, Service
from nap_compose.orchestration.wanted import Slot
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class OneOff:
    """What is particular to a container that `run` makes; see `border.RunRequest`."""

    name: str
    slug: str
    remove: bool = False
    stdin: bool = True
    use_aliases: bool = False


@dataclass(frozen=True)
class Making:
    """One container about to be made.

    `name` is its slot's name, whatever it is made under; `publish_ip` the address that its host
    publishes ports on (empty: all); `containers` the ids of the containers, on the same host, of
    the services whose namespaces or volumes it uses; `inherit` the anonymous volumes of the
    container that it replaces: target → volume. `oneoff` is set for what `run` makes.
    `watched`: the watcher starts it again when it ends, and the engine never does.
    """

    app: App
    service: Service
    slot: Slot
    project: str
    name: str
    labels: Mapping[str, str]
    publish_ip: str = ""
    containers: Mapping[str, str] = field(default_factory=dict)
    inherit: Mapping[str, str] = field(default_factory=dict)
    oneoff: OneOff | None = None
    watched: bool = False

    @property
    def spec(self) -> Mapping[str, Any]:
        """The service's canonical form."""
        return self.service.spec

    @property
    def owner(self) -> str:
        """Whose app it is; empty when embedded."""
        return self.project.removesuffix(self.app.name).removesuffix("_")

    def network(self, key: str) -> str:
        """The name on the engines of the app's network `key`."""
        return network_name(self.app, self.project, key)

    def volume(self, key: str) -> str:
        """The name on the engines of the app's volume `key`."""
        return volume_name(self.app, self.project, key)


def network_name(app: App, project: str, key: str) -> str:
    """The name on the engines of the app's network `key`."""
    return _name(app.networks.get(key, {}), app, project, key)


def volume_name(app: App, project: str, key: str) -> str:
    """The name on the engines of the app's volume `key`."""
    return _name(app.volumes.get(key, {}), app, project, key)


def _name(spec: Mapping[str, Any], app: App, project: str, key: str) -> str:
    """The file's own name for it, else `APP_KEY`; on a cluster with the owner in front.

    There every name, external ones too, resolves inside the owner's namespace: nobody reaches
    what is another owner's, or the engine's, by calling it by its name. An app's `OWNER_APP_KEY`
    is reached from the owner's other apps as `APP_KEY`.
    What came from a host's own Compose and stayed in place goes by the name that it has there.
    """
    if spec.get(IN_PLACE):
        return str(spec[IN_PLACE])
    owners = project.removesuffix(app.name)
    return owners + (str(spec.get("name") or "") or resource_name(app.name, key))
