"""An app as `docker compose config` prints it: YAML or JSON, every dollar sign doubled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nap_compose.compose.keys import TOP
from nap_compose.compose.merge import mapping_of
from nap_compose.compose.model import App
from nap_compose.compose.normalise import items_of
from nap_compose.compose.scalars import whole
from nap_compose.compose.scalartypes import plain
from nap_compose.compose.shapes import Object, Shape, Table

_SILENT: dict[str, tuple[tuple[str, Any], ...]] = {
    "services": (("command", None), ("entrypoint", None)),
    "networks": (("ipam", {}),),
}
"""What Compose prints in JSON but not in YAML."""


def render(
    app: App | Mapping[str, Any],
    format: str = "yaml",  # noqa: A002 - the flag's name
    *,
    as_written: bool = False,
) -> str:
    """The document as text that reads back as the same app.

    `format` is `yaml` or `json`. `$` is written `$$`, unless the document is `as_written`: then
    its variables still stand in it. Secrets from files aren't in it, the environment is.
    """
    document = app.document if isinstance(app, App) else app
    if as_written:
        if format == "json":
            return _json(_whole(document, digits=True))
        return _yaml(_ordered(_whole(document)))
    value = _escaped(document)
    if format == "json":
        return _json(as_json(value))
    return _yaml(_ordered(_without_silent(_with_host_lists(value))))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(entry) for entry in value]
    return value


_LONGEST = 1e21
"""From here on Compose's JSON has no whole number without an exponent either."""


def _whole(value: Any, *, digits: bool = False) -> Any:
    """With `1000` for `1e3`: what it is in a container, and in Compose. With `digits` also what is
    too large for a whole number there, as its JSON has it."""
    if isinstance(value, float):
        number = whole(value)
        if number is None and digits and value.is_integer() and abs(value) < _LONGEST:
            from decimal import Decimal

            return int(Decimal(repr(value)))
        return value if number is None else number
    if isinstance(value, Mapping):
        return {key: _whole(entry, digits=digits) for key, entry in value.items()}
    many = isinstance(value, (list, tuple))
    return [_whole(entry, digits=digits) for entry in value] if many else value


def as_json(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with what Compose prints in JSON: no `x-` keys below the top, no models."""
    result = {
        key: value if key.startswith("x-") else _without_extensions(value, _shape(key))
        for key, value in document.items()
        if key != "models"
    }
    for spec in result.get("networks", {}).values():
        if spec.get("ipam"):
            spec["ipam"] = {key: part for key, part in spec["ipam"].items() if key != "options"}
    result = _with_host_lists(result)
    for spec in result.get("services", {}).values():
        spec.pop("pull_refresh_after", None)
        for rule in (spec.get("develop") or {}).get("watch") or ():
            rule.setdefault("exec", {"command": None})
        if spec.get("blkio_config"):
            spec["blkio_config"] = _capitals(spec["blkio_config"])
    return result


def _with_host_lists(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with `extra_hosts` and `build.ssh` as the lists that Compose prints."""
    services = {}
    for name, given in (document.get("services") or {}).items():
        spec = dict(given)
        if "extra_hosts" in spec:
            spec["extra_hosts"] = hosts(spec["extra_hosts"])
        build = spec.get("build") or {}
        if build.get("extra_hosts"):
            build = {**build, "extra_hosts": hosts(build["extra_hosts"])}
        if build.get("ssh"):
            build = {**build, "ssh": keys(build["ssh"])}
        if build:
            spec["build"] = build
        services[name] = spec
    return {**document, "services": services}


def hosts(table: Any) -> Any:
    """`{h: [a, b]}` as `["h=a", "h=b"]`, sorted."""
    if not isinstance(table, Mapping):
        return table
    return sorted(f"{host}={address}" for host, found in table.items() for address in found)


def keys(table: Any) -> Any:
    """The SSH keys of a build, `{default: , id: path}`, as `["default", "id=path"]`."""
    if not isinstance(table, Mapping):
        return table
    return [key if path is None else f"{key}={path}" for key, path in sorted(table.items())]


def _capitals(blkio: Mapping[str, Any]) -> dict[str, Any]:
    """Compose prints the keys of block devices with a capital letter."""
    return {
        key: [{word.capitalize(): entry for word, entry in row.items()} for row in value]
        if isinstance(value, list)
        else value
        for key, value in blkio.items()
    }


def _shape(key: str) -> Shape | None:
    entry = TOP.entries.get(key)
    return entry.shape if entry else None


def _without_extensions(value: Any, shape: Shape | None) -> Any:
    if isinstance(value, list):
        items = items_of(shape)
        return [_without_extensions(entry, items) for entry in value] if items else value
    if not isinstance(value, dict):
        return value
    inner = mapping_of(shape)
    if isinstance(inner, Table):
        return {key: _without_extensions(entry, inner.entry) for key, entry in value.items()}
    if not isinstance(inner, Object):
        return value
    return {
        key: _without_extensions(entry, inner.entries[key].shape if key in inner.entries else None)
        for key, entry in value.items()
        if not key.startswith("x-")
    }


def _without_silent(document: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in document.items() if (key, value) != ("name", "")}
    for kind, silent in _SILENT.items():
        if isinstance(result.get(kind), Mapping):
            result[kind] = {
                name: {key: entry for key, entry in spec.items() if (key, entry) not in silent}
                for name, spec in result[kind].items()
            }
    return result


def _yaml(value: Any) -> str:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    def text(dumper: Any, data: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=_style(data))

    Dumper.add_representer(str, text)
    return str(
        yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10**6, indent=2)
    )


def _style(text: str) -> str | None:
    """How a text must be written to read back as that text: quoted when it looks like more."""
    if "\n" in text and not text[0].isspace():
        return "|"
    return None if isinstance(plain(text), str) else '"'


_ORDER = ("name", "services", "networks", "volumes", "secrets", "configs", "models")


def _ordered(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document in the order in which people read it, the keys of each thing sorted."""
    keys = [key for key in _ORDER if key in document]
    keys += sorted(document.keys() - set(_ORDER))
    return {key: _sorted(document[key]) for key in keys}


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(entry) for entry in value] if isinstance(value, list) else value
