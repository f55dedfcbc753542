"""A later file over an earlier one, both canonical.

Mappings merge, lists append, everything else is replaced, and nothing never replaces something.
The table of keys names the exceptions. After that, entries of a list that are the same thing
(a port, a mount's target) are one: the later one stands at the earlier one's position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nap_compose.compose.faults import Fault, Path
from nap_compose.compose.keys import TOP
from nap_compose.compose.rows import Entry, Merge
from nap_compose.compose.shapes import Either, Items, Object, Shape, Table

Value = Any


def documents(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` on `base`. Neither is changed. Raises Fault where the two don't fit."""
    merged = _object(base, over, TOP, ())
    assert isinstance(merged, dict)
    return merged


def services(base: dict[str, Any], over: dict[str, Any], path: Path) -> dict[str, Any]:
    """A service over the one that it extends."""
    merged = _object(base, over, _SERVICE, path)
    assert isinstance(merged, dict)
    return merged


def _value(base: Value, over: Value, entry: Entry | None, shape: Shape | None, path: Path) -> Value:
    if base is None or (entry and entry.merge is Merge.REPLACE):
        return over
    if over is None:
        return base
    if entry and {str, list} & {type(base), type(over)} and _has_list_form(entry):
        rule = entry.unique or ("exact" if entry.merge is Merge.HOSTS else "itself")
        return unique([*_as_list(base), *_as_list(over)], rule)
    if isinstance(base, dict) and isinstance(over, dict):
        return _mappings(base, over, entry, shape, path)
    if isinstance(base, list) and isinstance(over, list):
        return _lists(base, over, entry, path)
    if isinstance(base, (dict, list)) or isinstance(over, (dict, list)):
        raise Fault(path, "this can't override what an earlier file says: they differ in kind")
    return over


def _has_list_form(entry: Entry) -> bool:
    """Whether what may be a text or a table of texts may stand as a list as well.

    Canonical documents have one form of each thing; those whose variables still stand in them
    have what was written.
    """
    forms = entry.shape.by_kind if isinstance(entry.shape, Either) else {}
    return list in forms and not mapping_of(entry.shape)


def _as_list(value: Value) -> list[Value]:
    """`["A=1"]` for `{A: 1}`, one entry for a text."""
    if isinstance(value, dict):
        entries = ((key, of if isinstance(of, list) else [of]) for key, of in value.items())
        return sorted(
            key if of is None else f"{key}={of}" for key, several in entries for of in several
        )
    return list(value) if isinstance(value, list) else [value]


def _mappings(
    base: dict[str, Any], over: dict[str, Any], entry: Entry | None, shape: Shape | None, path: Path
) -> Value:
    rule = entry.merge if entry else Merge.DEFAULT
    if rule is Merge.DRIVER:
        drivers = base.get("driver"), over.get("driver")
        if None not in drivers and drivers[0] != drivers[1]:
            return over
    if rule is Merge.HOSTS:
        return {
            **base,
            **{host: unique([*base.get(host, ()), *over[host]], "itself") for host in over},
        }
    if rule is Merge.REPLACE_ENTRIES:
        return {**base, **over}
    inner = mapping_of(shape)
    if isinstance(inner, Object):
        return _object(base, over, inner, path)
    if inner is None:
        # Environment, labels and their like: a key without a value is a value too.
        return {**base, **over}
    merged = dict(base)
    for key, value in over.items():
        merged[key] = (
            _value(base[key], value, None, inner.entry, (*path, key)) if key in base else value
        )
    return merged


def _object(base: dict[str, Any], over: dict[str, Any], shape: Object, path: Path) -> Value:
    merged = dict(base)
    for key, value in over.items():
        entry = shape.entries.get(key)
        if key not in base:
            merged[key] = value
        elif entry is None:
            merged[key] = _extension(base[key], value)
        else:
            merged[key] = _value(base[key], value, entry, entry.shape, (*path, key))
    return merged


