"""An engine's events, as they come over a stream."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import cast

from nap_compose.cluster.engine import EngineAway, Json
from nap_compose.cluster.engine_stream import Stream


class EngineEvents:
    """See `engine.Events`; `lost` is raised where they end before `until`."""

    def __init__(self, stream: Stream, until: float | None, lost: EngineAway) -> None:
        self._stream = stream
        self._until = until
        self._lost = lost

    def __iter__(self) -> Iterator[Json]:
        with self._stream as stream:
            stream.wait_at_most(None)
            for line in stream.lines():
                if line.strip():
                    yield cast(Json, json.loads(line))
        if self._until is None or time.time() < self._until - 1:
            # Only an engine that stops ends this stream early.
            raise self._lost

    def close(self) -> None:
        """Wake whoever reads."""
        self._stream.interrupt()
