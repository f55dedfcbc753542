"""nap's own additions to a Compose file, under `x-nap` at the top level and in a service."""

from __future__ import annotations

from typing import Any

from nap_compose.compose.objects import COMMAND, TEXTS
from nap_compose.compose.rows import Entry, Treatment, refused
from nap_compose.compose.scalars import Duration, Flag, Text
from nap_compose.compose.shapes import Either, Items, Object, Shape

_ONE_HOST = "there is but one host"

_SERVICES = Items(
    Either(
        Text(),
        Object(
            Entry("service", Text(), "which service of the app"),
            Entry("required", Flag(strict=True), "false: rather so, if it can be", zero=True),
            required=("service",),
            extensible=False,
        ),
    )
)


def _on_cluster(key: str, shape: Shape, does: str, **more: Any) -> Entry:
    return Entry(key, shape, does, Treatment.IGNORED, _ONE_HOST, cluster=Treatment.APPLIED, **more)


_EITHER = (
    Entry(
        "affinity",
        _SERVICES,
        "services that must be on the same host",
        Treatment.IGNORED,
        "there is but one host",
        cluster=Treatment.APPLIED,
    ),
    Entry(
        "anti_affinity",
        _SERVICES,
        "services that must not be on the same host; with its own name one a host",
        Treatment.IGNORED,
        "there is but one host",
        cluster=Treatment.APPLIED,
    ),
    Entry(
        "on_host_lost",
        Object(
            _on_cluster("after", Duration(), "for how long a host must be gone"),
            _on_cluster("replace", Flag(), "whether replicas are made elsewhere", zero=True),
            _on_cluster(
                "on_return",
                Text("remove", "stop"),
                "what becomes of the former container when its host returns",
            ),
            extensible=False,
        ),
        "what happens when a replica's host is lost",
        Treatment.IGNORED,
        _ONE_HOST,
        cluster=Treatment.APPLIED,
    ),
    Entry(
        "secret_env",
        TEXTS,
        "environment keys whose values are secret",
        note="nap shows them to nobody, also not with `--show-values`",
    ),
    Entry(
        "drain",
        Duration(),
        "how long a replaced replica has to end what it was asked, once others answer for it",
        Treatment.IGNORED,
        "on the local engine the old one stops first",
        cluster=Treatment.APPLIED,
    ),
    Entry(
        "ship",
        Text("always", "once", "never"),
        "what becomes of paths beside the file on a cluster",
        note="always: folders are content, mounted read-only; once: they fill a volume; never: "
        "each host has them",
    ),
    Entry(
        "backup",
        Object(
            Entry("before", COMMAND, "what runs in a container before its volumes are read"),
            Entry("after", COMMAND, "what runs in it afterwards, however that went"),
            extensible=False,
        ),
        "what `nap volume backup` runs in a container that uses the volume",
    ),
    refused(
        "collect_logs",
        Flag(),
        "whether container logs are collected",
        "where logs are collected they are of every service; `logging: {driver: none}` is how one"
        " stays out, and then nobody can read it",
        zero=True,
    ),
)

SERVICE_X_NAP = Object(*_EITHER, extensible=False, what="x-nap")
APP_X_NAP = Object(
    *_EITHER,
    Entry(
        "strategy",
        Text("spread", "binpack"),
        "spread replicas over the hosts, or pack them onto few; at the top level alone",
        Treatment.IGNORED,
        "there is but one host",
        cluster=Treatment.APPLIED,
    ),
    extensible=False,
    what="x-nap",
)
