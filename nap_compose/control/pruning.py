"""The road of `prune`: what no app needs any more goes, image by image and host by host.

An image goes only where some revision ran it, so that nap knows that it was an app's, where none
of any app's last revisions needs it, and where no container anywhere is made from it. Volumes are
never touched.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from nap_compose.cluster import pins
from nap_compose.cluster.engine import EngineAway, EngineError, NotFound
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import HostView, ImageView, View
from nap_compose.control.border import Listing, PrunedRow, PruneRequest, Target
from nap_compose.control.history import past
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.pinning import former_tag
from nap_compose.control.reading import warnings_of
from nap_compose.db.records import AppRecord, RecordsAway
from nap_compose.errors import WrongUse
from nap_compose.text import plain

LEAST = 3
"""So many of an app's last revisions keep their images, whatever is asked for."""

HISTORY = 20
"""So many of an app's last revisions and deployments stay on record, however old they are."""

ENDED = ("exited", "dead", "created")


def prune(parts: Parts, request: PruneRequest) -> Listing:
    """Remove it, or tell what would go; see `border.Imaging.prune`."""
    if request.keep < LEAST:
        raise WrongUse(f"an app's last {LEAST} revisions keep their images: --keep {LEAST} or more")
    view = seen_at_all(parts.look(only=frozenset({Part.CONTAINERS, Part.IMAGES})))
    rows: list[PrunedRow] = []
    with ThreadPoolExecutor(max(1, len(view.hosts)), thread_name_prefix="prune") as pool:
        unneeded = _unneeded(parts, request, view)
        before = time.time() - request.older_than

        def on(host: HostView) -> list[PrunedRow]:
            containers = _containers(parts, host, before, request)
            return [*containers, *_images(parts, host, unneeded, before, request)]

        for found in pool.map(on, view.hosts.values()):
            rows += found
    warnings = list(warnings_of(view))
    try:
        rows += _history(parts, request)
    except RecordsAway as away:
        warnings.append(f"the history stays as it is: {away}")
    return Listing(tuple(rows), tuple(warnings))


def _unneeded(parts: Parts, request: PruneRequest, view: View) -> frozenset[str]:
    """The images that were some app's and are needed by none: by their ids."""
    needed = {container.image_id for container in view.containers()}
    known: set[str] = set()
    for revisions in pins.everything(parts.store).values():
        last = sorted(revisions)[-request.keep :]
        for number, images in revisions.items():
            ids = {pin.id for pin in images.values()}
            known |= ids
            needed |= ids if number in last else set()
    former = {
        image.id
        for host in view.hosts.values()
        for image in host.images
        if any(tag.endswith(f":{former_tag(image.id)}") for tag in image.tags)
    }
    return frozenset((known | former) - needed)


def _images(
    parts: Parts, host: HostView, unneeded: frozenset[str], before: float, request: PruneRequest
) -> Iterator[PrunedRow]:
    for image in host.images:
        if image.id in unneeded and image.created <= before:
            row = PrunedRow("image", _named(image), host.name, image.size)
            yield row if request.dry_run else _without_image(parts, image, row)


def _named(image: ImageView) -> str:
    own = [tag for tag in image.tags if not tag.endswith(f":{former_tag(image.id)}")]
    return (own or list(image.tags) or [image.id.rpartition(":")[2][:12]])[0]


def _without_image(parts: Parts, image: ImageView, row: PrunedRow) -> PrunedRow:
    """Take its names away, the image with the last; one that came into use meanwhile stays."""
    engine = parts.engines.on(row.host)
    try:
        for name in image.tags or (image.id,):
            engine.remove_image(name)
    except NotFound:
        pass
    except (EngineError, EngineAway) as error:
        return replace(row, problem=plain(error.message))
    return row


def _containers(
    parts: Parts, host: HostView, before: float, request: PruneRequest
) -> Iterator[PrunedRow]:
    """Containers of `nap run` that nobody removed when they had ended, and failed ones that are
    kept for a look."""
    for each in host.containers:
        identity = each.identity
        run = identity is not None and identity.oneoff and identity.by_nap
        if not (run or each.kept):
            continue
        if each.state not in ENDED or each.created > before:
            continue
        row = PrunedRow("container", each.name, host.name)
        if not request.dry_run:
            try:
                parts.engines.on(host.name).remove_container(each.id, volumes=True)
            except NotFound:
                pass
            except (EngineError, EngineAway) as error:
                row = replace(row, problem=plain(error.message))
        yield row


def _history(parts: Parts, request: PruneRequest) -> Iterator[PrunedRow]:
    before = datetime.now(timezone.utc) - timedelta(seconds=request.history)
    limit = before.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for app in parts.records.apps():
        yield from _history_of(parts, app, limit, request)


def _history_of(
    parts: Parts, app: AppRecord, limit: str, request: PruneRequest
) -> Iterator[PrunedRow]:
    """The old deployments and revisions of an app, but for the last ones and for what runs."""
    known = past(parts, Target(app.name, app.owner))
    running = known.last_deployment(known.current)
    deployments = [
        each.id
        for each in known.deployments[HISTORY:]
        if each.ended and each.ended < limit and each != running
    ]
    kept = {each.revision for each in known.deployments if each.id not in set(deployments)}
    revisions = [
        each.number
        for each in known.revisions[HISTORY:]
        if each.created < limit and each.number not in kept
    ]
    called = f"{app.owner}/{app.name}" if app.owner else app.name
    for kind, gone in (("deployments", deployments), ("revisions", revisions)):
        if gone:
            yield PrunedRow(kind, f"{len(gone)} of {called}")
    if (deployments or revisions) and not request.dry_run:
        parts.records.forget(app.id, deployments, revisions)
