"""The keys of the top-level elements other than services: networks, volumes, secrets and so on."""

from __future__ import annotations

from nap_compose.compose.objects import (
    LABELS,
    OPTIONS,
    STRICT_PAIRS,
    TEXT_OR_TEXTS,
    TEXTS,
    optional,
)
from nap_compose.compose.rows import Entry, Merge, Treatment, ignored, refused
from nap_compose.compose.scalars import Flag, Text, Whole
from nap_compose.compose.shapes import Either, Items, Object, Table

_EXTERNAL = Either(
    Flag(), Object(Entry("name", Text(), "obsolete: write `external: true` and `name`"))
)

NETWORK = optional(
    Object(
        Entry("name", Text(), "its name on the engines"),
        Entry(
            "driver",
            Text(),
            "the network's driver",
            note="across hosts none or `bridge` becomes an overlay",
            cluster=Treatment.TRANSLATED,
        ),
        Entry("driver_opts", OPTIONS, "options of the driver"),
        Entry(
            "ipam",
            Object(
                Entry("driver", Text(), "who gives out addresses"),
                Entry(
                    "config",
                    Items(
                        Object(
                            Entry("subnet", Text(), "the subnet, such as 10.5.0.0/16"),
                            Entry("ip_range", Text(), "the part that containers get"),
                            Entry("gateway", Text(), "the gateway's address"),
                            Entry("aux_addresses", Table(Text()), "addresses that are taken"),
                        )
                    ),
                    "the address pools",
                    unique="subnet",
                    merge=Merge.ADD,
                ),
                Entry("options", Table(Text()), "options of that driver"),
            ),
            "its addresses",
        ),
        Entry("external", _EXTERNAL, "it is there already, and not the app's"),
        Entry("internal", Flag(), "no way out of it"),
        Entry("enable_ipv4", Flag(), "with IPv4 addresses", zero=True),
        Entry("enable_ipv6", Flag(), "with IPv6 addresses", zero=True),
        Entry(
            "attachable",
            Flag(),
            "containers from outside may join",
            note="an overlay always is, since plain containers join it",
            cluster=Treatment.TRANSLATED,
        ),
        Entry("labels", LABELS, "labels on the network"),
    )
)

VOLUME = optional(
    Object(
        Entry("name", Text(), "its name on the engines"),
        Entry(
            "driver",
            Text(),
            "who stores it",
            note="a local volume stays on its host, and its services with it; on a cluster "
            "`moosefs` is storage that all hosts share",
        ),
        Entry("driver_opts", OPTIONS, "options of the driver"),
        Entry("external", _EXTERNAL, "it is there already, and not the app's"),
        Entry("labels", STRICT_PAIRS, "labels on the volume"),
    )
)

_ONLY_SWARM = "only a swarm's own secrets and configs have one"

_FILE_OBJECT = (
    Entry("name", Text(), "its name outside the app"),
    Entry("environment", Text(), "the variable that holds it"),
    Entry("file", Text(), "the file that holds it"),
    Entry("external", _EXTERNAL, "it is there already, and not the app's"),
    ignored("labels", LABELS, "labels on it", _ONLY_SWARM),
    refused("template_driver", Text(), "who fills in its template", _ONLY_SWARM),
)
SECRET = Object(
    *_FILE_OBJECT,
    refused("driver", Text(), "who keeps it", _ONLY_SWARM),
    ignored("driver_opts", OPTIONS, "options of the driver", _ONLY_SWARM),
)
CONFIG = Object(*_FILE_OBJECT, Entry("content", Text(), "its text"))

MODEL = Object(
    Entry("name", Text(), "its name outside the app"),
    Entry("model", Text(), "the model's image"),
    Entry("context_size", Whole(strict=True), "how many tokens it remembers"),
    Entry("runtime_flags", TEXTS, "options of what runs it"),
)

INCLUDE = optional(
    Items(
        Either(
            Text(),
            Object(
                Entry("path", TEXT_OR_TEXTS, "the file, and its overrides"),
                Entry("env_file", optional(TEXT_OR_TEXTS), "variables for it, instead of its .env"),
                Entry("project_directory", optional(Text()), "what its paths are relative to"),
                extensible=False,
            ),
        )
    )
)
