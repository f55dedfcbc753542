"""Short forms become long ones, so that everything after this sees one form of each thing.

`["A=1"]` becomes `{"A": "1"}`, `"8080:80"` a mapping, `build: .` a mapping with a context. What
is canonical already stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nap_compose.compose import commandline, limits, shortforms
from nap_compose.compose.faults import Fault, Key, dotted
from nap_compose.compose.scalars import whole
from nap_compose.compose.shapes import Reading
from nap_compose.compose.shortforms import BadForm

Value = Any
_Form = Callable[[Value, Reading], Value]


def document(value: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """The canonical form of a checked document. Faults go to `reading`."""
    result = dict(value)
    for kind, form in _TOP.items():
        table = value.get(kind)
        if not isinstance(table, dict):
            continue
        with _at(reading, kind):
            result[kind] = {name: _within(form, entry, name, reading)
                            for name, entry in table.items()}  # fmt: skip
    return result


def service(value: Value, reading: Reading) -> Value:
    """The canonical form of one service."""
    return _object(value, _SERVICE, reading)


@contextmanager
def _at(reading: Reading, key: Key) -> Iterator[None]:
    reading.path.append(key)
    yield
    reading.path.pop()


def _within(form: _Form, value: Value, key: Key, reading: Reading) -> Value:
    """`form(value)`; a text that is not of the form becomes a fault at `key`."""
    reading.path.append(key)
    try:
        return form(value, reading)
    except BadForm as error:
        if not _has_variable(value, reading):
            reading.faults.append(Fault(reading.path, str(error)))
        return value
    except (AttributeError, KeyError, TypeError, ValueError):
        # What was found to have the wrong shape can't be counted on; the rest is still judged.
        if not reading.faults:
            raise
        return value
    finally:
        reading.path.pop()


def _has_variable(value: Value, reading: Reading) -> bool:
    return reading.loose and "$" in str(value)


def _object(value: Value, forms: dict[str, _Form], reading: Reading) -> Value:
    if not isinstance(value, dict):
        return value
    result = dict(value)
    for key in value.keys() & forms.keys():
        form = forms[key]
        if reading.as_written and form in _KEPT:
            form = _last_of_each if form in _PAIRS else _as_it_is
        if value[key] is not None:
            result[key] = _within(form, value[key], key, reading)
    return result


def _inside(forms: dict[str, _Form]) -> _Form:
    return lambda value, reading: _object(value, forms, reading)


def _each(form: _Form) -> _Form:
    """`form` for every entry of a list."""

    def apply(value: Value, reading: Reading) -> Value:
        if not isinstance(value, list):
            return value
        return [_within(form, entry, index, reading) for index, entry in enumerate(value)]

    return apply


def pairs(value: Value, _reading: Reading) -> Value:
    """`[A=1, B]` as `{A: "1", B: None}`."""
    if not isinstance(value, list):
        return value
    table: dict[str, Any] = {}
    for entry in value:
        key, equals, text = str(entry).partition("=")
        table[key] = text if equals else None
    return table


def _last_of_each(value: Value, _reading: Reading) -> Value:
    """`[A=1, B, A=2]` as `[A=2, B]`."""
    if not isinstance(value, list):
        return value
    return list({str(entry).partition("=")[0]: entry for entry in value}.values())


def _as_it_is(value: Value, _reading: Reading) -> Value:
    return value


def labels(value: Value, reading: Reading) -> Value:
    """As `pairs`, a label without a value being empty."""
    table = pairs(value, reading)
    if not isinstance(table, dict):
        return table
    return {key: "" if text is None else text for key, text in table.items()}


def _list(value: Value, _reading: Reading) -> Value:
    return [value] if isinstance(value, str) else value


def _command(value: Value, reading: Reading) -> Value:
    if not isinstance(value, str):
        return value
    words, dropped = commandline.words(value)
    if dropped:
        reading.warnings.append(
            f'{dotted(reading.path)}: no shell runs it, so "{dropped}" is dropped: '
            'write [sh, -c, "…"]'
        )
    return words


def _test(value: Value, reading: Reading) -> Value:
    if isinstance(value, str):
        return ["CMD-SHELL", value]
    if value and value[0] not in ("CMD", "CMD-SHELL", "NONE"):
        reading.fault("a test begins with CMD, CMD-SHELL or NONE", 0)
    return value


def _servers(value: Value, _reading: Reading) -> Value:
    return [server for server in ([value] if isinstance(value, str) else value) if server]


def _contexts(value: Value, reading: Reading) -> Value:
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if "=" not in entry:
            reading.fault(f'"{entry}" has no path: expected NAME=PATH', index)
    return pairs(value, reading)


def _source(value: Value, _reading: Reading) -> Value:
    return {"source": value} if isinstance(value, str) else value


def _env_file(value: Value, _reading: Reading) -> Value:
    entries = [value] if isinstance(value, str) else value
    return [
        {"path": entry, "required": True}
        if isinstance(entry, str)
        else {"required": True, **entry}
        if isinstance(entry, dict)
        else entry
        for entry in entries
    ]


def _label_file(value: Value, _reading: Reading) -> Value:
    return [value] if isinstance(value, str) else value


def _depends_on(value: Value, _reading: Reading) -> Value:
    if isinstance(value, list):
        return {name: {"condition": "service_started", "required": True} for name in value}
    return value


def _keys(value: Value, _reading: Reading) -> Value:
    return dict.fromkeys(value) if isinstance(value, list) else value


def _ports(value: Value, reading: Reading) -> Value:
    if not isinstance(value, list):
        return value
    found: list[Any] = []
    for index, entry in enumerate(value):
        if reading.budget.ports > limits.MOST_PORTS:
            break
        form = _within(_port, entry, index, reading)
        forms = form if isinstance(form, list) else [form]
        reading.budget.ports += len(forms)
        if reading.budget.ports > limits.MOST_PORTS:
            reading.fault(f"the app has more than {limits.MOST_PORTS} ports", index)
        found += forms
    return found


def _port(value: Value, _reading: Reading) -> Value:
    if not isinstance(value, dict):
        return shortforms.ports(str(value))
    if "host_ip" in value:
        shortforms.check_address(value["host_ip"], value["host_ip"])
    return value


def _mount(value: Value, _reading: Reading) -> Value:
    if isinstance(value, str):
        return shortforms.mount(value)
    if isinstance(value, dict) and isinstance(value.get("target"), str):
        value = {**value, "target": shortforms.clean(value["target"])}
    return _object(value, {"volume": _inside({"labels": labels})}, _reading)


def _device(value: Value, _reading: Reading) -> Value:
    return shortforms.device(value) if isinstance(value, str) else value


def _gpus(value: Value, reading: Reading) -> Value:
    if value == "all":
        return [{"count": "all" if reading.as_written else -1}]
    return _each(_device_request)(value, reading)


def _device_request(value: Value, _reading: Reading) -> Value:
    if not isinstance(value, dict):
        return value
    result = dict(value)
    if _reading.as_written:
        return {"count": "all", **result} if "device_ids" not in result else result
    if result.get("count") == "all":
        result["count"] = -1
    if "count" in result and "device_ids" in result:
        _reading.fault('"count" and "device_ids" exclude each other')
    if "count" not in result and "device_ids" not in result:
        result["count"] = -1
    if "options" in result:
        result["options"] = labels(result["options"], _reading)
    return result


def _extra_hosts(value: Value, _reading: Reading) -> Value:
    """`["h:1.2.3.4", "h=::1"]` as `{h: [addresses]}`."""
    table: dict[str, list[str]] = {}
    entries = _host_entries(value)
    for host, address in entries:
        if not host or not address:
            raise BadForm("expected HOST=ADDRESS")
        bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
        table.setdefault(host, []).append(bare)
    return table


def _host_entries(value: Value) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for host, addresses in value.items():
            for address in addresses if isinstance(addresses, list) else [addresses]:
                yield host, str(address)
        return
    for entry in value:
        host, equals, address = entry.partition("=")
        if not equals:
            host, equals, address = entry.partition(":")
        if not equals:
            raise BadForm(f'"{entry}" is no host: expected HOST=ADDRESS')
        yield host, address


def _build(value: Value, reading: Reading) -> Value:
    if isinstance(value, str):
        return {"context": value}
    return _object(value, _BUILD, reading)


def _flag_text(value: Value, _reading: Reading) -> Value:
    return str(value).lower() if isinstance(value, bool) else value


def _ssh(value: Value, reading: Reading) -> Value:
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if "=" not in entry and entry != "default":
            reading.fault(f'"{entry}" has no path: expected default or NAME=PATH', index)
    return pairs(value, reading)


def _rates(value: Value, _reading: Reading) -> Value:
    return {"path": "", "rate": "0", **value} if isinstance(value, dict) else value


def _weights(value: Value, _reading: Reading) -> Value:
    return {"path": "", "weight": 0, **value} if isinstance(value, dict) else value


def _discrete(value: Value, _reading: Reading) -> Value:
    return {"kind": "", "value": 0, **value} if isinstance(value, dict) else value


def _environment(value: Value, reading: Reading) -> Value:
    table = pairs(value, reading)
    for key in table if isinstance(table, dict) else ():
        if key.endswith(" "):
            reading.fault(f'the name of the variable "{key}" ends with a space', key)
    return table


def _provider_options(value: Value, _reading: Reading) -> Value:
    lists = {key: entry if isinstance(entry, list) else [entry] for key, entry in value.items()}
    return {key: entries for key, entries in lists.items() if entries}


def _option_texts(value: Value, _reading: Reading) -> Value:
    return {key: "" if text is None else text for key, text in value.items()}


def _external(value: Value, reading: Reading) -> Value:
    """`external: {name: x}` is the old way to write `external: true` and `name: x`."""
    if not isinstance(value, dict) or not isinstance(value.get("external"), dict):
        return value
    named = value["external"].get("name")
    reading.warnings.append(
        f"{dotted(reading.path)}: `external.name` is obsolete: write `external: true` and `name`"
    )
    if named and value.get("name") and value["name"] != named:
        reading.fault("`name` and `external.name` differ; `external.name` is obsolete")
    return {**value, "external": True, **({"name": named} if named else {})}


def _tmpfs_mode(value: Value, _reading: Reading) -> Value:
    number = whole(value)
    return value if number is None else number


_BUILD: dict[str, _Form] = {
    "args": pairs,
    "labels": labels,
    "additional_contexts": _contexts,
    "ssh": _ssh,
    "extra_hosts": _extra_hosts,
    "secrets": _each(_source),
    "no_cache_filter": _list,
    "provenance": _flag_text,
    "sbom": _flag_text,
}
_HOOK: dict[str, _Form] = {"command": _command, "environment": pairs}
_WATCH: dict[str, _Form] = {"ignore": _list, "include": _list, "exec": _inside(_HOOK)}
_RESERVATIONS: dict[str, _Form] = {
    "devices": _each(_device_request),
    "generic_resources": _each(_inside({"discrete_resource_spec": _discrete})),
}
_SERVICE: dict[str, _Form] = {
    "annotations": labels,
    "blkio_config": _inside(
        {
            "weight_device": _each(_weights),
            "device_read_bps": _each(_rates),
            "device_read_iops": _each(_rates),
            "device_write_bps": _each(_rates),
            "device_write_iops": _each(_rates),
        }
    ),
    "build": _build,
    "command": _command,
    "configs": _each(_source),
    "depends_on": _depends_on,
    "deploy": _inside(
        {
            "labels": labels,
            "resources": _inside({"reservations": _inside(_RESERVATIONS)}),
        }
    ),
    "develop": _inside({"watch": _each(_inside(_WATCH))}),
    "devices": _each(_device),
    "dns": _servers,
    "dns_search": _list,
    "entrypoint": _command,
    "env_file": _env_file,
    "environment": _environment,
    "extra_hosts": _extra_hosts,
    "gpus": _gpus,
    "healthcheck": _inside({"test": _test}),
    "label_file": _label_file,
    "labels": labels,
    "logging": _inside({"options": _option_texts}),
    "models": _keys,
    "networks": _keys,
    "ports": _ports,
    "post_start": _each(_inside(_HOOK)),
    "pre_start": _each(_inside(_HOOK)),
    "pre_stop": _each(_inside(_HOOK)),
    "provider": _inside({"options": _provider_options}),
    "secrets": _each(_source),
    "storage_opt": _option_texts,
    "sysctls": labels,
    "tmpfs": _list,
    "volumes": _each(_mount),
}
_PAIRS = frozenset({_environment, labels, pairs})
_KEPT = _PAIRS | frozenset(
    {
        _command,
        _extra_hosts,
        _list,
        _option_texts,
        _provider_options,
        _servers,
        _test,
    }
)
"""What stays as it is written where variables do: nobody needs another form to merge it."""


def _resource(value: Value, reading: Reading) -> Value:
    return _object(_external(value, reading), {"labels": labels}, reading)


_TOP: dict[str, _Form] = {
    "services": service,
    "networks": _resource,
    "volumes": _resource,
    "secrets": _resource,
    "configs": _resource,
}
