"""`nap logs` and the commands under it."""

from __future__ import annotations

from nap_compose.cli.lazy import VerbGroup

logs = VerbGroup(
    "logs",
    help="Show what containers and deployments printed.",
    usual="nap_compose.cli.logs:logs",
    table={
        "search": ("nap_compose.cli.logs_search:search", "Find lines that were collected"),
        "stats": ("nap_compose.cli.logs_stats:stats", "Count lines by service and hour"),
        "collect": ("nap_compose.cli.logs_collect:collect", "Keep what all containers print"),
        "status": ("nap_compose.cli.logs_status:status", "Show how the collecting goes"),
    },
)
