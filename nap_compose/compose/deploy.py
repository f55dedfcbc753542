"""The keys of `deploy:`, as shapes."""

from __future__ import annotations

from nap_compose.compose.objects import DEVICE_REQUEST_KEYS, LABELS, TEXTS, optional
from nap_compose.compose.scalars import Cut, Duration, Number, Size, Text, Whole
from nap_compose.compose.shapes import Entry, Items, Object

_CPUS = Number()

_LIMITS = Object(Entry("cpus", _CPUS), Entry("memory", Size(text=True)), Entry("pids", Whole()))

_RESERVATIONS = Object(
    Entry("cpus", _CPUS),
    Entry("memory", Size(text=True)),
    Entry(
        "generic_resources",
        Items(
            Object(
                Entry(
                    "discrete_resource_spec",
                    Object(Entry("kind", Text(), zero=True), Entry("value", Cut(), zero=True)),
                )
            )
        ),
    ),
    Entry("devices", Items(Object(*DEVICE_REQUEST_KEYS, required=("capabilities",)))),
)

_UPDATE = Object(
    Entry("parallelism", Whole(0), zero=True),
    Entry("delay", Duration()),
    Entry("failure_action", Text()),
    Entry("monitor", Duration()),
    Entry("max_failure_ratio", Number()),
    Entry("order", Text("start-first", "stop-first")),
)

_RESTART_POLICY = Object(
    Entry("condition", Text()),
    Entry("delay", Duration(), zero=True),
    Entry("max_attempts", Whole(0), zero=True),
    Entry("window", Duration(), zero=True),
)

_PLACEMENT = Object(
    Entry("constraints", TEXTS),
    Entry("preferences", Items(Object(Entry("spread", Text())))),
    Entry("max_replicas_per_node", Whole(0)),
)

DEPLOY = optional(
    Object(
        Entry("mode", Text(), "replicated, or global for one replica on each host"),
        Entry("replicas", Whole(0), "how many containers the service has", zero=True),
        Entry("endpoint_mode", Text()),
        Entry("labels", LABELS),
        Entry("update_config", _UPDATE),
        Entry("rollback_config", _UPDATE),
        Entry(
            "resources",
            Object(Entry("limits", _LIMITS), Entry("reservations", _RESERVATIONS)),
        ),
        Entry("restart_policy", _RESTART_POLICY),
        Entry("placement", _PLACEMENT),
    )
)
