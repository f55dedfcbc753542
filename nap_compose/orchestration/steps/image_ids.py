"""Which image a name means on a host: as it was seen, else asked once for all who want to know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping


class ImageIds:
    """The ids of images by host and reference; safe to use from several threads."""

    def __init__(self, seen: Mapping[tuple[str, str], str] | None = None) -> None:
        self._guard = threading.Lock()
        self._known = {key: _Known(image) for key, image in (seen or {}).items()}

    def of(self, host: str, reference: str, ask: Callable[[], str]) -> str:
        """The id of what `reference` means on `host`; `ask` is called where nobody knows yet.
        Raises what that raises, and then the next one asks again."""
        with self._guard:
            known = self._known.setdefault((host, reference), _Known())
        with known.lock:
            known.image = known.image or ask()
            return known.image


class _Known:
    def __init__(self, image: str = "") -> None:
        self.lock = threading.Lock()
        self.image = image
