"""The objects inside a service: their keys, forms, merge rules, and how nap treats them."""

from __future__ import annotations

from nap_compose.compose.rows import Entry, Merge, ignored, translated
from nap_compose.compose.scalars import Cut, Duration, Flag, Mode, Scalar, Size, Text, Whole
from nap_compose.compose.shapes import Either, Items, Nothing, Object, Shape, Table

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
    Object(
        Entry("soft", Whole(), "the limit that holds at first"),
        Entry("hard", Whole(), "how far a process may raise it"),
        required=("soft", "hard"),
        zeros=True,
    ),
)
ULIMITS = Table(ULIMIT)

PORT = Object(
    Entry("name", Text(), "a name for those who read the file"),
    translated(
        "mode",
        Text(),
        "host or ingress",
        "either way the host that runs the replica publishes the port",
    ),
    Entry("host_ip", Text(), "the host's address that it is published on"),
    Entry("target", Whole(1, 65535), "the container's port"),
    Entry("published", Text(numbers=(int,)), "the host's port or a range of them"),
    Entry("protocol", Text(), "tcp, udp or sctp"),
    ignored("app_protocol", Text(), "what is spoken on it", "nothing reads it"),
    required=("target",),
    what="port",
)

MOUNT = Object(
    Entry(
        "type",
        Text("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
        "what is mounted: bind, volume, tmpfs or image",
    ),
    Entry(
        "source",
        Text(),
        "the volume, path or image",
        note="a path beside the Compose file is brought to a cluster's hosts: files and `:ro` "
        "folders as content, folders to write to once, into a volume",
    ),
    Entry("target", SOMETHING, "where in the container"),
    Entry("read_only", Flag(), "whether it can't be written to"),
    Entry("consistency", Text(), "a hint for engines on a Mac"),
    Entry(
        "bind",
        Object(
            Entry("propagation", Text(), "whether mounts within it spread"),
            Entry("create_host_path", Flag(), "make the path if it is missing"),
            Entry(
                "recursive",
                Text("enabled", "disabled", "writable", "readonly"),
                "whether mounts within it come along",
            ),
            Entry("selinux", Text("z", "Z"), "relabel it: z shared, Z private"),
        ),
        "options of a bind",
    ),
    Entry(
        "volume",
        Object(
            Entry("labels", LABELS, "labels of an anonymous volume"),
            Entry("nocopy", Flag(), "don't fill it from the image"),
            Entry("subpath", Text(), "a path within the volume"),
        ),
        "options of a volume",
    ),
    Entry(
        "tmpfs",
        Object(
            Entry("size", Size(), "the most it may hold"),
            Entry("mode", Whole(0, strict=True), "its permissions"),
        ),
        "options of a tmpfs",
    ),
    Entry(
        "image", Object(Entry("subpath", Text(), "a path within the image")), "options of an image"
    ),
    required=("type", "target"),
    what="mount",
)

FILE_REFERENCE = Object(
    Entry("source", Text(), "which one"),
    Entry("target", Text(), "the file in the container"),
    Entry("uid", Text(), "the file's user"),
    Entry("gid", Text(), "the file's group"),
    Entry("mode", Mode(), "the file's permissions"),
    what="file",
)
FILE_REFERENCES = Items(Either(Text(), FILE_REFERENCE))

DEVICE = Object(
    Entry("source", Text(), "the device of the host"),
    Entry("target", Text(), "its path in the container"),
    Entry("permissions", Text(), "r, w and m for read, write, make"),
    required=("source", "target"),
)

DEVICE_REQUEST_KEYS = (
    Entry("driver", Text(), "who provides the devices"),
    Entry("count", Either(Whole(None, None, "all")), "how many, or all"),
    Entry("device_ids", UNIQUE_TEXTS, "which ones"),
    Entry("capabilities", UNIQUE_TEXTS, "what they must be able to do"),
    Entry("options", STRICT_PAIRS, "options of the driver"),
)

GPUS = Either(Text("all"), Items(Object(*DEVICE_REQUEST_KEYS)))

ENV_FILE = Either(
    Text(),
    Items(
        Either(
            Text(),
            Object(
                Entry("path", Text(), "the file"),
                Entry("format", Text(), "raw: values are taken as they stand"),
                Entry("required", Flag(), "false: it may be missing"),
                required=("path",),
                extensible=False,
            ),
        )
    ),
)

HEALTHCHECK = Object(
    Entry("test", TEXT_OR_TEXTS, "the command that tells", merge=Merge.REPLACE),
    Entry("interval", Duration(), "time between two checks", zero=True),
    Entry("timeout", Duration(), "how long one may take", zero=True),
    Entry("retries", Cut(0), "failures in a row until it is unhealthy", zero=True),
    Entry("start_period", Duration(), "time in which failures don't count", zero=True),
    Entry("start_interval", Duration(), "time between checks in that time", zero=True),
    Entry("disable", Flag(), "turn the image's own check off"),
)

LOGGING = Object(
    Entry("driver", Text(), "where the engine sends its output"),
    Entry("options", SOME_OPTIONS, "options of the driver"),
)

_WEIGHTED = Object(
    Entry("path", Text(), "the device", zero=True),
    Entry("weight", Whole(0, 65535, strict=True), "its weight", zero=True),
    extensible=False,
)
_RATED = Object(
    Entry("path", Text(), "the device", zero=True),
    Entry("rate", Size(), "the most a second", zero=True),
    extensible=False,
)
BLKIO = Object(
    Entry("weight", Whole(0, 65535, strict=True), "weight against other containers"),
    Entry("weight_device", Items(_WEIGHTED), "the same for single devices"),
    Entry("device_read_bps", Items(_RATED), "bytes read a second"),
    Entry("device_read_iops", Items(_RATED), "reads a second"),
    Entry("device_write_bps", Items(_RATED), "bytes written a second"),
    Entry("device_write_iops", Items(_RATED), "writes a second"),
    extensible=False,
)

HOOK = Object(
    Entry("command", COMMAND, "what runs", zero=True),
    Entry("user", Text(), "as whom"),
    Entry("privileged", Flag(), "with all rights on the host"),
    Entry("working_dir", Text(), "in which directory"),
    Entry("environment", STRICT_PAIRS, "with which variables"),
    required=("command",),
)

DEPENDENCY = Object(
    Entry(
        "condition",
        Text("service_started", "service_healthy", "service_completed_successfully"),
        "when it counts as up, on whichever host it is",
    ),
    Entry("restart", Flag(), "restart it when the dependency is replaced"),
    Entry(
        "required",
        Flag(strict=True),
        "false: it may be missing from the app, or not get well",
        zero=True,
    ),
    what="dependency",
)
DEPENDS_ON = Either(UNIQUE_TEXTS, Table(DEPENDENCY, keys=NAME))

ATTACHMENT = Object(
    Entry("aliases", TEXTS, "more names on this network", unique="itself"),
    Entry("ipv4_address", Text(), "a fixed IPv4 address"),
    Entry("ipv6_address", Text(), "a fixed IPv6 address"),
    Entry("link_local_ips", TEXTS, "link-local addresses", unique="itself"),
    Entry("mac_address", Text(), "its MAC address on this network"),
    Entry("interface_name", Text(), "what the interface is called"),
    Entry("driver_opts", OPTIONS, "options of the network's driver"),
    Entry("priority", Cut(strict=True), "the highest is connected first"),
    Entry("gw_priority", Cut(strict=True), "the highest gives the default gateway"),
)
ATTACHMENTS = Either(UNIQUE_TEXTS, Table(optional(ATTACHMENT), keys=NAME))

SERVICE_MODELS = Either(
    UNIQUE_TEXTS,
    Table(
        optional(
            Object(
                Entry("endpoint_var", Text(), "the variable that holds its URL"),
                Entry("model_var", Text(), "the variable that holds its name"),
            )
        )
    ),
)

_OPTION = Text(numbers=(int, float, bool))
PROVIDER = Object(
    Entry("type", Text(), "the program"),
    Entry("options", Table(Either(_OPTION, Items(_OPTION))), "what it is given"),
)
"""`type` may stand in another file: whether it is there is seen once all are merged."""

CREDENTIAL_SPEC = Object(
    Entry("config", Text(), "a config that holds it"),
    Entry("file", Text(), "a file that holds it"),
    Entry("registry", Text(), "a key of the host's registry"),
)
