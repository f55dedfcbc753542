"""What must fit together in a file: references, dependencies without a cycle, rival settings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from nap_compose.compose.faults import Fault, Path
from nap_compose.compose.normalise import NAMESPACES
from nap_compose.text import nearest

Json = Mapping[str, Any]


def check(document: Json, known: Collection[str]) -> list[Fault]:
    """Every fault of a normalised document; `known` are all services of the file, off ones too."""
    services: Mapping[str, Json] = document.get("services") or {}
    faults: list[Fault] = []
    for name, spec in services.items():
        path = ("services", name)
        faults += _image(name, spec, path)
        faults += _references(name, spec, document, path)
        faults += _dependencies(name, spec, services, known, path)
        faults += _rivals(spec, path)
        faults += _scale(spec, path)
        faults += _watch(spec, path)
    faults += _same_container_names(services)
    return faults or list(_cycles(services))


def resources(document: Json) -> Iterator[Fault]:
    """Faults of volumes, secrets and configs, used or not."""
    for kind, sources in (
        ("secrets", ("file", "environment")),
        ("configs", ("file", "environment", "content")),
    ):
        for key, entry in (document.get(kind) or {}).items():
            given = [source for source in sources if source in (entry or {})]
            if len(given) > 1:
                yield Fault((kind, key), f"{' and '.join(given)} exclude each other")
            empty = kind == "secrets" and not any(entry.get(source) for source in given)
            if (not given or empty) and not (entry or {}).get("external"):
                yield Fault((kind, key), f"one of {', '.join(sources)} or external must be set")
    for key, entry in (document.get("models") or {}).items():
        if "model" not in (entry or {}):
            yield Fault(("models", key), '"model" is missing here')
    for kind in ("volumes", "networks"):
        for key, entry in (document.get(kind) or {}).items():
            yield from _external(kind, key, entry or {})


def _external(kind: str, key: str, entry: Json) -> Iterator[Fault]:
    if not entry.get("external") or kind != "volumes":
        return
    for other in entry:
        if other not in ("name", "external") and not other.startswith("x-"):
            yield Fault(
                (kind, key, other), f'"{key}" is external, so "{other}" can\'t be set for it'
            )


def _image(name: str, spec: Json, path: Path) -> Iterator[Fault]:
    if not spec.get("image") and "build" not in spec and "provider" not in spec:
        yield Fault(path, f'service "{name}" has neither an image nor a build')
    build = spec.get("build") or {}
    if build.get("dockerfile") and build.get("dockerfile_inline"):
        yield Fault((*path, "build"), "dockerfile and dockerfile_inline exclude each other")
    platforms = build.get("platforms")
    if platforms and spec.get("platform") and spec["platform"] not in platforms:
        yield Fault(
            (*path, "build", "platforms"), f"the service's platform {spec['platform']} is missing"
        )
    if spec.get("network_mode") and spec.get("networks"):
        yield Fault((*path, "network_mode"), "network_mode and networks exclude each other")


def _references(name: str, spec: Json, document: Json, path: Path) -> Iterator[Fault]:
    for network in spec.get("networks") or ():
        yield from _defined(document, "networks", network, name, (*path, "networks", network))
    for index, mount in enumerate(spec.get("volumes") or ()):
        if mount.get("type") == "volume" and mount.get("source"):
            place = (*path, "volumes", index)
            yield from _defined(document, "volumes", mount["source"], name, place)
    build = spec.get("build") or {}
    for kind, entries, where in (
        ("secrets", spec.get("secrets"), (*path, "secrets")),
        ("configs", spec.get("configs"), (*path, "configs")),
        ("secrets", build.get("secrets"), (*path, "build", "secrets")),
    ):
        for index, entry in enumerate(entries or ()):
            place = (*where, index)
            yield from _defined(document, kind, entry.get("source", ""), name, place)
    for model in spec.get("models") or ():
        yield from _defined(document, "models", model, name, (*path, "models", model))


def _defined(document: Json, kind: str, key: str, name: str, path: Path) -> Iterator[Fault]:
    table = document.get(kind) or {}
    if key not in table:
        near = nearest(key, table)
        hint = f"did you mean {near}?" if near else f"declare it under the top-level {kind}:"
        yield Fault(path, f'service "{name}" refers to undefined {kind[:-1]} "{key}"', hint)


def _dependencies(
    name: str, spec: Json, services: Json, known: Collection[str], path: Path
) -> Iterator[Fault]:
    for other, entry in (spec.get("depends_on") or {}).items():
        place = (*path, *_reference(spec, other))
        if "condition" not in entry:
            yield Fault(place, '"condition" is missing here', "add `condition: service_started`")
        if other in services:
            continue
        if other not in known:
            near = nearest(other, known)
            hint = f"did you mean {near}?" if near else f"the file has {', '.join(sorted(known))}"
            yield Fault(place, f'service "{name}" depends on undefined service "{other}"', hint)
        elif entry.get("required", True):
            yield Fault(
                place,
                f'service "{name}" depends on "{other}", which no active profile turns on',
                "turn its profile on with --profile, or write `required: false`",
            )


def _reference(spec: Json, other: str) -> Path:
    """Where in a service the other one is named: it may depend on it by more than depends_on."""
    for key in ("links", "volumes_from"):
        for index, entry in enumerate(spec.get(key) or ()):
            if entry.partition(":")[0] == other:
                return key, index
    for key in NAMESPACES:
        if spec.get(key) == f"service:{other}":
            return (key,)
    return "depends_on", other


_RIVALS = (
    ("cpus", ("limits", "cpus")),
    ("mem_limit", ("limits", "memory")),
    ("mem_reservation", ("reservations", "memory")),
    ("pids_limit", ("limits", "pids")),
)


def _rivals(spec: Json, path: Path) -> Iterator[Fault]:
    resources = (spec.get("deploy") or {}).get("resources") or {}
    for key, (group, inner) in _RIVALS:
        # Once deploy has the group, its silence counts as a value too, as in Compose.
        if not spec.get(key) or group not in resources:
            continue
        other = (resources[group] or {}).get(inner)
        if _differ(spec[key], other):
            yield Fault(
                (*path, key),
                f'"{key}" and "deploy.resources.{group}.{inner}" differ: set only one of them',
            )


def _differ(left: Any, right: Any) -> bool:
    return str(left) != str(right if right is not None else 0)


def _scale(spec: Json, path: Path) -> Iterator[Fault]:
    deploy = spec.get("deploy") or {}
    scale, replicas = spec.get("scale"), deploy.get("replicas")
    if scale is not None and replicas is not None and scale != replicas:
        yield Fault((*path, "scale"), '"scale" and "deploy.replicas" differ: set only one of them')
    count = replicas if scale is None else scale
    if spec.get("container_name") and isinstance(count, int) and count > 1:
        yield Fault(
            (*path, "container_name"),
            f"{count} containers can't share the name {spec['container_name']}",
            "leave container_name out, or have one replica",
        )


def _watch(spec: Json, path: Path) -> Iterator[Fault]:
    for index, rule in enumerate((spec.get("develop") or {}).get("watch") or ()):
        if rule.get("action") not in ("rebuild", "restart") and not rule.get("target"):
            place = (*path, "develop", "watch", index)
            yield Fault(place, f'"target" is missing here: {rule.get("action")} needs one')


def _same_container_names(services: Json) -> Iterator[Fault]:
    taken: dict[str, str] = {}
    for name, spec in services.items():
        wanted = spec.get("container_name")
        if not wanted:
            continue
        if wanted in taken:
            yield Fault(
                ("services", name, "container_name"),
                f'service "{taken[wanted]}" already has the container name {wanted}',
            )
        taken.setdefault(wanted, name)


def _cycles(services: Json) -> Iterator[Fault]:
    """The first cycle among dependencies, named whole."""
    done: set[str] = set()
    for start in sorted(services):
        chain: list[str] = []
        stack: list[Iterator[str]] = [iter([start])]
        while stack:
            name = next(stack[-1], None)
            if name is None:
                stack.pop()
                if chain:
                    done.add(chain.pop())
                continue
            if name in chain:
                cycle = [*chain[chain.index(name) :], name]
                yield Fault(
                    ("services", cycle[0], "depends_on", cycle[1]),
                    f"the dependencies form a cycle: {' → '.join(cycle)}",
                )
                return
            if name in done or name not in services:
                continue
            chain.append(name)
            stack.append(iter(services[name].get("depends_on") or {}))
