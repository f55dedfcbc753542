"""How much memory a program takes."""

from __future__ import annotations

import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak() -> int:
    """The most bytes of memory that this program has held at once.

    Linux counts them for the program (`VmHWM` in proc(5)). `getrusage` counts for the process,
    and so begins with what its parent held when it was forked; it answers elsewhere.
    """
    if _STATUS.exists():
        words = _STATUS.read_text().split()
        return int(words[words.index("VmHWM:") + 1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
