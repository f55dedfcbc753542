"""How an engine is asked: the small verbs that every group of calls is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from nap_compose.cluster.engine import Filters, Json
from nap_compose.cluster.engine_http import (
    CHANGE_TIMEOUT,
    READ_TIMEOUT,
    Request,
    Transport,
    in_path,
)
from nap_compose.cluster.engine_stream import Stream


class Calls:
    """Requests to one engine, over its transport."""

    def __init__(self, http: Transport) -> None:
        self._http = http

    def _get(self, path: str, query: Mapping[str, str]) -> Stream:
        return self._http.open(Request("GET", path, query))

    def _object(
        self, path: str, query: Mapping[str, str] | None = None, *, timeout: float = READ_TIMEOUT
    ) -> Json:
        return cast(Json, self._http.call(Request("GET", path, query or {}, timeout=timeout)))

    def _list(self, path: str, filters: Filters | None, **query: str) -> list[Json]:
        found = self._http.call(Request("GET", path, query | filtered(filters)))
        return cast(list[Json], found or [])

    def _post(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        timeout: float = CHANGE_TIMEOUT,
    ) -> Any:
        text = None if body is None else json.dumps(body).encode()
        headers = {} if text is None else {"Content-Type": "application/json"}
        return self._http.call(Request("POST", path, query or {}, text, headers, timeout))

    def _delete(self, path: str, **flags: bool) -> None:
        query = {name: "true" for name, on in flags.items() if on}
        self._http.call(Request("DELETE", path, query, timeout=CHANGE_TIMEOUT))

    def _container(self, container: str) -> str:
        return f"/containers/{in_path(self._http.host, container)}"


def filtered(filters: Filters | None) -> dict[str, str]:
    """The query of a list that is narrowed down."""
    return (
        {"filters": json.dumps({key: list(of) for key, of in filters.items()})} if filters else {}
    )
