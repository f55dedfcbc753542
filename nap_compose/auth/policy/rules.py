"""The rules: what a value must be so that a user who isn't an admin may ask for it. Pure.

The same rules judge the key of a file and the field of a body that it becomes. A value of another
type than a rule knows is refused, so nothing slips through in a form that nobody thought of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from nap_compose.cluster.cluster import Ports
from nap_compose.cluster.holding import NANO, kind
from nap_compose.cluster.policy import DEFAULT, Policy
from nap_compose.units import parse_size


class Bounds(NamedTuple):
    """What the cluster file allows: its policy, and the ports that may be published."""

    policy: Policy = DEFAULT
    ports: Ports = Ports()


class Verdict(NamedTuple):
    """Why something is refused, and the rule in the cluster file that would allow it."""

    why: str
    rule: str = ""


Judge = Callable[[Any, Bounds], "Verdict | None"]


class Rule(NamedTuple):
    """One class of keys and fields. FREE and INSIDE have no judge: the one lets all pass, the other
    looks at what stands within."""

    name: str
    judge: Judge | None = None


def judged(rule: Rule, value: Any, bounds: Bounds) -> Iterator[Verdict]:
    """What a rule says against a value, if anything."""
    verdict = rule.judge(value, bounds) if rule.judge else None
    if verdict is not None:
        yield verdict


FREE = Rule("free")
INSIDE = Rule("by what is in it")

ROUTERS = ("caddy", "haproxy", "nginx", "SERVICE_", "traefik", "com.docker.")
"""How labels begin that routers, registrators and engines act on."""
MOST_LABELS = 128 << 10
"""Letters of all labels of one thing: engines list them to whoever looks at anything."""


def _asks(value: Any) -> bool:
    """Whether the value asks for anything: what is empty or false is the default."""
    return value not in (None, "", False, 0) and value not in ([], {}, ())


def _nothing(why: str) -> Judge:
    return lambda value, _: Verdict(why) if _asks(value) else None


def admins(why: str) -> Rule:
    """Only admins ask for it; `why` says what is wrong with it."""
    return Rule("admins", _nothing(f"{why}: for admins only"))


def within(name: str, allowed: Callable[[Policy], Iterable[str]], key: str, what: str) -> Rule:
    """A text, or each of a list of texts, must be one of those that the policy's `key` has."""

    def judge(value: Any, bounds: Bounds) -> Verdict | None:
        if not _asks(value):
            return None
        texts = [value] if isinstance(value, str) else value
        known = tuple(allowed(bounds.policy))
        if not isinstance(texts, (list, tuple)):
            return Verdict(f"{what} can't be told", key)
        for text in texts:
            if not isinstance(text, str) or not any(fnmatchcase(text, each) for each in known):
                listed = f"one of {', '.join(known)}" if known else "none"
                return Verdict(f"{what} '{text}' is not allowed, {listed} is", key)
        return None

    return Rule(name, judge)


def words(name: str, allowed: Iterable[str], what: str) -> Rule:
    """One of these words, whatever the policy."""
    known = tuple(allowed)
    return within(name, lambda _: known, "", what)


def _number_to(
    most: Callable[[Policy], float], key: str, what: str, *, bytes_: bool, least: float = 0.0
) -> Judge:
    """A number above 0 and `least`, up to `most`: what an engine takes for 0 is no limit."""

    def judge(value: Any, bounds: Bounds) -> Verdict | None:
        limit = most(bounds.policy)
        if not limit or value is None:
            return None
        try:
            amount = float(parse_size(value) if bytes_ and isinstance(value, str) else value)
        except (TypeError, ValueError):
            return Verdict(f"{what} can't be told", key)
        if least < amount <= limit:
            return None
        return Verdict(f"{what} is {value}, and {_shown(limit, bytes_)} is the most", key)

    return judge


def _shown(limit: float, bytes_: bool) -> str:
    from nap_compose.units import show_size

    return show_size(int(limit)) if bytes_ else f"{limit:g}"


def _capabilities(value: Any, bounds: Bounds) -> Verdict | None:
    known = {name.upper().removeprefix("CAP_") for name in bounds.policy.capabilities}
    if not _asks(value):
        return None
    if not isinstance(value, (list, tuple)):
        return Verdict("capabilities can't be told", "capabilities")
    for name in value:
        if not isinstance(name, str) or name.upper().removeprefix("CAP_") not in known:
            return Verdict(f"the capability {name} is not allowed", "capabilities")
    return None


