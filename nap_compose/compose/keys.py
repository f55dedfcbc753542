"""The table of Compose keys: shape, merge rule, how nap treats each, and what it does.

The schema that checks a file, the JSON Schema for editors and the support table in the docs are
made from these rows, so that they can't disagree.
"""

from __future__ import annotations

from nap_compose.compose import objects as o
from nap_compose.compose.deploy import DEPLOY
from nap_compose.compose.scalars import Cut, Duration, Flag, Number, Size, Text, Whole
from nap_compose.compose.shapes import Either, Entry, Items, Merge, Nothing, Object, Table

X_NAP_SERVICE = Object(
    Entry("affinity", o.TEXTS, "prefer hosts or services to be near"),
    Entry("anti_affinity", o.TEXTS, "hosts or services to stay away from"),
    Entry(
        "on_host_lost",
        Object(
            Entry("after", Duration(), "how long a host must be gone"),
            Entry("replace", Either(Flag(), Text()), "whether its replicas are made again"),
            Entry("on_return", Text(), "what becomes of the old container"),
            extensible=False,
        ),
        "what happens when a host dies",
    ),
    Entry("secret_env", o.TEXTS, "environment keys whose values are secret"),
    Entry("strategy", Text("spread", "binpack"), "how replicas are placed"),
    Entry("drain", Duration(), "wait this long before a replica is stopped"),
    Entry("ship", Text("always", "once", "never"), "when a folder beside the file is shipped"),
    Entry("collect_logs", Flag(), "whether container logs are collected"),
    extensible=False,
    what="x-nap",
)
"""nap's own additions, at the top level and in a service."""

