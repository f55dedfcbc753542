"""Hosts whose disks are too full for anything new, as the watcher last saw them."""

from __future__ import annotations

from collections.abc import Mapping

from nap_compose.cluster.state import StoreAway
from nap_compose.control.parts import Parts
from nap_compose.health.book import HealthBook
from nap_compose.health.freshness import is_stale


def reasons(parts: Parts) -> Mapping[str, str]:
    """Why each of them takes nothing, by name. What nobody has looked at lately isn't full."""
    if parts.cluster.embedded:
        return {}
    book = HealthBook(parts.store)
    limit = parts.cluster.disk_limit
    try:
        full = {
            name: record.full
            for name, record in book.hosts().items()
            if record.full is not None and record.full >= limit
        }
        if not full or is_stale(book.heartbeats()):
            return {}
    except StoreAway:
        return {}
    most = f"{limit:.0%} is the limit"
    return {name: f"disk is {each:.0%} full, {most}" for name, each in full.items()}
