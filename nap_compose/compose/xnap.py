"""nap's own additions to a Compose file, under `x-nap` at the top level and in a service."""

from __future__ import annotations

from nap_compose.compose.objects import TEXTS
from nap_compose.compose.rows import ignored
from nap_compose.compose.scalars import Duration, Flag, Text
from nap_compose.compose.shapes import Object

_NOT_YET = "nap doesn't do it yet"

X_NAP = Object(
    ignored("affinity", TEXTS, "prefer hosts or services to be near", _NOT_YET),
    ignored("anti_affinity", TEXTS, "hosts or services to stay away from", _NOT_YET),
    ignored(
        "on_host_lost",
        Object(
            ignored("after", Duration(), "how long a host must be gone", _NOT_YET),
            ignored("replace", Flag(), "whether its replicas are made again", _NOT_YET),
            ignored("on_return", Text(), "what becomes of the old container", _NOT_YET),
            extensible=False,
        ),
        "what happens when a host dies",
        _NOT_YET,
    ),
    ignored("secret_env", TEXTS, "environment keys whose values are secret", _NOT_YET),
    ignored("strategy", Text("spread", "binpack"), "how replicas are placed", _NOT_YET),
    ignored("drain", Duration(), "wait this long before a replica is stopped", _NOT_YET),
    ignored(
        "ship",
        Text("always", "once", "never"),
        "when a folder beside the file is shipped",
        _NOT_YET,
    ),
    ignored("collect_logs", Flag(), "whether container logs are collected", _NOT_YET, zero=True),
    extensible=False,
    what="x-nap",
)
