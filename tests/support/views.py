"""Views and apps for tests, in a line each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from nap_compose.cluster.labels import CONFIG_HASH, IMAGE, Identity
from nap_compose.cluster.names import container_name
from nap_compose.cluster.view import (
    Absence,
    ContainerView,
    HostView,
    ImageView,
    PublishedPort,
    Unseen,
    View,
)
from nap_compose.compose.model import App


def app(services: dict[str, dict[str, Any]], name: str = "shop", **top: Any) -> App:
    """An app from services in canonical form; each is on the network `default`. Of the image None
    there is no image."""
    full = {
        service: {"image": f"{service}:1", "networks": {"default": None}, **spec}
        for service, spec in services.items()
    }
    for spec in full.values():
        if spec["image"] is None:
            del spec["image"]
    networks = {"default": {"name": f"{name}_default"}}
    return App.of({"name": name, "services": full, "networks": networks, **top})


def host(name: str, containers: Iterable[ContainerView] = (), **fields: Any) -> HostView:
    """A host that has every image `SERVICE:1` of the services web, db and cache."""
    images = tuple(ImageView(id=f"sha256:{n}", tags=(f"{n}:1",)) for n in ("web", "db", "cache"))
    return HostView(
        name=name,
        address=f"10.0.0.{name[1:]}",
        containers=tuple(containers),
        **{"images": images, **fields},
    )


def view(*hosts: HostView, unseen: Iterable[str] = ()) -> View:
    """A view of these hosts."""
    away = tuple(Unseen(name, Absence.UNREACHABLE, "no route to host") for name in unseen)
    return View(datetime(2026, 1, 1, tzinfo=timezone.utc), {h.name: h for h in hosts}, away)


def container(
    slot: str,
    host_name: str,
    *,
    hash_: str = "old",
    fence: int = 1,
    state: str = "running",
    health: str = "none",
    ports: Iterable[int] = (),
    name: str = "",
    owner: str = "",
    app_name: str = "shop",
    image_id: str = "",
) -> ContainerView:
    """A container of the app, on the network `default`."""
    service, _, number = slot.partition(".")
    image_id = image_id or f"sha256:{service}"
    return ContainerView(
        id=f"{slot}@{host_name}#{fence}".ljust(12, "0"),
        name=name or container_name(app_name, service, int(number)),
        host=host_name,
        state=state,
        health=health,
        exit_code=None if state == "running" else 0,
        labels={CONFIG_HASH: hash_, IMAGE: image_id},
        image_id=image_id,
        networks=(f"{app_name}_default",),
        ports=tuple(PublishedPort(port, port) for port in ports),
        identity=Identity(
            cluster="",
            owner=owner,
            app=app_name,
            service=service,
            replica=int(number),
            fence=fence,
            project=app_name,
            config_hash=hash_,
        ),
    )


def foreign(name: str, host_name: str, port: int) -> ContainerView:
    """Somebody else's container that holds a port."""
    return ContainerView(
        id=f"{name}-id",
        name=name,
        host=host_name,
        state="running",
        ports=(PublishedPort(port, port),),
    )
