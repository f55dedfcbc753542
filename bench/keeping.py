"""Kept logs of a great size, as a collector would have written them."""

from __future__ import annotations

from pathlib import Path

from nap_compose.logs.kept.files import segments_of
from nap_compose.logs.kept.segment import Whose
from nap_compose.logs.kept.stored import store, to_stamp
from nap_compose.logs.kept.tidy import compress
from nap_compose.logs.kept.writer import Writer

SERVICES = ("web", "api", "worker", "db")
START = 1_700_000_000 * 10**9
BATCH = 20_000


def keep(logs: Path, size: int) -> None:
    """Keep `size` bytes of lines of the app bench, in segments that are compressed as they fill."""
    writers = [
        Writer(logs, Whose(f"{n:012x}", f"bench-{service}-1", "local", "", "bench", service, 1))
        for n, service in enumerate(SERVICES)
    ]
    number = written = 0
    while written < size:
        for writer in writers:
            lines = [
                store(
                    "stdout" if n % 10 else "stderr",
                    b"%s INFO request %d took %d ms on behalf of user %d"
                    % (to_stamp(START + n * 50_000), n, n * 7919 % 2000, n * 104729 % 5000),
                )
                for n in range(number, number + BATCH)
            ]
            writer.append(lines)
            writer.sync()
            number += BATCH
            written += sum(map(len, lines))
    for writer in writers:
        writer.close()
    for segment in segments_of(logs, "", "bench"):
        compress(segment)
