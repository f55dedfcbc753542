"""The objects inside a service and at the top level: their keys, forms and merge rules."""

from __future__ import annotations

from nap_compose.compose.scalars import Cut, Duration, Flag, Mode, Scalar, Size, Text, Whole
from nap_compose.compose.shapes import Either, Entry, Items, Merge, Nothing, Object, Shape, Table

NAME = r"^[a-zA-Z0-9._-]+$"
"""What services, networks, volumes, secrets and configs may be called."""

SOMETHING = Text(pattern=".", expected="a text that isn't empty")
TEXTS = Items(Text())
UNIQUE_TEXTS = Items(Text(), unique=True)
TEXT_OR_TEXTS = Either(Text(), TEXTS)
_NAMED = Table(Scalar(), keys=".")
PAIRS = Either(TEXTS, _NAMED)
"""`[A=1, B]` or `{A: 1, B: }`; of the same key twice the later one counts."""
STRICT_PAIRS = Either(UNIQUE_TEXTS, _NAMED)
"""As PAIRS, but the same entry twice is a fault."""
HOSTS = Either(UNIQUE_TEXTS, Table(Either(Text(), UNIQUE_TEXTS)))
OPTIONS = Table(Text(numbers=(int, float)))
SOME_OPTIONS = Table(Either(Text(numbers=(int, float)), Nothing()))
CONTAINER_NAME = Text(
    pattern=r"[a-zA-Z0-9][a-zA-Z0-9_.-]+",
    expected="letters, digits, '_', '.' and '-', two at least",
)
COMMAND = Either(Text(), TEXTS, Nothing())
LABELS = PAIRS


def optional(shape: Shape) -> Shape:
    """`shape`, or nothing at all."""
    return Either(shape, Nothing())


ULIMIT = Either(
    Whole(),
    Object(Entry("soft", Whole()), Entry("hard", Whole()), required=("soft", "hard")),
)
ULIMITS = Table(ULIMIT)

PORT = Object(
    Entry("name", Text()),
    Entry("mode", Text()),
    Entry("host_ip", Text()),
    Entry("target", Whole(1, 65535)),
    Entry("published", Text(numbers=(int,))),
    Entry("protocol", Text()),
    Entry("app_protocol", Text()),
    required=("target",),
    what="port",
)

MOUNT = Object(
    Entry("type", Text("bind", "volume", "tmpfs", "cluster", "npipe", "image")),
    Entry("source", Text()),
    Entry("target", SOMETHING),
    Entry("read_only", Flag()),
    Entry("consistency", Text()),
    Entry(
        "bind",
        Object(
            Entry("propagation", Text()),
            Entry("create_host_path", Flag()),
            Entry("recursive", Text("enabled", "disabled", "writable", "readonly")),
            Entry("selinux", Text("z", "Z")),
        ),
    ),
    Entry(
        "volume",
        Object(Entry("labels", LABELS), Entry("nocopy", Flag()), Entry("subpath", Text())),
    ),
    Entry("tmpfs", Object(Entry("size", Size()), Entry("mode", Whole(0, strict=True)))),
    Entry("image", Object(Entry("subpath", Text()))),
    required=("type", "target"),
    what="mount",
)

FILE_REFERENCE = Object(
    Entry("source", Text()),
    Entry("target", Text()),
    Entry("uid", Text()),
    Entry("gid", Text()),
    Entry("mode", Mode()),
    what="file",
)
FILE_REFERENCES = Items(Either(Text(), FILE_REFERENCE))

DEVICE = Object(
    Entry("source", Text()),
    Entry("target", Text()),
    Entry("permissions", Text()),
    required=("source", "target"),
)

DEVICE_REQUEST_KEYS = (
    Entry("driver", Text()),
    Entry("count", Either(Whole(None, None, "all"))),
    Entry("device_ids", UNIQUE_TEXTS),
    Entry("capabilities", UNIQUE_TEXTS),
    Entry("options", STRICT_PAIRS),
)

GPUS = Either(Text("all"), Items(Object(*DEVICE_REQUEST_KEYS)))

ENV_FILE = Either(
    Text(),
    Items(
        Either(
            Text(),
            Object(
                Entry("path", Text()),
                Entry("format", Text()),
                Entry("required", Flag()),
                required=("path",),
                extensible=False,
            ),
        )
    ),
)

HEALTHCHECK = Object(
    Entry("test", TEXT_OR_TEXTS, merge=Merge.REPLACE),
    Entry("interval", Duration(), zero=True),
    Entry("timeout", Duration(), zero=True),
    Entry("retries", Cut(0), zero=True),
    Entry("start_period", Duration(), zero=True),
    Entry("start_interval", Duration(), zero=True),
    Entry("disable", Flag()),
)

LOGGING = Object(
    Entry("driver", Text()),
    Entry("options", SOME_OPTIONS),
)

_WEIGHTED = Object(
    Entry("path", Text(), zero=True),
    Entry("weight", Whole(0, 65535, strict=True), zero=True),
    extensible=False,
)
_RATED = Object(
    Entry("path", Text(), zero=True), Entry("rate", Size(), zero=True), extensible=False
)
BLKIO = Object(
    Entry("weight", Whole(0, 65535, strict=True)),
    Entry("weight_device", Items(_WEIGHTED)),
    Entry("device_read_bps", Items(_RATED)),
    Entry("device_read_iops", Items(_RATED)),
    Entry("device_write_bps", Items(_RATED)),
    Entry("device_write_iops", Items(_RATED)),
    extensible=False,
)

