"""The keys of `deploy:`: their forms, and how nap treats them."""

from __future__ import annotations

from nap_compose.compose.objects import DEVICE_REQUEST_KEYS, LABELS, TEXTS, optional
from nap_compose.compose.rows import Entry, Treatment, ignored
from nap_compose.compose.scalars import Cut, Duration, Number, Size, Text, Whole
from nap_compose.compose.shapes import Items, Object, Shape

_CPUS = Number()
_ONE_HOST = "there is but one host"


def _for_the_host(key: str, shape: Shape, does: str) -> Entry:
    """A key that says which host will do: where there is but one, nothing hangs on it."""
    return Entry(key, shape, does, Treatment.IGNORED, _ONE_HOST, cluster=Treatment.APPLIED)


_LIMITS = Object(
    Entry("cpus", _CPUS, "how many CPUs it may use"),
    Entry("memory", Size(text=True), "the most memory it may use"),
    Entry("pids", Whole(), "the most processes it may have"),
)

_RESERVATIONS = Object(
    _for_the_host("cpus", _CPUS, "CPUs that are kept for it"),
    Entry(
        "memory",
        Size(text=True),
        "memory that is kept for it, and to which it is pressed down when its host runs short",
    ),
    _for_the_host(
        "generic_resources",
        Items(
            Object(
                Entry(
                    "discrete_resource_spec",
                    Object(
                        Entry("kind", Text(), "which resource", zero=True),
                        Entry("value", Cut(), "how much of it", zero=True),
                    ),
                    "a resource that is counted",
                )
            )
        ),
        "devices of the host, counted by kind",
    ),
    Entry(
        "devices",
        Items(Object(*DEVICE_REQUEST_KEYS, required=("capabilities",))),
        "GPUs and other devices; on a cluster they are counted by their first capability",
    ),
)


def _update(parallelism: str) -> Object:
    return Object(
        Entry("parallelism", Whole(0), parallelism, zero=True),
        Entry("delay", Duration(), "time between two batches"),
        Entry(
            "failure_action",
            Text(),
            "what happens when a replica fails",
            note="without it nap goes back to what ran before",
            heeds=("rollback", "pause", "continue"),
        ),
        Entry("monitor", Duration(), "how long a new replica must stay well", zero=True),
        Entry("max_failure_ratio", Number(), "the share of replicas whose failure is put up with"),
        Entry(
            "order",
            Text("start-first", "stop-first"),
            "whether the old replica stops first",
            Treatment.IGNORED,
            "on the local engine the old one stops first, as with Compose; on a cluster without "
            "it the new one starts first wherever both can be there at once",
            cluster=Treatment.APPLIED,
        ),
    )


def _watchers(key: str, does: str) -> Entry:
    """A key that no engine keeps: the watcher does."""
    return Entry(
        key,
        Duration(),
        does,
        Treatment.IGNORED,
        "the engine has its own; on a cluster with `failover` the watcher keeps it",
        cluster=Treatment.APPLIED,
        zero=True,
    )


_RESTART_POLICY = Object(
    Entry("condition", Text(), "none, on-failure or any", note="it wins over `restart`"),
    _watchers("delay", "time before a restart"),
    Entry("max_attempts", Whole(0), "restarts until it is given up", zero=True),
    _watchers("window", "for how long it must run for a restart to have worked"),
)

_PLACEMENT = Object(
    _for_the_host("constraints", TEXTS, "what a host must have, such as `node.labels.zone == a`"),
    _for_the_host(
        "preferences",
        Items(Object(Entry("spread", Text(), "the label whose values share the replicas"))),
        "labels to spread over, the first one first",
    ),
    _for_the_host("max_replicas_per_node", Whole(0), "the most replicas on one host"),
)

DEPLOY = optional(
    Object(
        Entry(
            "mode",
            Text(),
            "replicated, or global for one replica on each host; with `-job` it runs to its end, "
            "once",
            note="it counts as replicated",
            heeds=("replicated", "global", "replicated-job", "global-job"),
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
        Entry(
            "rollback_config",
            _update("replicas put back at once"),
            "how `nap rollback` replaces replicas; without it as `update_config` says",
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