def _sysctls(value: Any, bounds: Bounds) -> Verdict | None:
    if not _asks(value):
        return None
    if not isinstance(value, Mapping):
        return Verdict("kernel parameters can't be told", "sysctls")
    for name in value:
        if not any(fnmatchcase(str(name), known) for known in bounds.policy.sysctls):
            return Verdict(f"the kernel parameter {name} is not allowed", "sysctls")
    return None


def _labels(value: Any, bounds: Bounds) -> Verdict | None:
    if not _asks(value):
        return None
    if not isinstance(value, Mapping):
        return Verdict("labels can't be told", "labels")
    size = sum(len(str(name)) + len(str(text)) for name, text in value.items())
    if size > MOST_LABELS:
        return Verdict(f"labels of {_shown(size, True)} are more than {_shown(MOST_LABELS, True)}")
    for name in value:
        if str(name).startswith("com.docker.compose."):
            continue  # nap's own to set; a file's are refused for everybody
        routes = str(name).casefold().startswith(tuple(each.casefold() for each in ROUTERS))
        if routes and not str(name).startswith(bounds.policy.labels or ("\0",)):
            return Verdict(f"the label {name} is one that routers act on", "labels")
    return None


_SAFE_OPTION = re.compile(r"no-new-privileges([:=]true)?")


def _security(value: Any, _: Bounds) -> Verdict | None:
    if not _asks(value):
        return None
    if not isinstance(value, (list, tuple)):
        return Verdict("security options can't be told")
    for option in value:
        if not isinstance(option, str) or not _SAFE_OPTION.fullmatch(option):
            name = str(option).partition("=")[0][:40]
            return Verdict(f"the security option {name} may take protection away: for admins only")
    return None


def _published(value: Any, bounds: Bounds) -> Verdict | None:
    """A port of the host, or a range; none lets the engine choose."""
    if value in (None, "", 0, "0"):
        return None
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", str(value))
    if match is None:
        return Verdict(f"the port '{value}' can't be told", "lowest_port")
    first, last = int(match[1]), int(match[2] or match[1])
    lowest = max(bounds.policy.lowest_port, bounds.ports.first)
    if lowest <= first <= last <= bounds.ports.last:
        return None
    return Verdict(
        f"port {value} is not from {lowest} to {bounds.ports.last}",
        "lowest_port" if first < bounds.policy.lowest_port else "ports.range",
    )


_OWN_ADDRESSES = ("", "0.0.0.0", "::", "127.0.0.1", "::1")  # noqa: S104 - they are compared


_UNTOLD = Verdict("devices can't be told", "gpus")
_DEVICE_ID = re.compile(r"\d{1,3}(:\d{1,3})?|(GPU|MIG)-[\w/-]+", re.ASCII)
"""One GPU by its number or its id. Engines know words for all, and take several with commas."""


def _gpus_to_the_most(number_of: Callable[[Any, int], int | Verdict], how: str) -> Judge:
    """A list of which `number_of` counts the GPUs of each entry, or says why that can't be had."""

    def judge(value: Any, bounds: Bounds) -> Verdict | None:
        most = bounds.policy.gpus
        if not _asks(value):
            return None
        if not isinstance(value, (list, tuple)):
            return _UNTOLD
        total = 0
        for entry in value:
            number = number_of(entry, most)
            if isinstance(number, Verdict):
                return number
            total += number
        if total <= most:
            return None
        return Verdict(f"{total} GPUs are {how}, and {most} is the most", "gpus")

    return judge


def _requested(request: Any, most: int) -> int | Verdict:
    """A request for devices, in the file's form or the engine's."""
    if not isinstance(request, Mapping):
        return _UNTOLD
    low = {str(key).lower().replace("_", ""): each for key, each in request.items()}
    if low.get("options") or low.get("driver") not in (None, "", "nvidia"):
        return Verdict(f"devices of {low.get('driver') or 'their driver'} are not allowed", "")
    ids, count = low.get("deviceids") or (), low.get("count")
    if ids:
        each_one = isinstance(ids, (list, tuple)) and all(
            isinstance(each, str) and _DEVICE_ID.fullmatch(each) for each in ids
        )
        return len(ids) if each_one else _UNTOLD
    if count in ("all", -1, None):
        return Verdict(f"all GPUs are asked for, and {most} is the most", "gpus")
    # An engine takes any number below 0 for all; of 0 it lets the container's environment say.
    return _whole(count) or _UNTOLD


