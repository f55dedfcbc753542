"""Image references, and which of the cluster's images one stands for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nap_compose.cluster.view import HostView, ImageView
from nap_compose.plaindata import dataclass

_HUB = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/")


def familiar(reference: str) -> str:
    """A reference as engines list it: without Docker Hub's own prefix, with a tag or a digest.

    >>> familiar("docker.io/library/redis")
    'redis:latest'
    >>> familiar("docker.io/library/redis:7@sha256:ab")
    'redis@sha256:ab'
    """
    for prefix in _HUB:
        if reference.startswith(prefix):
            reference = reference[len(prefix) :]
            break
    if reference.startswith("sha256:"):
        return reference
    if "@" in reference:
        # Beside a digest a tag says nothing, and engines list the digest without it.
        name, _, digest = reference.partition("@")
        path, slash, last = name.rpartition("/")
        return f"{path}{slash}{last.partition(':')[0]}@{digest}"
    last = reference.rsplit("/", 1)[-1]
    return reference if ":" in last else f"{reference}:latest"


@dataclass(frozen=True)
class Found:
    """The image that a reference stands for in this cluster, and the hosts that have it: `hosts`
    under that name, `others` under another or none."""

    id: str
    size: int
    hosts: tuple[str, ...]
    others: tuple[str, ...] = ()
    digest: str = ""

    @property
    def anywhere(self) -> tuple[str, ...]:
        """Every host that has it."""
        return (*self.hosts, *self.others)


def find(reference: str, hosts: Iterable[HostView], meant: str = "") -> Found | None:
    """The image that `reference` names; None where no host has it.

    Where hosts disagree on what a tag means, the image with the id `meant` is, or else the one
    built last: the others have an older one under that name.
    """
    wanted = familiar(reference)
    seen: list[tuple[str, ImageView]] = []
    for host in hosts:
        image = host.has_image(wanted) or host.has_image(reference)
        if image:
            seen.append((host.name, image))
    if not seen:
        return None
    newest = max(
        (image for _, image in seen),
        key=lambda image: (image.id == meant, image.created, image.id),
    )
    return Found(
        id=newest.id,
        size=newest.size,
        hosts=tuple(name for name, image in seen if image.id == newest.id),
        digest=newest.digests[0] if newest.digests else "",
    )


def find_id(reference: str, image: str, hosts: Iterable[HostView]) -> Found | None:
    """The image of that id, which `reference` is to name; None where no host has it."""
    wanted = familiar(reference)
    seen = [(host, found) for host in hosts if (found := host.has_image(image))]
    if not seen:
        return None
    named = tuple(host.name for host, found in seen if wanted in found.tags)
    digests = [digest for _, found in seen for digest in found.digests]
    return Found(
        id=image,
        size=seen[0][1].size,
        hosts=named,
        others=tuple(host.name for host, _ in seen if host.name not in named),
        digest=digests[0] if digests else "",
    )


def find_all(references: Iterable[str], hosts: Mapping[str, HostView]) -> dict[str, Found]:
    """`find` for each reference; those that no host has are left out."""
    found = {reference: find(reference, hosts.values()) for reference in set(references)}
    return {reference: image for reference, image in found.items() if image}