SERVICE_KEYS: tuple[Entry, ...] = (
    Entry("annotations", o.PAIRS, "metadata for the container's runtime"),
    Entry("attach", Flag(), "whether its logs are followed in the foreground", zero=True),
    Entry("blkio_config", o.BLKIO, "weights and rates of block devices"),
    Entry("build", o.BUILD, "how the image is built"),
    Entry("cap_add", o.TEXTS, "kernel capabilities to add", unique="itself"),
    Entry("cap_drop", o.TEXTS, "kernel capabilities to drop", unique="itself"),
    Entry("cgroup", Text("host", "private"), "the cgroup namespace"),
    Entry("cgroup_parent", Text(), "the parent cgroup"),
    Entry("command", o.COMMAND, "replaces the image's command", merge=Merge.REPLACE,
          zero=True),
    Entry("configs", o.FILE_REFERENCES, "configuration files in the container", unique="config"),
    Entry(
        "container_name",
        Text(
            pattern=r"[a-zA-Z0-9][a-zA-Z0-9_.-]+",
            expected="letters, digits, '_', '.' and '-', two at least",
        ),
        "the container's name instead of PROJECT-SERVICE-N",
    ),
    Entry("cpu_count", Whole(0), "usable CPUs"),
    Entry("cpu_percent", Whole(0, 100), "usable share of the CPUs"),
    Entry("cpu_period", Cut(), "the CFS period in microseconds"),
    Entry("cpu_quota", Cut(), "the CFS quota in microseconds"),
    Entry("cpu_rt_period", Cut(), "the real-time period in microseconds"),
    Entry("cpu_rt_runtime", Cut(), "the real-time runtime in microseconds"),
    Entry("cpu_shares", Cut(), "weight against other containers"),
    Entry("cpus", Number(), "how many CPUs it may use"),
    Entry("cpuset", Text(), "on which CPUs it may run"),
    Entry("credential_spec", o.CREDENTIAL_SPEC, "a managed service account (Windows)"),
    Entry("depends_on", o.DEPENDS_ON, "what must be up before it starts"),
    Entry("deploy", DEPLOY, "replicas, resources, placement, updates"),
    Entry("develop", o.optional(o.DEVELOP), "what `watch` does with changed files"),
    Entry("device_cgroup_rules", o.UNIQUE_TEXTS, "rules of the device cgroup", unique="exact"),
    Entry("devices", Items(Either(Text(), o.DEVICE)), "devices of the host", unique="target"),
    Entry("dns", o.TEXT_OR_TEXTS, "DNS servers", unique="itself"),
    Entry("dns_opt", o.TEXTS, "options of the resolver", unique="itself"),
    Entry("dns_search", o.TEXT_OR_TEXTS, "search domains", unique="itself"),
    Entry("domainname", Text(), "the container's domain name"),
    Entry(
        "entrypoint", o.COMMAND, "replaces the image's entrypoint", merge=Merge.REPLACE, zero=True
    ),
    Entry("env_file", o.ENV_FILE, "files with environment variables", unique="path"),
    Entry("environment", o.PAIRS, "environment variables"),
    Entry("expose", Items(Text(numbers=(int, float))), "ports for other services", unique="itself"),
    Entry(
        "extends",
        Either(
            Text(),
            Object(
                Entry("service", Text()),
                Entry("file", o.optional(o.SOMETHING)),
                required=("service",),
                extensible=False,
            ),
        ),
        "takes over another service's definition",
    ),
    Entry("external_links", o.UNIQUE_TEXTS, "links to containers outside the app", unique="exact"),
    Entry("extra_hosts", o.HOSTS, "more names in /etc/hosts", merge=Merge.HOSTS),
    Entry("gpus", o.GPUS, "GPUs"),
    Entry("group_add", Items(Text(numbers=(int, float)), unique=True), "more groups of the user",
          unique="exact"),
    Entry("healthcheck", o.HEALTHCHECK, "how it is seen that the container is well"),
    Entry("hostname", Text(), "the container's host name"),
    Entry("image", Text(), "the image that it runs"),
    Entry("init", Flag(), "a small init process as number 1", zero=True),
    Entry("ipc", Text(), "the IPC namespace"),
    Entry("isolation", Text(), "the isolation technology (Windows)"),
    Entry("label_file", o.TEXT_OR_TEXTS, "files with labels", unique="itself"),
    Entry("labels", o.LABELS, "labels on the containers"),
    Entry("links", o.TEXTS, "other services, by another name", unique="itself"),
    Entry("logging", o.LOGGING, "the log driver and its options", merge=Merge.DRIVER),
    Entry("mac_address", Text(), "the container's MAC address"),
    Entry("mem_limit", Size(number=True), "the most memory it may use"),
    Entry("mem_reservation", Size(), "memory that is kept for it"),
    Entry("mem_swappiness", Size(), "how readily its pages are swapped out"),
    Entry("memswap_limit", Size(number=True), "the most memory and swap together"),
    Entry("models", o.SERVICE_MODELS, "language models that it uses"),
    Entry("network_mode", Text(), "host, none, bridge, service:X or container:X"),
    Entry("networks", o.ATTACHMENTS, "the networks it is attached to"),
    Entry("oom_kill_disable", Flag(), "whether the kernel may kill it for memory"),
    Entry("oom_score_adj", Whole(-1000, 1000), "how readily the kernel kills it"),
    Entry("pid", Text(), "the PID namespace"),
    Entry("pids_limit", Cut(), "the most processes it may have"),
    Entry("platform", Text(), "os/arch of the image"),
    Entry(
        "ports", Items(Either(Text(numbers=(int, float)), o.PORT)), "published ports", unique="port"
    ),
    Entry("post_start", Items(o.HOOK), "commands that run after the start"),
    Entry("pre_start", Items(o.HOOK), "commands that run before the start"),
    Entry("pre_stop", Items(o.HOOK), "commands that run before the stop"),
    Entry("privileged", Flag(), "all rights on the host"),
    Entry("profiles", o.TEXTS, "profiles that turn the service on", unique="itself"),
    Entry("provider", o.PROVIDER, "a program that provides the service"),
    Entry(
        "pull_policy",
        Text(
            pattern=r"^(always|never|build|if_not_present|missing|refresh|daily|weekly"
            r"|every_([0-9]+[wdhms])+)$",
            expected="always, never, missing, build, daily, weekly or every_<duration>",
        ),
        "when the image is pulled",
    ),
    Entry("pull_refresh_after", Text(), "pull again after this time"),
    Entry("read_only", Flag(), "a read-only root file system"),
    Entry("restart", Text(), "when the engine starts it again"),
    Entry("runtime", Text(), "the container runtime"),
    Entry("scale", Whole(0), "how many containers the service has", zero=True),
    Entry("secrets", o.FILE_REFERENCES, "secret files in the container", unique="secret"),
    Entry("security_opt", o.UNIQUE_TEXTS, "security options", unique="exact"),
    Entry("shm_size", Size(number=True), "the size of /dev/shm"),
    Entry("stdin_open", Flag(), "keep standard input open"),
    Entry("stop_grace_period", Duration(), "time between the stop signal and the kill",
          zero=True),
    Entry("stop_signal", Text(), "the signal that stops it"),
    Entry(
        "storage_opt",
        Table(Either(Text(numbers=(int, float)), Nothing())),
        "options of the storage driver",
    ),
    Entry("sysctls", o.PAIRS, "kernel parameters"),
    Entry("tmpfs", o.TEXT_OR_TEXTS, "file systems in memory", unique="itself"),
    Entry("tty", Flag(), "a terminal"),
    Entry("ulimits", o.ULIMITS, "limits of the processes", merge=Merge.REPLACE_ENTRIES),
    Entry("use_api_socket", Flag(strict=True), "the engine's socket in the container"),
    Entry("user", Text(), "the user it runs as"),
    Entry("userns_mode", Text(), "the user namespace"),
    Entry("uts", Text(), "the UTS namespace"),
    Entry("volumes", Items(Either(Text(), o.MOUNT)), "what is mounted", unique="target"),
    Entry("volumes_from", o.UNIQUE_TEXTS, "the mounts of another service", unique="exact"),
    Entry("working_dir", Text(), "the directory it starts in"),
)  # fmt: skip

SERVICE = Object(*SERVICE_KEYS, Entry("x-nap", X_NAP_SERVICE, "nap's own additions"))

TOP = Object(
    Entry("version", Text(), "obsolete, without effect"),
    Entry("name", Text(), "the project's name"),
    Entry("include", o.INCLUDE, "other Compose files that belong to the app"),
    Entry("services", Table(SERVICE, keys=o.NAME), "what runs"),
    Entry("models", Table(o.MODEL, keys=o.NAME), "language models"),
    Entry("networks", Table(o.NETWORK, keys=o.NAME), "networks"),
    Entry("volumes", Table(o.VOLUME, keys=o.NAME), "volumes"),
    Entry("secrets", Table(o.SECRET, keys=o.NAME), "secrets"),
    Entry("configs", Table(o.CONFIG, keys=o.NAME), "configuration files"),
    Entry("x-nap", X_NAP_SERVICE, "nap's own additions"),
)
