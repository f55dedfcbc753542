"""Values as they compare: an engine fills in what wasn't said, and says nothing in many ways."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]


def plain(value: Any) -> Any:
    """The value without what says nothing, lists without their order; None where nothing is left.

    >>> plain({"a": 0, "b": [], "c": {"d": ""}, "e": [2, 1]})
    {'e': [1, 2]}
    """
    if isinstance(value, Mapping):
        parts = {key: plain(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not None} or None
    if isinstance(value, list | tuple):
        return sorted((plain(part) for part in value), key=json.dumps) or None
    return value or None


def same(wanted: Any, there: Any) -> bool:
    """Whether two values say the same."""
    return bool(plain(wanted) == plain(there))


def of_users(labels: Json | None, reserved: Iterable[str]) -> dict[str, str]:
    """Labels without those that tools set for themselves."""
    prefixes = (*reserved, "desktop.docker.io/")
    return {key: value for key, value in (labels or {}).items() if not key.startswith(prefixes)}
