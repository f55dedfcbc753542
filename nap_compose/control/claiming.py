"""Quota that is held for an app by a compare-and-set, while something other than a deployment of it
goes on under its lock."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nap_compose.clock import utc_now
from nap_compose.cluster import claims
from nap_compose.cluster.claims import Claims
from nap_compose.cluster.state import Lost, StoreAway
from nap_compose.cluster.use import Use
from nap_compose.control.parts import Parts
from nap_compose.control.quotas.subjects import Subjects
from nap_compose.control.stored_use import Key
from nap_compose.errors import NapError

TRIES = 20
"""How often it is looked again when somebody else took of the quota meanwhile."""


@contextmanager
def held(
    parts: Parts,
    key: Key,
    deployment: str,
    check: Callable[[Claims], tuple[Use, Subjects]],
    *,
    to: str = "",
) -> Iterator[None]:
    """Hold what `check` says that the app (named by who made it) will use, of the quotas that it
    names; it raises OverQuota where that is too much. `to` is the owner whose the app is about to
    be. Whoever deploys at the same time looks again. Needs the app's lock, taken as `deployment`.
    """
    try:
        _take(parts, key, deployment, check, to)
        yield
    finally:
        with contextlib.suppress(StoreAway):  # then it ends with the lock
            claims.release(parts.store, deployment)


def _take(
    parts: Parts,
    key: Key,
    deployment: str,
    check: Callable[[Claims], tuple[Use, Subjects]],
    to: str,
) -> None:
    maker, name = key
    for _ in range(TRIES):
        seen = claims.read(parts.store)
        use, subjects = check(seen)
        try:
            claims.take(
                parts.store,
                seen,
                deployment=deployment,
                owner=maker,
                app=name,
                demands={},
                since=utc_now(),
                use=use,
                others=subjects.but(maker),
                to=to,
            )
        except Lost:
            time.sleep(random.uniform(0, 0.2))  # noqa: S311 - spreads the tries, no secret
            continue
        return
    raise NapError(
        f"other deployments took what {name} would use, {TRIES} times in a row",
        hint="run the command again in a moment",
    )
