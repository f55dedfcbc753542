"""Images: each to each host that will make a container of it and lacks it. Pure."""

from __future__ import annotations

from nap_compose.cluster.images import Found
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.plan import Kind, Step
from nap_compose.orchestration.planning.draft import Draft


def bring_images(draft: Draft) -> None:
    """Bring images to where they are missing; an unknown one fails before anything is changed."""
    wish = draft.wish
    for decision in draft.making:
        service = wish.service(decision.slot)
        reference = image_reference(service, wish.project)
        found = wish.images.get(reference)
        if not (found and decision.host in found.hosts):
            platform = str(service.spec.get("platform") or "")
            draft.add(_bring(reference, decision.host, found, platform))


def _bring(reference: str, host: str, found: Found | None, platform: str) -> Step:
    return Step(
        id=f"image:{reference}@{host}",
        kind=Kind.BRING_IMAGE,
        host=host,
        target=reference,
        subject=f"image {reference}",
        args={
            "id": found.id if found else "",
            "size": found.size if found else 0,
            # A digest is lost on the way from host to host: it must be pulled.
            "from": list(found.anywhere) if found and "@" not in reference else [],
            "platform": platform,
            # No host has it under its name: it is sent by its id, and named where it arrives.
            **({"unnamed": True} if found and not found.hosts else {}),
        },
    )
