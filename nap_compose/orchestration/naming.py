"""The name of the container that fills a slot."""

from __future__ import annotations

from nap_compose.cluster.names import container_name
from nap_compose.compose.model import Service
from nap_compose.orchestration.wanted import Slot


def slot_name(service: Service, owner: str, project: str, slot: Slot) -> str:
    """`PROJECT-SERVICE-N`, or the file's `container_name` where there are no other owners."""
    given = str(service.spec.get("container_name") or "")
    return given if given and not owner else container_name(project, slot.service, slot.number)
