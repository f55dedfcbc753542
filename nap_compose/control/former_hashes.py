"""Containers whose config hash was made in another way than this nap makes them: by an older nap,
or a newer one. They are held against the revision that made them, so that nothing is made anew
because nap itself is another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache

from nap_compose.cluster import labels, revisions
from nap_compose.cluster.view import ContainerView, View
from nap_compose.compose.hashing import config_hash, is_of_this_format
from nap_compose.compose.model import App
from nap_compose.control.parts import Parts
from nap_compose.control.road.looking import adopted_of, settled
from nap_compose.errors import NapError
from nap_compose.orchestration.shipping import injected


def hashes_of(app: App) -> dict[str, str]:
    """Service → the config hash of its containers; `app` is settled."""
    return {
        name: config_hash(service, injected(app, service)) for name, service in app.services.items()
    }


def compare(
    parts: Parts,
    owner: str,
    app: str,
    services: Collection[str],
    view: View,
    hashes: Mapping[str, str],
) -> dict[str, tuple[str, ...]]:
    """Container id → what of it differs, for those of the chosen services whose hash says nothing
    here: nothing where the revision that made it says of the service what the file says now."""

    @cache
    def then(revision: int) -> Mapping[str, str]:
        model = _model(parts, owner, app, revision)
        came = adopted_of(parts, owner, app)
        return hashes_of(settled(parts, owner, model, came).app) if model else {}

    return {
        container.id: ()
        if then(_revision(container)).get(service) == hashes[service]
        else ("configuration",)
        for container in view.of_app(owner, app)
        if (service := _service(container)) in services
        and not is_of_this_format(container.identity.config_hash if container.identity else "")
    }


def refuse_newer(view: View, owner: str, app: str) -> None:
    """Raise NapError where a newer nap made a container of the app, of which this one doesn't know
    what its labels say."""
    for container in view.of_app(owner, app):
        if container.identity is not None and container.identity.schema > labels.SCHEMA:
            raise NapError(
                f"{container.name} was made by a newer nap, so this one leaves the app as it is",
                host=container.host,
                hint="bring nap up to date on this machine: pip install --upgrade nap-compose",
            )


def _service(container: ContainerView) -> str:
    identity = container.identity
    return identity.service if identity and identity.by_nap and not identity.oneoff else ""


def _revision(container: ContainerView) -> int:
    return container.identity.revision if container.identity else 0


def _model(parts: Parts, owner: str, app: str, revision: int) -> App | None:
    """The model of a revision; None where it is kept nowhere."""
    if revision in revisions.numbers(parts.store, owner, app):
        return revisions.load(parts.store, parts.keyring.cipher, owner, app, revision)
    known = parts.records.app(owner, app)
    record = parts.records.revision(known.id, revision) if known else None
    if record is None or not record.sealed:
        return None
    return revisions.opened(
        parts.keyring.cipher, owner, app, revision, sealed=record.sealed, digest=record.digest
    )
