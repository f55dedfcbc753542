"""Consul's HTTP API as the bed itself needs it: over TLS, with the server's certificate checked."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any

from bed import tls
from bed.errors import BedError
from bed.layout import Bed, Host

PORT = 8501


class Refused(BedError):
    """Consul answered, and said no."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status

    @property
    def for_want_of_rights(self) -> bool:
        return self.status in (HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED)


def url(host: Host) -> str:
    return f"https://{host.ip}:{PORT}"


def call(bed: Bed, host: Host, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
    """The answer of the agent on that host, parsed. A body of bytes is sent as it is."""
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
    request = urllib.request.Request(
        url(host) + path,
        data=content.encode() if isinstance(content, str) else content,
        method=method,
        headers={"X-Consul-Token": token} if token else {},
    )
    trust = ssl.create_default_context(cafile=str(tls.authority(bed)))
    try:
        with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace").strip()
        raise Refused(
            f"Consul on {host.name}: {method} {path} gave {error.code}: {said}", error.code
        ) from error
    except OSError as error:
        raise BedError(f"Consul on {host.name} doesn't answer: {error}") from error
    return json.loads(text) if text.strip() else None
