"""Image references written out in full, as registries know them."""

from __future__ import annotations

import re
from typing import NamedTuple

from nap_compose.compose.shortforms import BadForm

HUB = "docker.io"

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?)+|\[[0-9A-Fa-f:]+\]"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<registry>(?:{_HOST})(?::[0-9]+)?)/)?"
    rf"(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}))?",
    re.ASCII,
)


class Reference(NamedTuple):
    """An image: its registry, its path there, and a tag or a digest or, once pinned, both."""

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.path}{tag}{digest}"


def parse(text: str) -> Reference:
    """The reference that `text` is short for; a tag beside a digest says nothing and is dropped.

    Raises BadForm.

    >>> str(parse("redis"))
    'docker.io/library/redis:latest'
    >>> str(parse("registry.example:5000/shop/web:2@sha256:" + 64 * "a"))[:31]
    'registry.example:5000/shop/web@'
    """
    registry, path = _split(text)
    found = _REFERENCE.fullmatch(f"{registry}/{path}")
    if not found:
        raise BadForm(f"{text!r} isn't the name of an image, such as registry/path:tag")
    tag, digest = found["tag"] or "", found["digest"] or ""
    if digest:
        return Reference(registry, found["path"], digest=digest)
    return Reference(registry, found["path"], tag or "latest")


def _split(text: str) -> tuple[str, str]:
    """The registry and the rest. What looks like a host's name is one: a dot, a port, capitals."""
    first, slash, rest = text.partition("/")
    named = slash and (first == "localhost" or re.search(r"[.:A-Z]", first))
    registry, path = (first, rest) if named else (HUB, text)
    if registry in (HUB, f"index.{HUB}"):
        return HUB, path if "/" in path else f"library/{path}"
    return registry, path
