"""`nap notify`: whether those who are to be told can be."""

from __future__ import annotations

from nap_compose.cli.lazy import LazyGroup

notify = LazyGroup(
    "notify",
    table={
        "test": ("nap_compose.cli.notify_test:test", "Send each a notice that says it is a test"),
    },
    help="See that those who are told when something needs a person can be told.",
)
