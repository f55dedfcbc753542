"""The JSON Schema of a Compose file as nap reads it, for editors; made from the table of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nap_compose.compose.keys import SERVICE_KEYS, TOP
from nap_compose.compose.rows import Entry


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) that accepts what the loader's own check accepts."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Compose file",
        **TOP.schema(),
    }


def table() -> Iterator[tuple[str, Entry]]:
    """The rows of the table of keys: where each stands (`service`, `top`) and the row itself."""
    for entry in TOP.entries.values():
        yield "top", entry
    for entry in SERVICE_KEYS:
        yield "service", entry
