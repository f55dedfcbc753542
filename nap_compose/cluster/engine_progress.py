"""The records in which an engine tells how far a pull, a push, a load or a build is."""

from __future__ import annotations

from typing import Any

from nap_compose.cluster.engine import Json
from nap_compose.cluster.engine_http import engine_error


def checked(host: str, record: Any) -> Json:
    """The record; one that tells of an error is raised as EngineError."""
    if "error" in record or "errorDetail" in record:
        detail = record.get("errorDetail") or {}
        said = detail.get("message") or record.get("error") or ""
        raise engine_error(host, int(detail.get("code") or 500), str(said))
    found: Json = record
    return found
