"""The table of Compose keys: shape, merge rule, how nap treats each, and what it does.

The schema that checks a file, the JSON Schema for editors and the support table in the docs are
made from these rows, so that they can't disagree.
"""

from __future__ import annotations

from nap_compose.compose import objects as o
from nap_compose.compose import resources as r
from nap_compose.compose.building import BUILD, DEVELOP
from nap_compose.compose.deploy import DEPLOY
from nap_compose.compose.rows import Entry, Merge, Treatment, ignored, refused
from nap_compose.compose.scalars import Cut, Duration, Flag, Number, Size, Text, Whole
from nap_compose.compose.shapes import Either, Items, Nothing, Object, Table
from nap_compose.compose.xnap import APP_X_NAP, SERVICE_X_NAP

_SHIPPED = "on a cluster they are brought to the hosts"
_NO_MODELS = "nap runs no models: run one as a service"
_NAMESPACE = "`service:NAME` puts both on the same host"

SERVICE_KEYS: tuple[Entry, ...] = (
    Entry("annotations", o.PAIRS, "metadata for the container's runtime"),
    Entry("attach", Flag(), "whether its output is shown by an `up` that stays", zero=True),
    Entry("blkio_config", o.BLKIO, "weights and rates of block devices"),
    Entry(
        "build",
        BUILD,
        "how the image is built",
        note="on one host, from which the image goes to the others; with the docker buildx command "
        "where there is one, else with the engine's classic builder, which can't do all of it",
    ),
    Entry("cap_add", o.TEXTS, "kernel capabilities to add", unique="itself"),
    Entry("cap_drop", o.TEXTS, "kernel capabilities to drop", unique="itself"),
    Entry("cgroup", Text("host", "private"), "the cgroup namespace"),
    Entry("cgroup_parent", Text(), "the parent cgroup"),
    Entry("command", o.COMMAND, "replaces the image's command", merge=Merge.REPLACE,
          zero=True),
    Entry(
        "configs",
        o.FILE_REFERENCES,
        "configuration files in the container",
        note=_SHIPPED,
        cluster=Treatment.TRANSLATED,
        unique="config",
    ),
    Entry(
        "container_name",
        o.CONTAINER_NAME,
        "the container's name instead of PROJECT-SERVICE-N",
        note="on a cluster it is one more name on the app's networks, as owners share the hosts",
        cluster=Treatment.TRANSLATED,
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
    refused(
        "credential_spec",
        o.CREDENTIAL_SPEC,
        "a managed service account (Windows)",
        "it needs Windows hosts",
    ),
    Entry("depends_on", o.DEPENDS_ON, "what must be up before it starts, on whichever host"),
    Entry("deploy", DEPLOY, "replicas, resources, placement, updates"),
    Entry("develop", o.optional(DEVELOP), "what `nap watch` does with changed files"),
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
                Entry("service", Text(), "which service"),
                Entry("file", o.optional(o.SOMETHING), "the file that has it"),
                required=("service",),
                extensible=False,
            ),
        ),
        "takes over another service's definition",
    ),
    Entry(
        "external_links",
        o.UNIQUE_TEXTS,
        "links to containers outside the app",
        note="on a cluster to those of the same owner, on whichever host, through a shared network",
        unique="exact",
    ),
    Entry("extra_hosts", o.HOSTS, "more names in /etc/hosts", merge=Merge.HOSTS),
    Entry("gpus", o.GPUS, "GPUs; on a cluster they are counted on each host"),
    Entry("group_add", Items(Text(numbers=(int, float)), unique=True), "more groups of the user",
          unique="exact"),
    Entry("healthcheck", o.HEALTHCHECK, "how it is seen that the container is well"),
    Entry("hostname", Text(), "the container's host name"),
    Entry("image", Text(), "the image that it runs"),
    Entry("init", Flag(), "a small init process as number 1", zero=True),
    Entry("ipc", Text(), "the IPC namespace", note=_NAMESPACE),
    Entry("isolation", Text(), "the isolation technology (Windows)"),
    Entry("label_file", o.TEXT_OR_TEXTS, "files with labels", unique="itself"),
    Entry("labels", o.LABELS, "labels on the containers"),
    Entry(
        "links",
        o.TEXTS,
        "other services that are up first, and further names for them",
        unique="itself",
    ),
    Entry("logging", o.LOGGING, "the log driver and its options", merge=Merge.DRIVER),
    Entry("mac_address", Text(), "the container's MAC address"),
    Entry("mem_limit", Size(number=True), "the most memory it may use"),
    Entry("mem_reservation", Size(), "memory that is kept for it"),
    Entry("mem_swappiness", Size(), "how readily its pages are swapped out"),
    Entry("memswap_limit", Size(number=True), "the most memory and swap together"),
    refused("models", o.SERVICE_MODELS, "language models that it uses", _NO_MODELS),
    Entry(
        "network_mode", Text(), "host, none, bridge, service:X or container:X", note=_NAMESPACE
    ),
    Entry("networks", o.ATTACHMENTS, "the networks it is attached to"),
    Entry("oom_kill_disable", Flag(), "whether the kernel may kill it for memory"),
    Entry("oom_score_adj", Whole(-1000, 1000), "how readily the kernel kills it"),
    Entry("pid", Text(), "the PID namespace", note=_NAMESPACE),
    Entry("pids_limit", Cut(), "the most processes it may have"),
    Entry(
        "platform",
        Text(),
        "os/arch of the image; on a cluster also of its host",
    ),
    Entry(
        "ports", Items(Either(Text(numbers=(int,)), o.PORT)), "published ports", unique="port"
    ),
    Entry("post_start", Items(o.HOOK), "commands that run in it after the start"),
    refused(
        "pre_start",
        Items(o.HOOK),
        "commands that run before the start",
        "it is not run: use a service and depends_on with service_completed_successfully",
    ),
    Entry("pre_stop", Items(o.HOOK), "commands that run in it before nap stops it"),
    Entry("privileged", Flag(), "all rights on the host"),
    Entry("profiles", o.TEXTS, "profiles that turn the service on", unique="itself"),
    refused(
        "provider",
        o.PROVIDER,
        "a program that provides the service",
        "it runs a program of the file's choosing on the control host",
    ),
    Entry(
        "pull_policy",
        Text(
            pattern=r"^(always|never|build|if_not_present|missing|refresh|daily|weekly"
            r"|every_([0-9]+[wdhms])+)$",
            expected="always, never, missing, build, daily, weekly or every_<duration>",
        ),
        "when the image is pulled",
        note="any other than always, refresh and never means missing",
        heeds=("always", "refresh", "missing", "if_not_present", "never"),
    ),
    ignored(
        "pull_refresh_after",
        Text(),
        "pull again after this time",
        "use `pull_policy: always`, or `nap up --pull always` from time to time",
    ),
    Entry("read_only", Flag(), "a read-only root file system"),
    Entry("restart", Text(), "when the engine starts it again"),
    Entry("runtime", Text(), "the container runtime"),
    Entry("scale", Whole(0), "how many containers the service has", zero=True),
    Entry(
        "secrets",
        o.FILE_REFERENCES,
        "secret files in the container",
        note=f"{_SHIPPED}, where they lie in memory",
        cluster=Treatment.TRANSLATED,
        unique="secret",
    ),
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
    refused(
        "use_api_socket",
        Flag(strict=True),
        "the engine's socket in the container",
        "it hands the engine's socket to the container",
    ),
    Entry("user", Text(), "the user it runs as"),
    Entry("userns_mode", Text(), "the user namespace"),
    Entry("uts", Text(), "the UTS namespace"),
    Entry(
        "volumes",
        Items(Either(Text(), o.MOUNT)),
        "what is mounted",
        note="on a cluster, files and folders beside the Compose file are brought to the hosts",
        unique="target",
    ),
    Entry(
        "volumes_from",
        o.UNIQUE_TEXTS,
        "the mounts of another service",
        note="both are on the same host",
        unique="exact",
    ),
    Entry("working_dir", Text(), "the directory it starts in"),
)  # fmt: skip

SERVICE = Object(*SERVICE_KEYS, Entry("x-nap", SERVICE_X_NAP, "nap's own additions"))

TOP = Object(
    ignored("version", Text(), "the version of the format", "it is obsolete, remove it"),
    Entry("name", Text(), "the project's name"),
    Entry("include", r.INCLUDE, "other Compose files that belong to the app"),
    Entry("services", Table(SERVICE, keys=o.NAME), "what runs"),
    refused("models", Table(r.MODEL, keys=o.NAME), "language models", _NO_MODELS),
    Entry("networks", Table(r.NETWORK, keys=o.NAME), "networks"),
    Entry("volumes", Table(r.VOLUME, keys=o.NAME), "volumes"),
    Entry("secrets", Table(r.SECRET, keys=o.NAME), "secrets"),
    Entry("configs", Table(r.CONFIG, keys=o.NAME), "configuration files"),
    Entry("x-nap", APP_X_NAP, "nap's own additions"),
)
