"""The image of each container. A host is asked for two lists, and once about each image."""

from __future__ import annotations

from nap_compose.border import Chosen, ImageRow, Listing
from nap_compose.cluster.engine import Engine, Json
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import ContainerView, ImageView, View
from nap_compose.control.looking.choosing import ask_each, look, whereabouts
from nap_compose.control.parts import Parts
from nap_compose.control.reading import warnings_of


def list_images(parts: Parts, chosen: Chosen) -> Listing:
    """A row for each container with its image, as that host has it."""
    view, containers = look(parts, chosen, Part.IMAGES)
    known = _by_id(view)
    # An image of one id is the same on every host, but for when it got its name there.
    one_each = {(each.host, each.image_id): each for each in containers}
    details, warnings = ask_each(parts, one_each.values(), _inspected)
    rows = []
    for container in containers:
        asked = one_each[container.host, container.image_id]
        detail = details.get(asked.id, {})
        rows.append(_row(container, known.get((container.host, container.image_id)), detail))
    return Listing(tuple(rows), (*warnings_of(view), *warnings))


def _by_id(view: View) -> dict[tuple[str, str], ImageView]:
    return {(name, image.id): image for name, host in view.hosts.items() for image in host.images}


def _inspected(engine: Engine, container: ContainerView) -> Json:
    return engine.inspect_image(container.image_id)


def _row(container: ContainerView, image: ImageView | None, detail: Json) -> ImageRow:
    repository, _, tag = (image.tags[0] if image and image.tags else "").rpartition(":")
    platform = [detail.get("Os"), detail.get("Architecture"), detail.get("Variant")]
    return ImageRow(
        of=whereabouts(container),
        id=container.image_id,
        repository=repository,
        tag=tag,
        platform="/".join(filter(None, platform)),
        size=image.size if image else int(detail.get("Size") or 0),
        tagged=(detail.get("Metadata") or {}).get("LastTagTime") or "",
    )
