"""What containers use, over and over: each look is one list and one question a container.

An engine that is asked to measure takes two seconds for each container. So it is asked for what
was used up to now alone, and two looks make the share of the CPUs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from nap_compose.border import Chosen, Listing, UsageRow
from nap_compose.cluster.engine import Json
from nap_compose.cluster.view import ContainerView
from nap_compose.control.looking.choosing import ask_each, look, whereabouts
from nap_compose.control.parts import Parts
from nap_compose.control.reading import ENDED, warnings_of

INTERVAL = 1.0
"""Seconds from one look to the next."""


def watch_usage(parts: Parts, chosen: Chosen) -> Iterator[Listing]:
    """What the chosen containers use; the first comes after two looks, so that it is complete."""
    before: dict[str, Json] = {}
    first = True
    while True:
        began = time.monotonic()
        view, containers = look(parts, chosen)
        running = [each for each in containers if each.state not in ENDED]
        answers, warnings = ask_each(parts, running, lambda engine, each: engine.usage(each.id))
        if not first or not running:
            rows = tuple(
                _row(each, answers[each.id], before.get(each.id, {}))
                if each.id in answers
                else UsageRow(whereabouts(each), running=False)
                for each in containers
                if each.id in answers or each.state in ENDED
            )
            yield Listing(rows, (*warnings_of(view), *warnings))
        before, first = dict(answers), False
        time.sleep(max(0.0, INTERVAL - (time.monotonic() - began)))


def _row(container: ContainerView, now: Json, before: Json) -> UsageRow:
    networks = (now.get("networks") or {}).values()
    blocks: list[Json] = (now.get("blkio_stats") or {}).get("io_service_bytes_recursive") or []
    memory = now.get("memory_stats") or {}
    return UsageRow(
        of=whereabouts(container),
        cpu=_share(now, before),
        memory=_without_cache(memory),
        limit=int(memory.get("limit") or 0),
        received=sum(int(each.get("rx_bytes") or 0) for each in networks),
        sent=sum(int(each.get("tx_bytes") or 0) for each in networks),
        read=_moved(blocks, "read"),
        written=_moved(blocks, "write"),
        processes=int((now.get("pids_stats") or {}).get("current") or 0),
    )


def _share(now: Json, before: Json) -> float | None:
    """Percent of one CPU between two looks; None where there was none before."""
    used, all_used, cpus = _cpu(now)
    used_before, all_before, _ = _cpu(before)
    if not before or all_used <= all_before or used < used_before:
        return None if not before else 0.0
    return (used - used_before) / (all_used - all_before) * cpus * 100


def _cpu(usage: Json) -> tuple[int, int, int]:
    """What the container has used, what the whole host has, and of how many CPUs."""
    stats = usage.get("cpu_stats") or {}
    own = stats.get("cpu_usage") or {}
    cpus = int(stats.get("online_cpus") or len(own.get("percpu_usage") or ()) or 1)
    return int(own.get("total_usage") or 0), int(stats.get("system_cpu_usage") or 0), cpus


def _without_cache(memory: Json) -> int:
    """What files take that could be dropped at once isn't counted, as `docker stats` does."""
    used, detail = int(memory.get("usage") or 0), memory.get("stats") or {}
    cache = int(detail.get("total_inactive_file") or detail.get("inactive_file") or 0)
    return used - cache if cache < used else used


def _moved(blocks: list[Json], kind: str) -> int:
    values = [each.get("value") or 0 for each in blocks if str(each.get("op")).lower() == kind]
    return sum(map(int, values))
