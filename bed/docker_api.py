"""The few calls that the bed itself asks of an engine, over its unix socket."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bed.errors import BedError
from bed.layout import Host


def call(
    host: Host,
    method: str,
    path: str,
    body: Any = None,
    *,
    query: dict[str, str] | None = None,
    timeout: float = 60,
) -> Any:
    """The engine's answer: parsed when it is JSON, else text. Bytes are sent as they are."""
    headers = {"Content-Type": "application/json"}
    if isinstance(body, bytes):
        headers = {"Content-Type": "application/x-tar"}
    elif body is not None:
        body = json.dumps(body).encode()
    connection = _Connection(host.socket, timeout)
    try:
        connection.request(method, path + ("?" + urlencode(query) if query else ""), body, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise BedError(f"the engine of {host.name} doesn't answer: {error}") from error
    finally:
        connection.close()
    if answer.status >= 400:
        raise BedError(f"{host.name}: {method} {path} gave {answer.status}: {text.strip()}")
    if "json" in answer.headers.get("Content-Type", "") and text.strip():
        return _parse(text)
    return text


def answers(host: Host, timeout: float = 3) -> bool:
    try:
        return bool(call(host, "GET", "/_ping", timeout=timeout) == "OK")
    except BedError:
        return False


def _parse(text: str) -> Any:
    """One JSON value, or the last of a stream of them; an error in a stream is an error."""
    values = []
    for line in text.splitlines() if "\n" in text.strip() else [text]:
        value = json.loads(line)
        if isinstance(value, dict) and "errorDetail" in value:
            raise BedError(value.get("error", "the engine reports an error"))
        values.append(value)
    return values[-1]


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
