"""A lease that a thread keeps alive: what both state stores hand out."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from nap_compose.cluster.state import Lease, StoreAway

RENEWALS = 5
"""So often is a lease renewed in its time: a store that is away for half of it costs no lease."""


class KeptLease:
    """A key that is ours, renewed RENEWALS times in `ttl` seconds until it is released.

    `renew` says whether the key is still ours, `give_back` lets go of it in the store. The lease
    counts as lost when the store says so, and also when no renewal got through for `ttl` seconds:
    from then on somebody else may have it, whatever the store says later. What is lost stays lost.
    """

    def __init__(
        self,
        key: str,
        *,
        fence: int,
        ttl: float,
        renew: Callable[[], bool],
        give_back: Callable[[], None],
        taken_at: float,
    ) -> None:
        """`taken_at` is the monotonic time *before* the key was asked for."""
        self.key = key
        self._fence = fence
        self._ttl = ttl
        self._renew = renew
        self._give_back = give_back
        self._sure_until = taken_at + ttl
        self._gone = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease {key}", daemon=True)
        self._thread.start()

    @property
    def fence(self) -> int:
        return self._fence

    @property
    def lost(self) -> bool:
        if time.monotonic() >= self._sure_until:
            self._gone = True
        return self._gone

    def release(self) -> None:
        """Let go. A store that doesn't answer is no error: the lease then ends by itself."""
        if self._stop.is_set():
            return
        self._stop.set()
        # A renewal on its way may wait for a store that hangs; it does no harm when it comes back.
        self._thread.join(timeout=1.0)
        self._gone = True
        with contextlib.suppress(StoreAway):
            self._give_back()

    def __enter__(self) -> KeptLease:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def _keep(self) -> None:
        pause = self._ttl / RENEWALS
        while not self._stop.wait(pause) and not self.lost:
            asked_at = time.monotonic()
            try:
                if not self._renew():
                    self._gone = True
                    return
            except StoreAway:
                pause = min(0.3, self._ttl / 10)
                continue
            # A process that was suspended while it waited for the answer finds it outdated.
            if not self.lost:
                self._sure_until = asked_at + self._ttl
            pause = self._ttl / RENEWALS


class Joint:
    """Two leases as one: `held`, which is released with it, counts as long as `guard` does."""

    def __init__(self, held: Lease, guard: Lease) -> None:
        self._held = held
        self._guard = guard

    @property
    def fence(self) -> int:
        return self._held.fence

    @property
    def lost(self) -> bool:
        return self._held.lost or self._guard.lost

    def release(self) -> None:
        """Let go of the one; whoever has the other keeps it."""
        self._held.release()

    def __enter__(self) -> Joint:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()
