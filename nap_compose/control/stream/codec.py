"""Values as they cross: plain data of the border's own kinds, and nothing else can be built.

What is no JSON stands as `{"$": [KIND, …]}`. A class is named with its module and must be plain
data of the border's vocabulary; each field is checked against its annotation, so that a value made
by hand has the shape that the code behind expects, or is refused. An App is built from its document
alone: its typed fields can't say anything else than what is judged.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import nap_compose.border
from nap_compose.compose.model import App
from nap_compose.errors import BadFile, WrongUse

DEEPEST = 100
_BORDER = nap_compose.border.__name__
_PLAIN_DATA = (
    "nap_compose.cluster.pins",
    "nap_compose.cluster.view",
    "nap_compose.compose.bake",
    "nap_compose.compose.rows",
    "nap_compose.exits",
    "nap_compose.health.records",
    "nap_compose.orchestration.differences",
    "nap_compose.orchestration.events",
    "nap_compose.orchestration.explanation",
    "nap_compose.orchestration.plan",
    "nap_compose.orchestration.saved",
)


class Refs:
    """What can't cross stands for itself here: `put` gives a thing's number on this side, `get`
    something that acts for the other side's thing."""

    def put(self, kind: str, thing: Any) -> int:  # noqa: ARG002
        raise TypeError(f"a {type(thing).__name__} can't cross the border")

    def get(self, kind: str, number: int) -> Any:
        raise WrongUse(f"the border has no {kind} {number}")


class Encoder:
    """Makes JSON of values; bytes are gathered in `blobs`."""

    def __init__(self, refs: Refs) -> None:
        self._refs = refs
        self.blobs: list[bytes] = []

    def encode(self, value: Any) -> Any:
        """The value as JSON."""
        if isinstance(value, Enum) and not _is_known(type(value)):
            return self.encode(value.value)  # a signal's number, say
        if isinstance(value, Enum):
            return {"$": ["enum", *_named(type(value)), value.value]}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            self.blobs.append(bytes(value))
            return {"$": ["bytes", len(self.blobs) - 1]}
        if isinstance(value, list):
            return [self.encode(each) for each in value]
        if isinstance(value, App):
            return {"$": ["app", *(self.encode(part) for part in _parts_of(value))]}
        if is_dataclass(value) or _is_named_tuple(type(value)):
            return self._object(value)
        if isinstance(value, tuple):
            return {"$": ["tuple", *map(self.encode, value)]}
        if isinstance(value, (set, frozenset)):
            return {"$": ["set", *map(self.encode, value)]}
        if isinstance(value, Mapping):
            if all(isinstance(key, str) for key in value) and "$" not in value:
                return {key: self.encode(each) for key, each in value.items()}
            return {"$": ["map", *([self.encode(k), self.encode(v)] for k, v in value.items())]}
        return self._reference(value)

    def _object(self, value: Any) -> Any:
        if not _is_known(type(value)):
            return self._reference(value)
        names = [each.name for each in fields(value)] if is_dataclass(value) else value._fields
        told = {name: self.encode(getattr(value, name)) for name in names}
        return {"$": ["object", *_named(type(value)), told]}

    def _reference(self, value: Any) -> Any:
        for kind, fits in _REFERENCES.items():
            if fits(value):
                return {"$": [kind, self._refs.put(kind, value)]}
        raise TypeError(f"a {type(value).__name__} can't cross the border")


_REFERENCES: Mapping[str, Callable[[Any], bool]] = {
    "console": lambda value: hasattr(value, "heard") and hasattr(value, "show"),
    "cancel": lambda value: hasattr(value, "level"),
    "hold": lambda value: hasattr(value, "held"),
    "iterator": lambda value: isinstance(value, collections.abc.Iterable),
    "callable": callable,
}


class Decoder:
    """Makes values of JSON. Raises WrongUse for whatever isn't of the border's vocabulary."""

    def __init__(self, refs: Refs, blobs: typing.Sequence[bytes]) -> None:
        self._refs = refs
        self._blobs = blobs

    def decode(self, told: Any, depth: int = 0) -> Any:
        """The value."""
        if depth > DEEPEST:
            raise WrongUse("nested too deeply to cross the border")
        if isinstance(told, list):
            return [self.decode(each, depth + 1) for each in told]
        if not isinstance(told, dict):
            return told
        if "$" not in told:
            return {key: self.decode(each, depth + 1) for key, each in told.items()}
        try:
            kind, *rest = told["$"]
            return self._special(kind, rest, depth + 1)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise WrongUse(f"what came over the border can't be read: {error}") from None

    def _special(self, kind: str, rest: list[Any], depth: int) -> Any:
        if kind == "tuple":
            return tuple(self.decode(each, depth) for each in rest)
        if kind == "set":
            return frozenset(self.decode(each, depth) for each in rest)
        if kind == "map":
            return {self.decode(key, depth): self.decode(value, depth) for key, value in rest}
        if kind == "bytes":
            return self._blobs[_number(rest[0])]
        if kind == "enum":
            module, name, value = rest
            found = _class(module, name)
            if not issubclass(found, Enum):
                raise WrongUse(f"{name} is no kind of word")
            return found(value)
        if kind == "app":
            return _app(*(self.decode(each, depth) for each in rest))
        if kind == "object":
            module, name, told = rest
            return _built(
                _class(module, name), {key: self.decode(v, depth) for key, v in told.items()}
            )
        if kind in _REFERENCES:
            return self._refs.get(kind, _number(rest[0]))
        raise WrongUse(f"the border knows no {kind}")


