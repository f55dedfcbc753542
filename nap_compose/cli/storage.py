"""`nap storage`: the storage that all hosts share, and what lies on it."""

from __future__ import annotations

from nap_compose.cli.lazy import LazyGroup
from nap_compose.errors import WrongUse

storage = LazyGroup(
    "storage",
    table={
        "status": ("nap_compose.cli.storage_status:status", "Show how the storage is"),
        "ls": ("nap_compose.cli.storage_ls:ls", "List volumes on it"),
        "du": ("nap_compose.cli.storage_ls:du", "Show what volumes take"),
        "quota": ("nap_compose.cli.storage_set:quota", "Limit what a volume may hold"),
        "goal": ("nap_compose.cli.storage_set:goal", "Set how many copies there are"),
        "snapshot": ("nap_compose.cli.storage_snapshot:snapshot", "Keep a volume as it is now"),
        "restore": ("nap_compose.cli.storage_snapshot:restore", "Bring back what was"),
        "rm": ("nap_compose.cli.storage_snapshot:rm", "Remove a volume or a snapshot"),
        "orphans": ("nap_compose.cli.storage_ls:orphans", "List what no app uses"),
        "release": ("nap_compose.cli.storage_status:release", "End a dead host's file locks"),
        "init": ("nap_compose.cli.storage_status:init", "Set it up, or see what is missing"),
    },
    help="Look after the storage that all hosts share, and the volumes on it.",
)

VOLUME = "[OWNER/]APP/VOLUME"


def named(word: str) -> tuple[str, str, str]:
    """Owner (empty: the caller), app and volume of `[OWNER/]APP/VOLUME`."""
    parts = word.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise WrongUse(f"'{word}' names no volume", hint=f"write it as {VOLUME}")
    app, key = parts[-2:]
    return parts[0] if len(parts) == 3 else "", app, key
