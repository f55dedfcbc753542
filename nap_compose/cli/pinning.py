"""`nap config --resolve-image-digests`: each image as its registry has it now, by digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nap_compose.border import Digest, DigestRequest
from nap_compose.cli.logins import logins
from nap_compose.cli.session import Session
from nap_compose.compose import digests
from nap_compose.compose.loader import Loaded
from nap_compose.compose.references import Reference
from nap_compose.errors import BadFile, BadFiles


def pinned(session: Session, found: Loaded) -> Mapping[str, Any]:
    """The document of what was loaded, its images pinned; those with a digest stay as they are.

    Raises BadFile or BadFiles with the place of each image that its registry doesn't give.
    """
    document = found.app.document
    try:
        images = digests.named(document)
        asked = _ask(session, [image for image in images.values() if not image.digest])
        faults = [
            digests.fault(service, f"the digest of {image} can't be had: {answer.problem}")
            for service, image in images.items()
            if (answer := asked.get(str(image), Digest())).problem
        ]
        if faults:
            raise BadFiles.of(faults)
    except BadFile as error:
        raise found.placed(error) from None
    known = {
        service: image._replace(digest=asked[str(image)].digest) if str(image) in asked else image
        for service, image in images.items()
    }
    return digests.pinned(document, known)


def _ask(session: Session, images: list[Reference]) -> Mapping[str, Digest]:
    if not images:
        return {}
    request = DigestRequest(
        tuple(sorted({str(image) for image in images})),
        logins({image.registry for image in images}, session.env),
    )
    with session.control() as control:
        return control.digests(request)