HOOK = Object(
    Entry("command", COMMAND, zero=True),
    Entry("user", Text()),
    Entry("privileged", Flag()),
    Entry("working_dir", Text()),
    Entry("environment", STRICT_PAIRS),
    required=("command",),
)

WATCH = Object(
    Entry("path", SOMETHING),
    Entry("action", Text("rebuild", "sync", "restart", "sync+restart", "sync+exec")),
    Entry("target", Text()),
    Entry("ignore", Either(Text(), UNIQUE_TEXTS)),
    Entry("include", Either(Text(), UNIQUE_TEXTS)),
    Entry("exec", HOOK),
    Entry("initial_sync", Flag(strict=True)),
    required=("path", "action"),
)
DEVELOP = Object(Entry("watch", Items(WATCH)))

DEPENDENCY = Object(
    Entry(
        "condition",
        Text("service_started", "service_healthy", "service_completed_successfully"),
    ),
    Entry("restart", Flag()),
    Entry("required", Flag(strict=True), zero=True),
    what="dependency",
)
DEPENDS_ON = Either(UNIQUE_TEXTS, Table(DEPENDENCY, keys=NAME))

ATTACHMENT = Object(
    Entry("aliases", TEXTS, unique="itself"),
    Entry("ipv4_address", Text()),
    Entry("ipv6_address", Text()),
    Entry("link_local_ips", TEXTS, unique="itself"),
    Entry("mac_address", Text()),
    Entry("interface_name", Text()),
    Entry("driver_opts", OPTIONS),
    Entry("priority", Cut(strict=True)),
    Entry("gw_priority", Cut(strict=True)),
)
ATTACHMENTS = Either(UNIQUE_TEXTS, Table(optional(ATTACHMENT), keys=NAME))

SERVICE_MODELS = Either(
    UNIQUE_TEXTS,
    Table(optional(Object(Entry("endpoint_var", Text()), Entry("model_var", Text())))),
)

_OPTION = Text(numbers=(int, float, bool))
PROVIDER = Object(
    Entry("type", Text()),
    Entry("options", Table(Either(_OPTION, Items(_OPTION)))),
    required=("type",),
)

CREDENTIAL_SPEC = Object(Entry("config", Text()), Entry("file", Text()), Entry("registry", Text()))

BUILD = Either(
    Text(),
    Object(
        Entry("context", Text()),
        Entry("dockerfile", Text()),
        Entry("dockerfile_inline", Text()),
        Entry("entitlements", TEXTS),
        Entry("args", PAIRS),
        Entry("ssh", PAIRS),
        Entry("provenance", Either(Text(), Flag())),
        Entry("sbom", Either(Text(), Flag())),
        Entry("labels", LABELS),
        Entry("cache_from", TEXTS),
        Entry("cache_to", TEXTS),
        Entry("no_cache", Flag()),
        Entry("no_cache_filter", TEXT_OR_TEXTS),
        Entry("additional_contexts", Either(TEXTS, Table(Text()))),
        Entry("network", Text()),
        Entry("pull", Flag()),
        Entry("target", Text()),
        Entry("shm_size", Size()),
        Entry("extra_hosts", HOSTS, merge=Merge.HOSTS),
        Entry("isolation", Text()),
        Entry("privileged", Flag()),
        Entry("secrets", FILE_REFERENCES),
        Entry("tags", TEXTS, unique="itself"),
        Entry("ulimits", ULIMITS, merge=Merge.REPLACE_ENTRIES),
        Entry("platforms", TEXTS),
    ),
)

NETWORK = optional(
    Object(
        Entry("name", Text()),
        Entry("driver", Text()),
        Entry("driver_opts", OPTIONS),
        Entry(
            "ipam",
            Object(
                Entry("driver", Text()),
                Entry(
                    "config",
                    Items(
                        Object(
                            Entry("subnet", Text()),
                            Entry("ip_range", Text()),
                            Entry("gateway", Text()),
                            Entry("aux_addresses", Table(Text())),
                        )
                    ),
                    unique="subnet",
                ),
                Entry("options", Table(Text())),
            ),
        ),
        Entry("external", Either(Flag(), Object(Entry("name", Text())))),
        Entry("internal", Flag()),
        Entry("enable_ipv4", Flag(), zero=True),
        Entry("enable_ipv6", Flag(), zero=True),
        Entry("attachable", Flag()),
        Entry("labels", LABELS),
    )
)

VOLUME = optional(
    Object(
        Entry("name", Text()),
        Entry("driver", Text()),
        Entry("driver_opts", OPTIONS),
        Entry("external", Either(Flag(), Object(Entry("name", Text())))),
        Entry("labels", STRICT_PAIRS),
    )
)

_FILE_OBJECT = (
    Entry("name", Text()),
    Entry("environment", Text()),
    Entry("file", Text()),
    Entry("external", Either(Flag(), Object(Entry("name", Text())))),
    Entry("labels", LABELS),
    Entry("template_driver", Text()),
)
SECRET = Object(*_FILE_OBJECT, Entry("driver", Text()), Entry("driver_opts", OPTIONS))
CONFIG = Object(*_FILE_OBJECT, Entry("content", Text()))

MODEL = Object(
    Entry("name", Text()),
    Entry("model", Text()),
    Entry("context_size", Whole(strict=True)),
    Entry("runtime_flags", TEXTS),
)

INCLUDE = optional(
    Items(
        Either(
            Text(),
            Object(
                Entry("path", TEXT_OR_TEXTS),
                Entry("env_file", Either(Text(), TEXTS, Nothing())),
                Entry("project_directory", optional(Text())),
                extensible=False,
            ),
        )
    )
)
