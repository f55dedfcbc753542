"""How many brokers somebody has at work at once: each takes a seat, which goes with its process.

They run as the account that owns the keys, so that no limit of the person's own holds for them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

from nap_compose.cluster.private_files import make_private_dir

MOST = 32


def take(folder: Path, whose: str, most: int = MOST) -> bool:
    """Take a seat for as long as this process lives; says whether one was free. Where that can't be
    told, as on a full disk, nobody is held up."""
    name = hashlib.sha256(whose.encode()).hexdigest()[:32]
    try:
        make_private_dir(folder)
        for number in range(most):
            seat = os.open(
                folder / f"{name}.{number}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(seat, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(seat)
            else:
                return True  # the lock goes with the process
    except OSError:
        return True
    return False
