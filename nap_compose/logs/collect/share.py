"""Which collector takes which host, where there are several."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable


def share(hosts: Iterable[str], collectors: Collection[str], me: str) -> set[str]:
    """The hosts that are for `me`, one of the `collectors`.

    Everybody comes to the same answer by themselves, and when one comes or goes only its own
    hosts change hands.
    """
    everyone = {*collectors, me}
    return {host for host in hosts if max(everyone, key=lambda each: _weight(each, host)) == me}


def _weight(collector: str, host: str) -> bytes:
    return hashlib.sha256(f"{collector}\0{host}".encode()).digest()
