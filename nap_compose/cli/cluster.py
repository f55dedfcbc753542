"""`nap cluster`: a cluster as a whole, from its first day on."""

from __future__ import annotations

from nap_compose.cli.lazy import LazyGroup

cluster = LazyGroup(
    "cluster",
    table={
        "init": (
            "nap_compose.cli.cluster_init:init",
            "Make a cluster of hosts that have engines",
        ),
        "certs": (
            "nap_compose.cli.cluster_certs:certs",
            "Look at certificates, and renew them",
        ),
        "check": (
            "nap_compose.cli.cluster_check:check",
            "Check the cluster file",
        ),
        "setup-control": (
            "nap_compose.cli.cluster_setup:setup_control",
            "Set up the machine where people call nap",
        ),
    },
    help="Make a cluster of hosts, and look after it.",
)
