"""Apps that came from a host's own Compose, in the state store: what of them is still as it was.

Their volumes stay in place, under names that aren't nap's and with labels that can't be changed
any more. So it is kept here, sealed, whose they are: without it they are foreign, like everything
that nap didn't make. Their old containers are kept stopped until somebody says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, field, replace
from typing import Any

from nap_compose.cluster import state_keys
from nap_compose.cluster.labels import COMPOSE, Identity
from nap_compose.cluster.names import project_of
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.state import Lost, StateStore
from nap_compose.cluster.view import View, VolumeView
from nap_compose.compose.model import App
from nap_compose.errors import Locked
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Former:
    """A container of the old project: whether it ran, and its restart policy in the engine's
    words."""

    id: str
    name: str
    ran: bool
    restart: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Adopted:
    """An app that was the Compose project `project` on `host`.

    `volumes` are those that stay in place: key → name there. `containers` are the old ones, none
    once the way back was given up. Until it is `whole`, moving in isn't done yet.
    """

    host: str
    project: str
    volumes: Mapping[str, str]
    containers: tuple[Former, ...] = ()
    whole: bool = False

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the old containers."""
        return frozenset(each.id for each in self.containers)


Everywhere = Mapping[tuple[str, str], Adopted]
"""(owner, app) → what of it came from elsewhere."""


def read(store: StateStore, seal: Seal | None, owner: str, app: str) -> Adopted | None:
    """What of the app came from a host's own Compose; None where nothing did."""
    entry = store.get(state_keys.adopted(owner, app))
    return _read(entry.value, seal, owner, app) if entry else None


def read_all(store: StateStore, seal: Seal | None, owner: str = "") -> Everywhere:
    """That of all apps, or of one owner's."""
    found = {}
    prefix = state_keys.ADOPTED + (f"{owner}/" if owner else "")
    for entry in store.list(prefix):
        owned, _, app = entry.key[len(state_keys.ADOPTED) :].partition("/")
        adopted = _read(entry.value, seal, owned, app)
        if adopted is not None:
            found[owned, app] = adopted
    return found


def begin(store: StateStore, seal: Seal | None, owner: str, app: str, adopted: Adopted) -> None:
    """Put it on record; raises Locked where somebody else just did."""
    try:
        _put(store, seal, owner, app, adopted, if_version=0)
    except Lost:
        raise Locked(
            f"somebody else has just begun to move {app} in", hint="run the command again"
        ) from None


def write(store: StateStore, seal: Seal | None, owner: str, app: str, adopted: Adopted) -> None:
    """Write it anew."""
    _put(store, seal, owner, app, adopted)


def delete(store: StateStore, owner: str, app: str) -> None:
    """Forget it: its volumes are foreign again."""
    store.delete(state_keys.adopted(owner, app))


def marked(view: View, cluster: str, everywhere: Everywhere) -> View:
    """The view with the volumes that stay in place told as the apps' own."""
    whose = {
        (adopted.host, name): (owner, app, key)
        for (owner, app), adopted in everywhere.items()
        for key, name in adopted.volumes.items()
    }
    if not whose:
        return view
    hosts = {}
    for name, host in view.hosts.items():
        volumes = tuple(
            _marked(each, cluster, whose.get((name, each.name))) for each in host.volumes
        )
        hosts[name] = replace(host, volumes=volumes)
    return replace(view, hosts=hosts)


def in_place(app: App, adopted: Adopted | None) -> App:
    """The app with its volumes as they are where they stay: nap makes and changes none of them."""
    kept = {} if adopted is None else adopted.volumes
    specs = {key: {"external": True, IN_PLACE: kept[key]} for key in app.volumes if key in kept}
    if not specs:
        return app
    document = {**app.document, "volumes": {**app.document["volumes"], **specs}}
    return replace(app, document=document, volumes={**app.volumes, **specs})


IN_PLACE = "in_place"
"""In a volume's definition: the name that it has on its host, whatever its app's names begin
with. No file can say it: the schema knows no such key."""


def names_on(everywhere: Everywhere, host: str) -> Iterator[str]:
    """The names of volumes that stay in place on a host."""
    for adopted in everywhere.values():
        if adopted.host == host:
            yield from adopted.volumes.values()


def _marked(volume: VolumeView, cluster: str, whose: tuple[str, str, str] | None) -> VolumeView:
    if whose is None or volume.identity is not None:
        return volume
    owner, app, key = whose
    identity = Identity(cluster=cluster, owner=owner, app=app, project=project_of(owner, app))
    return replace(volume, identity=identity, labels={**volume.labels, COMPOSE + "volume": key})


def _put(
    store: StateStore,
    seal: Seal | None,
    owner: str,
    app: str,
    adopted: Adopted,
    *,
    if_version: int | None = None,
) -> None:
    value = json.loads(json.dumps(asdict(adopted)))
    sealed = {**value, "seal": seal.over(_text(value, owner, app)) if seal else ""}
    store.put(state_keys.adopted(owner, app), sealed, if_version)


def _read(value: Mapping[str, Any], seal: Seal | None, owner: str, app: str) -> Adopted | None:
    told = {key: each for key, each in value.items() if key != "seal"}
    if seal is not None and not seal.holds(str(value.get("seal")), _text(told, owner, app)):
        return None
    return Adopted(
        host=str(told["host"]),
        project=str(told["project"]),
        volumes={str(key): str(name) for key, name in told["volumes"].items()},
        containers=tuple(_formers(told["containers"])),
        whole=bool(told["whole"]),
    )


def _formers(told: Iterable[Mapping[str, Any]]) -> Iterator[Former]:
    for each in told:
        yield Former(str(each["id"]), str(each["name"]), bool(each["ran"]), dict(each["restart"]))


def _text(value: Mapping[str, Any], owner: str, app: str) -> str:
    """What the seal covers: all of it, and whose it is."""
    return "\0".join(("adopted", owner, app, json.dumps(value, sort_keys=True)))