def _extension(base: Value, over: Value) -> Value:
    """What stands under `x-` has no rules of its own: mappings merge all the way down."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {
            **base,
            **{key: _extension(base[key], over[key]) if key in base else over[key] for key in over},
        }
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *over]
    return base if over is None else over


def _lists(base: list[Any], over: list[Any], entry: Entry | None, path: Path) -> list[Any]:
    rule = entry.unique if entry else ""
    if entry and entry.merge is Merge.ADD:
        return _added(base, over, NAMES[rule])
    if rule == "exact" and (again := sorted({*map(str, base)} & {*map(str, over)})):
        found = f'"{again[0]}" stands here twice: an earlier file or a base has it already'
        raise Fault(path, found)
    return unique([*base, *over], rule) if rule else [*base, *over]


def _added(base: list[Any], over: list[Any], name: Callable[[Value], Value]) -> list[Any]:
    """The entries of `over`, each with what `base` says of the same thing besides."""
    earlier = {name(item): item for item in base if isinstance(item, dict)}
    return [
        {**earlier.get(name(item), {}), **item} if isinstance(item, dict) else item for item in over
    ]


def unique(entries: list[Any], rule: str) -> list[Any]:
    """`entries` with each thing once, by the rule that the table of keys names."""
    name = NAMES[rule]
    places: dict[Any, int] = {}
    kept: list[Any] = []
    for item in entries:
        identity = name(item)
        if identity is not None and identity in places:
            kept[places[identity]] = item
            continue
        if identity is not None:
            places[identity] = len(kept)
        kept.append(item)
    return kept


def _port(entry: Value) -> Value:
    if not isinstance(entry, dict):
        return str(entry)
    return (
        entry.get("host_ip") or "0.0.0.0",  # noqa: S104 - only compared
        str(entry.get("published") or ""),
        entry.get("target"),
        entry.get("protocol") or "tcp",
    )


def _mounted(prefix: str) -> Callable[[Value], Value]:
    def name(entry: Value) -> Value:
        if not isinstance(entry, dict):
            return str(entry)
        target = entry.get("target")
        return target or f"{prefix}/{entry.get('source')}"

    return name


def _key(key: str) -> Callable[[Value], Value]:
    return lambda entry: entry.get(key) if isinstance(entry, dict) else str(entry)


NAMES: Mapping[str, Callable[[Value], Value]] = {
    "exact": str,
    "itself": lambda entry: str(entry).partition("=")[0],
    "port": _port,
    "target": _key("target"),
    "path": _key("path"),
    "subnet": _key("subnet"),
    "secret": _mounted("/run/secrets"),
    "config": _mounted(""),
}
"""For each rule of uniqueness: what makes two entries the same thing."""


def mapping_of(shape: Shape | None) -> Object | Table | None:
    """The mapping with known entries that a canonical value of this shape is, if it is one."""
    if isinstance(shape, Object):
        return shape
    if isinstance(shape, Table):
        return shape if isinstance(mapping_of(shape.entry), (Object, Table)) else None
    if isinstance(shape, Either):
        found = shape.by_kind.get(dict)
        if found is None and (items := shape.by_kind.get(list)) and isinstance(items, Items):
            return None
        return mapping_of(found)
    return None


def without(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """`document` without what stands at `path` (`!reset`, `!override`)."""
    head, rest = path[0], path[1:]
    if head not in document:
        return document
    if not rest:
        return {key: value for key, value in document.items() if key != head}
    inner = document[str(head)]
    if not isinstance(inner, dict):
        return document
    return {**document, str(head): without(inner, rest)}


def each_once(service: dict[str, Any], shape: Object | None = None) -> dict[str, Any]:
    """A service whose lists hold each thing once, also where one file wrote it twice."""
    shape = shape or _SERVICE
    result = dict(service)
    for key, value in service.items():
        entry = shape.entries.get(key)
        if entry is None:
            continue
        if isinstance(value, list) and entry.unique:
            result[key] = unique(value, entry.unique)
        elif isinstance(value, dict):
            inner = mapping_of(entry.shape)
            if isinstance(inner, Object) and inner in _WITH_UNIQUE:
                result[key] = each_once(value, inner)
            elif isinstance(inner, Table):
                attachment = mapping_of(inner.entry)
                if isinstance(attachment, Object) and attachment in _WITH_UNIQUE:
                    result[key] = {
                        name: each_once(item, attachment) if isinstance(item, dict) else item
                        for name, item in value.items()
                    }
    return result


def _service_shape() -> Object:
    services = TOP.entries["services"].shape
    assert isinstance(services, Table)
    assert isinstance(services.entry, Object)
    return services.entry


_SERVICE = _service_shape()
_WITH_UNIQUE = {
    inner
    for entry in _SERVICE.entries.values()
    for outer in [mapping_of(entry.shape)]
    for inner in [mapping_of(outer.entry) if isinstance(outer, Table) else outer]
    if isinstance(inner, Object) and any(row.unique for row in inner.entries.values())
}
