"""Small conversions from Compose's canonical values to the Engine API's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nap_compose.units import parse_duration, parse_size


def tidy(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what is unset, so that the engine's own defaults hold. Zero is a value."""
    return {key: value for key, value in body.items() if not _unset(value)}


def command(value: Any) -> list[str] | None:
    """A command as a list; None leaves the image's, an empty list clears it."""
    if value is None:
        return None
    return [value] if isinstance(value, str) else [str(part) for part in value]


def env_list(environment: Mapping[str, Any]) -> list[str]:
    """`KEY=value`; a bare `KEY` takes the image's value away."""
    return [key if value is None else f"{key}={value}" for key, value in environment.items()]


def nanoseconds(value: Any) -> int | None:
    """A duration such as `1m30s`, in nanoseconds."""
    return None if value is None else round(parse_duration(str(value)) * 1e9)


def size(value: Any) -> int | None:
    """A size such as `512m` or "536870912", in bytes; -1 stays -1 (no limit)."""
    if value is None:
        return None
    text = str(value)
    return -1 if text == "-1" else parse_size(text)


def _unset(value: Any) -> bool:
    return value is None or value is False or value in ("", {}, [])
