"""The keys of `deploy:`: their forms, and how nap treats them."""

from __future__ import annotations

from nap_compose.compose.objects import DEVICE_REQUEST_KEYS, LABELS, TEXTS, optional
from nap_compose.compose.rows import Entry, ignored
from nap_compose.compose.scalars import Cut, Duration, Number, Size, Text, Whole
from nap_compose.compose.shapes import Items, Object

_CPUS = Number()

_LIMITS = Object(
    Entry("cpus", _CPUS, "how many CPUs it may use"),
    Entry("memory", Size(text=True), "the most memory it may use"),
    Entry("pids", Whole(), "the most processes it may have"),
)

_RESERVATIONS = Object(
    ignored("cpus", _CPUS, "CPUs that are kept for it", "engines keep no CPUs free"),
    Entry(
        "memory",
        Size(text=True),
        "what it is pressed down to when its host runs short of memory",
        note="hosts are chosen without it",
    ),
    ignored(
        "generic_resources",
        Items(
            Object(
                Entry(
                    "discrete_resource_spec",
                    Object(
                        Entry("kind", Text(), "which resource"),
                        Entry("value", Cut(), "how much of it"),
                    ),
                    "a resource that is counted",
                )
            )
        ),
        "resources of the host that users name",
        "hosts are chosen without them: use placement.constraints",
    ),
    Entry(
        "devices",
        Items(Object(*DEVICE_REQUEST_KEYS, required=("capabilities",))),
        "GPUs and other devices",
        note="hosts are chosen without them: use placement.constraints",
    ),
)


def _update(parallelism: str) -> Object:
    return Object(
        Entry("parallelism", Whole(0), parallelism, zero=True),
        ignored(
            "delay",
            Duration(),
            "time between two batches",
            "the next batch goes on as soon as the last one is healthy",
        ),
        Entry(
            "failure_action",
            Text(),
            "what happens when a replica fails",
            note="nap always goes back to what ran before",
            heeds=("rollback",),
        ),
        ignored(
            "monitor",
            Duration(),
            "how long a new replica is watched",
            "it is watched until all is healthy",
        ),
        ignored(
            "max_failure_ratio", Number(), "failures that are put up with", "none is put up with"
        ),
        Entry(
            "order",
            Text("start-first", "stop-first"),
            "whether the old replica stops first",
            note="the old one always stops first, at the last moment",
            heeds=("stop-first",),
        ),
    )


_RESTART_POLICY = Object(
    Entry("condition", Text(), "none, on-failure or any", note="`restart` wins over it"),
    ignored("delay", Duration(), "time before a restart", "the engine has its own", zero=True),
    Entry("max_attempts", Whole(0), "restarts until it is given up", zero=True),
    ignored("window", Duration(), "when a restart has worked", "the engine has its own", zero=True),
)

_PLACEMENT = Object(
    Entry("constraints", TEXTS, "what a host must have, such as `node.labels.zone == a`"),
    ignored(
        "preferences",
        Items(Object(Entry("spread", Text(), "the label whose values share the replicas"))),
        "labels to spread over",
        "replicas are spread over the hosts",
    ),
    Entry("max_replicas_per_node", Whole(0), "the most replicas on one host"),
)

DEPLOY = optional(
    Object(
        Entry(
            "mode",
            Text(),
            "replicated, or global for one replica on each host",
            note="jobs run as services do",
            heeds=("replicated", "global"),
        ),
        Entry("replicas", Whole(0), "how many containers the service has", zero=True),
        Entry(
            "endpoint_mode",
            Text(),
            "how the service's name is resolved",
            note="it always gives the replicas' own addresses",
            heeds=("dnsrr",),
        ),
        ignored(
            "labels",
            LABELS,
            "labels on the service, and not on its containers",
            "only containers carry labels: use the service's own `labels`",
        ),
        Entry(
            "update_config",
            _update("replicas replaced at once; 0 is all"),
            "how replicas are replaced",
        ),
        ignored(
            "rollback_config",
            _update("replicas put back at once"),
            "how a rollback goes",
            "what was replaced is put back as it was, all at once",
        ),
        Entry(
            "resources",
            Object(
                Entry("limits", _LIMITS, "the most it may use"),
                Entry("reservations", _RESERVATIONS, "what is kept for it"),
            ),
            "limits and reservations",
        ),
        Entry(
            "restart_policy",
            _RESTART_POLICY,
            "when the engine starts it again",
        ),
        Entry("placement", _PLACEMENT, "on which hosts it runs"),
    )
)