def _kept_free(entry: Any, _: int) -> int | Verdict:
    """Devices of a kind, which are kept free and reach no container."""
    resource = entry.get("discrete_resource_spec") if isinstance(entry, Mapping) else None
    number = _whole(resource.get("value") or 0) if isinstance(resource, Mapping) else None
    if not isinstance(resource, Mapping) or number is None:
        return _UNTOLD
    return number if kind(str(resource.get("kind") or "")) == "gpu" else 0


def _whole(number: Any) -> int | None:
    """A whole number from 0 on; None for anything else."""
    return int(number) if re.fullmatch(r"[0-9]{1,9}", str(number)) else None


def path_is_listed(path: str, bounds: Bounds) -> bool:
    """Whether users may mount that path of a host: just those listed, nothing under them, since a
    container that may write there could put a link in its place."""
    return path.rstrip("/") in {each.rstrip("/") for each in bounds.policy.binds if each != "/"}


_LIMITS_OF_ITS_OWN = frozenset(
    [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nofile",
        "nproc",
        "rss",
        "sigpending",
        "stack",
    ]
)
"""Limits of processes that reach nothing of others: those of real time and priority do."""


def _ulimits(value: Any, _: Bounds) -> Verdict | None:
    """A file's (by name), a body's (a list) or a build's (that list as JSON)."""
    if not _asks(value):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return Verdict("limits of processes can't be told")
    if isinstance(value, (list, tuple)):
        value = [each.get("Name") if isinstance(each, Mapping) else each for each in value]
    elif not isinstance(value, Mapping):
        return Verdict("limits of processes can't be told")
    for name in value:
        if name not in _LIMITS_OF_ITS_OWN:
            return Verdict(f"the limit {name} may take time from others: for admins only")
    return None


def in_memory(options: str, bounds: Bounds) -> Verdict | None:
    """The options of a file system in memory. Its size is told as a size: the kernel would take
    what it says last, in bytes or in blocks."""
    words = [each.partition("=") for each in options.split(",")]
    if any(name == "nr_blocks" for name, _, _ in words):
        return Verdict("a file system in memory is given its size with `size`", "tmpfs")
    sizes = [size for name, _, size in words if name == "size"]
    for size in sizes:
        if (verdict := _memory_size(size, bounds)) is not None:
            return verdict
    return None


def _tmpfs(value: Any, bounds: Bounds) -> Verdict | None:
    """`PATH` or `PATH:OPTIONS`, or several of them."""
    texts = [value] if isinstance(value, str) else value
    if not _asks(value):
        return None
    if not isinstance(texts, (list, tuple)):
        return Verdict("file systems in memory can't be told", "tmpfs")
    for text in texts:
        verdict = in_memory(str(text).partition(":")[2], bounds)
        if verdict is not None:
            return verdict
    return None


_memory_size = _number_to(
    lambda policy: policy.tmpfs, "tmpfs", "a file system in memory", bytes_=True
)


def _unless_none(judge: Judge) -> Judge:
    """The same judge of a size of which 0 means none: the engine or nap gives it one then."""
    return lambda value, bounds: None if value in (None, "", 0, "0") else judge(value, bounds)


_memory_and_swap = _number_to(
    lambda policy: 2 * policy.memory, "memory", "memory and swap together", bytes_=True
)
"""Engines give twice the memory where nothing is said."""


def _ascends(value: Any, _: Bounds) -> Verdict | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return None
    return Verdict("a container that the kernel spares at others' cost: for admins only")