def check_fits(value: Any, hint: Any, what: str) -> None:
    """Raise WrongUse where a value isn't of the annotated type."""
    if not fits(value, hint):
        raise WrongUse(f"{what} has a shape that the border doesn't know")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the annotated type, as deep as the annotation goes."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or isinstance(hint, typing.TypeVar):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, each) for each in args)
    if origin is typing.Literal:
        return value in args
    if origin is not None:
        return _fits_inside(value, origin, args)
    if hint is None or hint is type(None):
        return value is None
    if hint in (float, int):
        numbers = (int, float) if hint is float else int
        return isinstance(value, numbers) and not isinstance(value, bool)
    if getattr(hint, "_is_protocol", False):
        return not isinstance(value, (str, int, float, bytes, list, tuple, dict, type(None)))
    return isinstance(value, hint)


def _fits_inside(value: Any, origin: Any, args: tuple[Any, ...]) -> bool:
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(args) == 2 and args[1] is Ellipsis:
            return all(fits(each, args[0]) for each in value)
        return len(args) == len(value) and all(map(fits, value, args))
    if origin in (dict, collections.abc.Mapping):
        return isinstance(value, Mapping) and all(
            fits(key, args[0]) and fits(each, args[1]) for key, each in value.items()
        )
    if origin in (list, collections.abc.Sequence):
        return isinstance(value, (list, tuple)) and all(fits(each, args[0]) for each in value)
    return callable(value) if origin is collections.abc.Callable else isinstance(value, origin)


@cache
def hints_of(thing: Any) -> Mapping[str, Any]:
    """The annotations of a class or a method of the border's, resolved."""
    return typing.get_type_hints(thing, localns=dict(_vocabulary()))


@cache
def _vocabulary() -> Mapping[str, Any]:
    """Every name that the border's annotations speak of."""
    found: dict[str, Any] = {}
    for name in (*_modules(), "nap_compose.compose.model"):
        found.update(
            (key, each) for key, each in vars(import_module(name)).items() if key[0] != "_"
        )
    return found


@cache
def _modules() -> tuple[str, ...]:
    border = [f"{_BORDER}.{each.name}" for each in iter_modules(nap_compose.border.__path__)]
    return (*border, *_PLAIN_DATA)


def _named(kind: type) -> tuple[str, str]:
    return kind.__module__, kind.__name__


def _is_known(kind: type) -> bool:
    return kind.__module__ in _modules()


@cache
def _class(module: str, name: str) -> type:
    """A class of the vocabulary: plain data that stands in one of its modules."""
    if module not in _modules() or not isinstance(name, str):
        raise WrongUse(f"the border doesn't know {module}.{name}")
    found = vars(import_module(module)).get(name)
    if not isinstance(found, type) or found.__module__ != module:
        raise WrongUse(f"the border doesn't know {module}.{name}")
    if not (is_dataclass(found) or _is_named_tuple(found) or issubclass(found, Enum)):
        raise WrongUse(f"{name} is no plain data")
    return found


def _built(kind: type, values: dict[str, Any]) -> Any:
    hints = hints_of(kind)
    for name, value in values.items():
        if name not in hints:
            raise WrongUse(f"{kind.__name__} has no {name}")
        check_fits(value, hints[name], f"{kind.__name__}.{name}")
    return kind(**values)


def _parts_of(app: App) -> tuple[Any, ...]:
    return app.document, app.working_dir, app.files, app.profiled_out, app.content


def _app(document: Any, working_dir: Any, files: Any, profiled_out: Any, content: Any) -> App:
    """The App of a document that came from outside: it must be one that the schema allows."""
    from nap_compose.compose.keys import TOP
    from nap_compose.compose.project import check_name
    from nap_compose.compose.shapes import Reading

    texts = tuple[str, ...]
    if not (
        isinstance(document, dict)
        and isinstance(document.get("name"), str)
        and isinstance(working_dir, str)
        and fits(files, texts)
        and fits(profiled_out, texts)
        and fits(content, Mapping[str, Mapping[str, Any]])
    ):
        raise WrongUse("an app has a shape that the border doesn't know")
    check_name(document["name"], "the app's name")
    reading = Reading(canonical=True)
    TOP.read(document, reading)
    if reading.faults:
        raise BadFile(f"the app's document isn't valid: {reading.faults[0]}")
    try:
        return App.of(document, working_dir, files, profiled_out, content)
    except (KeyError, ValueError, TypeError, AttributeError):
        raise BadFile("the app's document is not in its canonical form") from None


def _is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def _number(told: Any) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or told < 0:
        raise WrongUse("the border counts from 0")
    return told
