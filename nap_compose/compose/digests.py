"""Images pinned to what their registries have now: which to ask for, and the document with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nap_compose.compose import references
from nap_compose.compose.faults import dotted
from nap_compose.compose.references import Reference
from nap_compose.compose.shortforms import BadForm
from nap_compose.errors import BadFile, BadFiles

Json = dict[str, Any]


def named(document: Mapping[str, Any]) -> dict[str, Reference]:
    """For each service that names an image, the image by its full name.

    Raises BadFile or BadFiles, with paths.
    """
    found: dict[str, Reference] = {}
    faults = []
    for name, image in _images(document):
        try:
            found[name] = references.parse(image)
        except BadForm as error:
            faults.append(fault(name, str(error)))
    if faults:
        raise BadFiles.of(faults)
    return found


def fault(service: str, message: str) -> BadFile:
    """A fault of that service's image."""
    path = ("services", service, "image")
    return BadFile(f"{dotted(path)}: {message}", path=path)


def pinned(document: Mapping[str, Any], images: Mapping[str, Reference]) -> Json:
    """The document with the `images` of its services (`nap config --resolve-image-digests`)."""
    services = {
        name: {**spec, "image": str(images[name])} if name in images else spec
        for name, spec in (document.get("services") or {}).items()
    }
    return {**document, "services": services}


def images_only(document: Mapping[str, Any], *, bare: bool = False) -> Json:
    """A file with nothing but the services' images, to lay over the others.

    As Compose prints it (`--lock-image-digests`), where variables were filled in with an empty
    name and an unset command; `bare`: without them.
    """
    services = {
        name: ({} if bare else {"command": None, "entrypoint": None})
        | ({"image": spec["image"]} if spec.get("image") else {})
        for name, spec in (document.get("services") or {}).items()
    }
    return {**({} if bare else {"name": ""}), "services": services}


def _images(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, spec in (document.get("services") or {}).items():
        if spec.get("image"):
            yield name, spec["image"]