CAPABILITIES = Rule("capabilities", _capabilities)
SYSCTLS = Rule("sysctls", _sysctls)
LABELS = Rule("labels", _labels)
SECURITY = Rule("security options", _security)
PUBLISHED = Rule("ports", _published)
ADDRESS = words("addresses", _OWN_ADDRESSES, "the address")
TMPFS = Rule("tmpfs", _tmpfs)
TMPFS_SIZE = Rule("tmpfs", _unless_none(_memory_size))
ULIMITS = Rule("limits of processes", _ulimits)
GPUS = Rule("gpus", _gpus_to_the_most(_requested, "asked for"))
OOM_SCORE = Rule("oom score", _ascends)
RUNTIME = within("runtimes", lambda policy: policy.runtimes, "runtimes", "the runtime")
LOG_DRIVER = within(
    "log drivers", lambda policy: policy.log_drivers, "log_drivers", "the log driver"
)
NETWORK_DRIVER = within(
    "network drivers",
    lambda policy: (*policy.network_drivers, "default"),
    "network_drivers",
    "the network driver",
)
VOLUME_DRIVER = within(
    "volume drivers", lambda policy: policy.volume_drivers, "volume_drivers", "the volume driver"
)
DEVICE = within("devices", lambda policy: policy.devices, "devices", "the device")
CPUS = Rule(
    "cpus",
    _number_to(lambda policy: policy.cpus, "cpus", "`cpus`", bytes_=False, least=0.5 / NANO),
)
NANO_CPUS = Rule(
    "cpus", _number_to(lambda policy: policy.cpus * NANO, "cpus", "`NanoCpus`", bytes_=False)
)
MEMORY = Rule(
    "memory", _number_to(lambda policy: policy.memory, "memory", "the memory", bytes_=True)
)
RESERVED_CPUS = Rule("cpus", _unless_none(CPUS.judge or _nothing("")))
RESERVED_MEMORY = Rule("memory", _unless_none(MEMORY.judge or _nothing("")))
GENERIC = Rule("gpus", _gpus_to_the_most(_kept_free, "kept free"))
SWAP = Rule("swap", _unless_none(_memory_and_swap))
PIDS = Rule("pids", _number_to(lambda policy: policy.pids, "pids", "the processes", bytes_=False))
SHM = Rule("shm", _number_to(lambda policy: policy.shm, "shm", "/dev/shm", bytes_=True))  # noqa: S108
BUILD_NETWORK = words("build network", ("none", "default"), "the network of a build")
PRIVATE = words("namespace", ("private",), "the namespace")
LOG_OPTIONS = frozenset(
    ("compress", "env", "env-regex", "labels", "labels-regex", "max-file", "max-size", "tag")
)


_TAG = re.compile(r"([^{}]|\{\{\s*\.[A-Za-z]+\s*\}\})*")
"""Words, and names of what a container is: an engine carries tags out as templates, in its own
process, and `{{pad .ID 99999999999 0}}` would take all its memory."""


def _log_options(value: Any, bounds: Bounds) -> Verdict | None:
    if not _asks(value):
        return None
    if not isinstance(value, Mapping):
        return Verdict("log options can't be told")
    strange = sorted(set(map(str, value)) - LOG_OPTIONS)
    if strange:
        return Verdict(f"the log option {strange[0]} is for admins only")
    tag = str(value.get("tag") or "")
    if len(tag) > 200 or not _TAG.fullmatch(tag):
        return Verdict("the log option tag does more than name the container: for admins only")
    policy = bounds.policy
    try:
        size = parse_size(str(value.get("max-size", policy.log_size)))
        files = int(value.get("max-file", policy.log_files))
    except ValueError:
        return Verdict("how large logs may become can't be told", "log_most")
    if size > 0 and files > 0 and size * files <= policy.log_most:
        return None
    return Verdict(
        f"{files} log files of {value.get('max-size', policy.log_size)} are more than "
        f"{_shown(policy.log_most, bytes_=True)}, which is the most",
        "log_most",
    )


_OF_THE_POOL = frozenset(("goal", "max_files", "quota", "trash_time"))


def _volume_options(value: Any, _: Bounds) -> Verdict | None:
    """Those of cluster storage; others can mount any path of a host."""
    if not _asks(value):
        return None
    if isinstance(value, Mapping) and set(value) <= _OF_THE_POOL:
        return None
    return Verdict("options of the volume's driver, which can mount any path: for admins only")


VOLUME_OPTIONS = Rule("volume options", _volume_options)
LOG_OPTION = Rule("log options", _log_options)
